// TYPE topics:<t> | <t>  ->  list for `topics:<t>`, stream for the bare name, or none
import type { Command } from '../command/context.js';
import { isTopicKey, topicOfKey } from '../info/keyspace.js';
import { Simple } from '../wire/reply.js';

export const type = {
  name: 'type',
  arity: 2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly', 'fast'],
  summary: 'Returns the type of a key: list for a topic.',
  keys: [1, 1, 1],
  args: [{ name: 'topics', type: 'key' }],
  async run(ctx, args) {
    const key = args.text();
    if (!(await isTopicKey(ctx, key))) return new Simple('none');
    return new Simple(topicOfKey(key) === undefined ? 'stream' : 'list');
  },
} as const satisfies Command;
