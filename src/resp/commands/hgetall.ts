// HGETALL stats  ->  the gateway's counters, every value an integer as a string (a map on RESP3)
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { allStatus } from '../info/status.js';
import type { ProcessStatus } from '../siblings/load.js';
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
    const status = allStatus(ctx);
    return status instanceof Promise ? status.then(counters) : counters(status);
  },
} as const satisfies Command;

const counters = ({ stats }: ProcessStatus): Reply =>
  mapOf(Object.fromEntries(Object.entries(stats).map(([name, value]) => [name, String(value)] as const)));
