// SELECT index: all databases show the same keys.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { OK } from '../wire/reply.js';

/** `SELECT n` -> `+OK` for numbers below `resp.databases`; each shows the same keys. */
export const select = {
  name: 'select',
  arity: 2,
  prefix: 'ERR',
  group: 'connection',
  flags: ['loading', 'stale', 'fast'],
  summary: 'Accepts a database number below resp.databases: all show the same keys.',
  since: '1.0.0',
  args: [{ name: 'index', type: 'integer' }],
  run(ctx, args) {
    const index = args.integer();
    const { settings } = ctx.server;
    if (index < 0 || index >= settings.databases) throw fail('db-out-of-range');
    if (index > 0) ctx.server.noteDatabase(index);
    return OK;
  },
} satisfies Command;
