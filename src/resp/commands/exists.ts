// EXISTS topics:<t> [...]  ->  how many of these topics exist
import type { Command } from '../command.js';
import { topicKeys } from '../topic-keys.js';

export const exists = {
  name: 'exists',
  arity: -2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly', 'fast'],
  summary: 'How many of the named topics exist.',
  keys: [1, -1, 1],
  args: [{ name: 'topics', type: 'key', multiple: true }],
  async run(ctx, args) {
    const known = new Set(await topicKeys(ctx));
    return args.rest().filter((key) => known.has(key.toString())).length;
  },
} as const satisfies Command;
