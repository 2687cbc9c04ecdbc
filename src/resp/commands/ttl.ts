// TTL topics:<t>: topics do not expire.
import type { Command } from '../command/context.js';
import { isTopicKey } from '../info/keyspace.js';

/** `TTL topics:<t>` -> -1 for a topic that exists, else -2. */
export const ttl = {
  name: 'ttl',
  arity: 2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly', 'fast'],
  summary: 'Returns the remaining time of a key: topics do not expire.',
  since: '1.0.0',
  keys: [1, 1, 1],
  args: [{ name: 'key', type: 'key' }],
  tips: ['nondeterministic_output'],
  run: async (ctx, args) => ((await isTopicKey(ctx, args.text())) ? -1 : -2),
} satisfies Command;
