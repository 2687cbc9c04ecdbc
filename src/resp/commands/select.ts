// SELECT index: there is one database.
import { fail } from '../../errors.js';
import type { Command } from '../command/command.js';
import { OK } from '../wire/reply.js';

/** `SELECT 0` -> `+OK`; every other number is out of range. */
export const select = {
  name: 'select',
  arity: 2,
  prefix: 'ERR',
  group: 'connection',
  flags: ['loading', 'stale', 'fast'],
  summary: 'Changes the selected database: there is only 0.',
  since: '1.0.0',
  args: [{ name: 'index', type: 'integer' }],
  run(_ctx, args) {
    if (args.integer() !== 0) throw fail('db-out-of-range');
    return OK;
  },
} satisfies Command;
