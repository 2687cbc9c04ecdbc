// MULTI: what follows is kept until EXEC runs it.

import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { OK } from '../wire/reply.js';

/** `MULTI` -> `+OK`; each command until EXEC or DISCARD -> `+QUEUED`, or the error for which EXEC will run none. */
export const multi = {
  name: 'multi',
  arity: 1,
  prefix: 'ERR',
  group: 'transactions',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  summary: 'Starts a transaction: commands are kept until EXEC.',
  since: '1.2.0',
  run(ctx) {
    if (ctx.queue) throw fail('multi-nested');
    ctx.beginQueue();
    return OK;
  },
} satisfies Command;
