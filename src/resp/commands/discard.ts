// DISCARD: what was kept since MULTI is forgotten.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { OK } from '../wire/reply.js';

/** `DISCARD` -> `+OK`. */
export const discard = {
  name: 'discard',
  arity: 1,
  prefix: 'ERR',
  group: 'transactions',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  summary: 'Forgets the commands since MULTI.',
  since: '2.0.0',
  run(ctx) {
    if (!ctx.queue) throw fail('discard-without-multi');
    ctx.endQueue();
    return OK;
  },
} satisfies Command;
