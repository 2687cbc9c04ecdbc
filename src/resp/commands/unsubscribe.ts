// UNSUBSCRIBE [channel ...]  ->  a confirmation for each; without a channel: all of them
import type { Command } from '../command/context.js';
import { confirmations } from '../streams/pubsub/subscribing.js';

export const unsubscribe = {
  name: 'unsubscribe',
  arity: -1,
  prefix: 'ERR',
  group: 'pubsub',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  summary: 'Unsubscribes from channels.',
  since: '2.0.0',
  args: [{ name: 'channel', type: 'string', optional: true, multiple: true }],
  run(ctx, args) {
    const { subscriptions } = ctx.sessions.streams;
    const names = args.left > 0 ? args.rest().map(String) : [...subscriptions.channels];
    if (names.length === 0) return confirmations(ctx, 'unsubscribe', [[null, subscriptions.count]]);
    const left = names.map((name): [string, number] => {
      subscriptions.unsubscribe(name);
      return [name, subscriptions.count];
    });
    return confirmations(ctx, 'unsubscribe', left);
  },
} as const satisfies Command;
