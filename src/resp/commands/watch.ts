// WATCH key [key ...]: accepted. No key here has a value that could change before EXEC.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { OK } from '../wire/reply.js';

/** `WATCH` -> `+OK`; EXEC is never aborted for it. */
export const watch = {
  name: 'watch',
  arity: -2,
  prefix: 'ERR',
  group: 'transactions',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  summary: 'Accepted; no transaction is ever aborted for it.',
  since: '2.2.0',
  keys: [1, -1, 1],
  args: [{ name: 'key', type: 'key', multiple: true }],
  run(ctx) {
    if (ctx.queue) throw fail('watch-in-multi');
    return OK;
  },
} satisfies Command;
