// PSUBSCRIBE pattern [pattern ...]  ->  a confirmation for each, from which on everything is heard; then messages as they arrive
import type { Command } from '../command/context.js';
import { subscribeToAll } from '../streams/pubsub/subscribing.js';

export const psubscribe = {
  name: 'psubscribe',
  arity: -2,
  prefix: 'ERR',
  group: 'pubsub',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  summary: 'Subscribes to all topics that match a pattern.',
  since: '2.0.0',
  args: [{ name: 'pattern', type: 'string', multiple: true }],
  run: (ctx, args) => subscribeToAll(ctx, 'psubscribe', args.rest()),
} as const satisfies Command;
