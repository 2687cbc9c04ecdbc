// DUMP <timeoutMs>  ->  messages of this connection still in flight after the time, plus those that failed since its last DUMP
// 0 means that Kafka has every message since the last DUMP (acks=all). After a time-out it may be an upper bound.
// Also counts what connections of the same user and address that closed in the last minute hold or have lost: clients reconnect silently.
import { fail } from '../../errors.js';
import { parseInteger } from '../command/args.js';
import type { Command } from '../command/context.js';

export const dump = {
  name: 'dump',
  arity: 2,
  prefix: 'PROD',
  group: 'generic',
  flags: ['readonly'],
  summary: 'Waits until Kafka has everything that this connection produced; 0: it has.',
  args: [{ name: 'timeout-ms', type: 'integer' }],
  wrongArity: (count) => fail('dump-arity', count),
  run(ctx, args) {
    const timeoutMs = parseInteger(args.bytes());
    if (timeoutMs === undefined) throw fail('dump-nan');
    return ctx.sessions.dump(Math.max(0, timeoutMs));
  },
} as const satisfies Command;
