// SLOWLOG: valid and empty answers; slow commands are in the log.
import { fail } from '../../errors.js';
import { parseInteger } from '../command/args.js';
import { container } from '../command/container.js';
import type { Command } from '../command/context.js';
import { OK } from '../wire/reply.js';

const common = {
  prefix: 'ERR',
  group: 'server',
  flags: ['admin', 'loading', 'stale'],
  since: '2.2.12',
} as const satisfies Partial<Command>;

/** `SLOWLOG GET [count]` -> an empty array. */
const get = {
  ...common,
  name: 'get',
  arity: -2,
  summary: 'Returns the entries of the slow log: none.',
  args: [{ name: 'count', type: 'integer', optional: true }],
  run(_ctx, args) {
    const count = args.left > 0 ? parseInteger(args.bytes()) : 10;
    if (count === undefined || count < -1) throw fail('slowlog-count');
    return [];
  },
} satisfies Command;

const len = {
  ...common,
  name: 'len',
  arity: 2,
  summary: 'Returns the number of entries: 0.',
  tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
  run: () => 0,
} satisfies Command;

const reset = {
  ...common,
  name: 'reset',
  arity: 2,
  summary: 'Clears the slow log.',
  run: () => OK,
} satisfies Command;

export const slowlog = container({
  name: 'slowlog',
  group: 'server',
  summary: 'A container for slow log commands.',
  since: '2.2.12',
  subcommands: [get, len, reset],
});
