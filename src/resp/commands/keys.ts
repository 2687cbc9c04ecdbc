// KEYS topics: | topics:<glob> | <glob>  ->  the topics as `topics:<name>`, without internal ones
import type { Command } from '../command/context.js';
import { checkKeysPattern, matchingTopicKeys } from '../info/keyspace.js';

export const keys = {
  name: 'keys',
  arity: 2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly'],
  summary: 'Lists the topics: KEYS topics:.',
  args: [{ name: 'pattern', type: 'pattern' }],
  run(ctx, args) {
    const pattern = args.text();
    checkKeysPattern(pattern);
    return matchingTopicKeys(ctx, pattern);
  },
} as const satisfies Command;
