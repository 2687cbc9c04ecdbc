// PUBSUB CHANNELS, NUMSUB, NUMPAT.
import { globMatcher } from '../../../core/access/glob.js';
import { fail } from '../../../errors.js';
import type { Command } from '../../command/context.js';
import { mayHear, subscribed } from '../../streams/pubsub/subscribed.js';

const common = { prefix: 'ERR', group: 'pubsub', flags: ['pubsub', 'loading', 'stale'], since: '2.8.0' } as const;

const wrongCount = (word: string): string =>
  `unknown subcommand or wrong number of arguments for '${word}'. Try PUBSUB HELP.`;

/** `PUBSUB CHANNELS [pattern]` -> channels with subscribers, of topics that the user may see. */
export const channels = {
  ...common,
  name: 'channels',
  arity: -2,
  summary: 'Returns the channels that are subscribed to.',
  args: [{ name: 'pattern', type: 'string', optional: true }],
  async run(ctx, args) {
    if (args.left > 1) throw fail('stream-argument', wrongCount(args.argv[1]!.toString()));
    const pattern = args.left > 0 ? args.text() : '*';
    const names = [...(await subscribed(ctx)).channels.keys()].filter((name) => mayHear(ctx, name));
    return names.filter(globMatcher(pattern)).sort();
  },
} satisfies Command;

/** `PUBSUB NUMSUB [channel ...]` -> each channel and its number of subscribers. */
export const numsub = {
  ...common,
  name: 'numsub',
  arity: -2,
  summary: 'Returns how many connections are subscribed to channels.',
  args: [{ name: 'channel', type: 'string', optional: true, multiple: true }],
  async run(ctx, args) {
    const wanted = args.rest();
    const counts = (await subscribed(ctx)).channels;
    return wanted.flatMap((bytes) => {
      const name = bytes.toString();
      return [bytes, mayHear(ctx, name) ? (counts.get(name) ?? 0) : 0];
    });
  },
} satisfies Command;

/** `PUBSUB NUMPAT` -> number of different patterns. */
export const numpat = {
  ...common,
  name: 'numpat',
  arity: 2,
  summary: 'Returns how many patterns are subscribed to.',
  async run(ctx) {
    return (await subscribed(ctx)).patterns.size;
  },
} satisfies Command;
