// TYPE topics:<t>  ->  list, or none
import type { Command } from '../command.js';
import { Simple } from '../reply.js';
import { topicKeys } from '../topic-keys.js';

export const type = {
  name: 'type',
  arity: 2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly', 'fast'],
  summary: 'The type of a key: list for a topic.',
  keys: [1, 1, 1],
  args: [{ name: 'topics', type: 'key' }],
  async run(ctx, args) {
    const known = await topicKeys(ctx);
    return new Simple(known.includes(args.text()) ? 'list' : 'none');
  },
} as const satisfies Command;
