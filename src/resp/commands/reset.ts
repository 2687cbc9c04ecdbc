// RESET: restores the state of a new connection.
import type { Command } from '../command/context.js';
import { type Reply, Simple } from '../wire/reply.js';

const RESET = new Simple('RESET');

/** `RESET` -> `+RESET`: name, user, protocol and MONITOR are reset, and the consumer is closed. */
export const reset = {
  name: 'reset',
  arity: 1,
  prefix: 'ERR',
  group: 'connection',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  summary: 'Resets the connection.',
  since: '6.2.0',
  async run(ctx): Promise<Reply> {
    await ctx.reset();
    return RESET;
  },
} satisfies Command;
