// SUBSCRIBE channel [channel ...]  ->  one confirmation each, when everything from then on is heard; then messages as they come
import type { Command } from '../command.js';
import { confirmations } from '../streams/subscribing.js';

export const subscribe = {
  name: 'subscribe',
  arity: -2,
  prefix: 'ERR',
  group: 'pubsub',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  summary: 'Listens to channels: what comes to these topics from now on.',
  since: '2.0.0',
  args: [{ name: 'channel', type: 'string', multiple: true }],
  async run(ctx, args) {
    const { subscriptions } = ctx.sessions.streams;
    const confirmed: [string, number][] = [];
    for (const bytes of args.rest()) {
      const name = bytes.toString();
      await subscriptions.subscribe(name);
      confirmed.push([name, subscriptions.count]);
    }
    return confirmations(ctx, 'subscribe', confirmed);
  },
} as const satisfies Command;
