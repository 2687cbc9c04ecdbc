// TIME: the server's clock.
import type { Command } from '../command/context.js';

/** `TIME` -> seconds since the epoch, and the microseconds of the current one. */
export const time = {
  name: 'time',
  arity: 1,
  prefix: 'ERR',
  group: 'server',
  flags: ['loading', 'stale', 'fast'],
  summary: 'Returns the server time.',
  since: '2.6.0',
  tips: ['nondeterministic_output'],
  run(ctx) {
    const micros = ctx.server.nowMicros();
    return [String(Math.floor(micros / 1e6)), String(Math.floor(micros % 1e6))];
  },
} satisfies Command;
