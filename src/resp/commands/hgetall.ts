// HGETALL stats  ->  the gateway's counters, every value an integer as a string (a map on RESP3)
import { fail } from '../../errors.js';
import type { Command } from '../command.js';
import { mapOf } from '../reply.js';

export const hgetall = {
  name: 'hgetall',
  arity: 2,
  prefix: 'ERR',
  group: 'hash',
  flags: ['readonly'],
  summary: "The gateway's counters: HGETALL stats.",
  args: [{ name: 'stats', type: 'key' }],
  run(ctx, args) {
    const key = args.text();
    if (key !== 'stats') throw fail('stats-key', key.toUpperCase());
    const counters = Object.entries(ctx.stats.snapshot()).map(([name, value]) => [name, String(value)] as const);
    return mapOf(Object.fromEntries(counters));
  },
} as const satisfies Command;
