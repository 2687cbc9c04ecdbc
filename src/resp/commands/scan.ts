// SCAN <cursor> [MATCH <glob>] [COUNT <n>] [TYPE <type>]  ->  [next cursor, keys]
// The cursor is a position in the sorted list of topics: topics created or deleted meanwhile may shift it. See docs/decisions/0004.

import { globMatcher } from '../../core/access/glob.js';
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Command } from '../command/context.js';
import { streamKeys, topicKeys } from '../info/keyspace.js';

export const scan = {
  name: 'scan',
  arity: -2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly'],
  summary: 'Lists the topics page by page.',
  args: [
    { name: 'cursor', type: 'integer' },
    { name: 'pattern', type: 'pattern', token: 'MATCH', optional: true },
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
    { name: 'type', type: 'string', token: 'TYPE', optional: true },
  ],
  async run(ctx, args) {
    const cursor = readCursor(args);
    const { match, count, type } = readOptions(args);
    const all = type === 'list' ? await topicKeys(ctx) : type === 'stream' ? await streamKeys(ctx) : [];
    const page = all.slice(cursor, cursor + count);
    const next = cursor + count < all.length ? cursor + count : 0;
    return [String(next), page.filter(match)];
  },
} as const satisfies Command;

function readCursor(args: Args): number {
  const text = args.text();
  if (!/^[0-9]{1,15}$/.test(text)) throw fail('invalid-cursor');
  return Number(text);
}

function readOptions(args: Args): { match: (key: string) => boolean; count: number; type: string } {
  let match = (_key: string): boolean => true;
  let count = 10;
  let type = 'list';
  while (args.left > 0) {
    if (args.option('MATCH')) match = globMatcher(args.text());
    else if (args.option('TYPE')) type = args.text().toLowerCase();
    else if (args.option('COUNT')) count = args.integer();
    else throw fail('syntax');
  }
  if (count < 1) throw fail('syntax');
  return { match, count, type };
}
