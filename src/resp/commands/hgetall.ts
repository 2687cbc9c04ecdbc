// HGETALL stats  ->  the gateway's counters, every value an integer as a string (a map on RESP3)
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { allFacts } from '../info/status.js';
import type { Facts } from '../siblings/load.js';
import { mapOf, type Reply } from '../wire/reply.js';

export const hgetall = {
  name: 'hgetall',
  arity: 2,
  prefix: 'ERR',
  group: 'hash',
  flags: ['readonly'],
  summary: "Returns the gateway's counters: HGETALL stats.",
  args: [{ name: 'stats', type: 'key' }],
  run(ctx, args): Reply | Promise<Reply> {
    const key = args.text();
    if (key !== 'stats') throw fail('stats-key', key.toUpperCase());
    const facts = allFacts(ctx);
    return facts instanceof Promise ? facts.then(counters) : counters(facts);
  },
} as const satisfies Command;

const counters = ({ stats }: Facts): Reply =>
  mapOf(Object.fromEntries(Object.entries(stats).map(([name, value]) => [name, String(value)] as const)));
