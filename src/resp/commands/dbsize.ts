// DBSIZE  ->  number of topics
import type { Command } from '../command/context.js';
import { topicKeys } from '../info/keyspace.js';

export const dbsize = {
  name: 'dbsize',
  arity: 1,
  prefix: 'ERR',
  group: 'server',
  flags: ['readonly', 'fast'],
  summary: 'Returns the number of topics.',
  run: async (ctx) => (await topicKeys(ctx)).length,
} as const satisfies Command;
