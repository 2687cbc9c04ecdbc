// MONITOR: shows every command of every connection as it arrives.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { OK, type Reply } from '../wire/reply.js';

/**
 * `MONITOR` -> `+OK`, then a line per command: `<unix seconds.micros> [0 <host:port>] "CMD" "arg" ...`.
 * Passwords are omitted, and what exceeds 128 arguments or 16 KB of a command: `... (n more arguments)`. A monitor
 * that reads too slowly loses lines. RESET ends it.
 */
export const monitor = {
  name: 'monitor',
  arity: 1,
  prefix: 'ERR',
  group: 'server',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  summary: 'Shows every command that the server runs.',
  since: '1.0.0',
  run(ctx): Reply | Promise<Reply> {
    if (ctx.isInExec) throw fail('denied-blocking', 'MONITOR');
    ctx.user.checkAdmin();
    return ctx.monitor()?.then(() => OK) ?? OK;
  },
} satisfies Command;
