// PUNSUBSCRIBE [pattern ...]  ->  a confirmation for each; without a pattern: all of them
import type { Command } from '../command/context.js';
import { confirmations } from '../streams/pubsub/subscribing.js';

export const punsubscribe = {
  name: 'punsubscribe',
  arity: -1,
  prefix: 'ERR',
  group: 'pubsub',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  summary: 'Unsubscribes from patterns.',
  since: '2.0.0',
  args: [{ name: 'pattern', type: 'string', optional: true, multiple: true }],
  run(ctx, args) {
    const { subscriptions } = ctx.sessions.streams;
    const names = args.left > 0 ? args.rest().map(String) : [...subscriptions.patterns];
    if (names.length === 0) return confirmations(ctx, 'punsubscribe', [[null, subscriptions.count]]);
    const left = names.map((name): [string, number] => {
      subscriptions.punsubscribe(name);
      return [name, subscriptions.count];
    });
    return confirmations(ctx, 'punsubscribe', left);
  },
} as const satisfies Command;
