// SUBSCRIBE channel [channel ...]  ->  a confirmation for each, from which on everything is heard; then messages as they arrive
import type { Command } from '../command/context.js';
import { subscribeToAll } from '../streams/pubsub/subscribing.js';

export const subscribe = {
  name: 'subscribe',
  arity: -2,
  prefix: 'ERR',
  group: 'pubsub',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  summary: 'Subscribes to channels: new messages of these topics.',
  since: '2.0.0',
  args: [{ name: 'channel', type: 'string', multiple: true }],
  run: (ctx, args) => subscribeToAll(ctx, 'subscribe', args.rest()),
} as const satisfies Command;
