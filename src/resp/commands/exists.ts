// EXISTS topics:<t> | <t> [...]  ->  number of these topics that exist
import type { Command } from '../command/context.js';
import { isTopicKey } from '../info/keyspace.js';

export const exists = {
  name: 'exists',
  arity: -2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly', 'fast'],
  summary: 'Returns how many of the named topics exist.',
  keys: [1, -1, 1],
  args: [{ name: 'topics', type: 'key', multiple: true }],
  async run(ctx, args) {
    const found = await Promise.all(args.rest().map((key) => isTopicKey(ctx, key.toString())));
    return found.filter(Boolean).length;
  },
} as const satisfies Command;
