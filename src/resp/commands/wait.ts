// WAIT numreplicas timeout: DUMP for clients that only know Redis' commands.
import { fail } from '../../errors.js';
import { parseInteger } from '../command/args.js';
import type { Command } from '../command/context.js';
import type { Reply } from '../wire/reply.js';

/** `WAIT n ms` waits as `DUMP ms` does (0: forever) -> n if Kafka has everything that the connection produced, else 0. */
export const wait = {
  name: 'wait',
  arity: 3,
  prefix: 'ERR',
  group: 'generic',
  flags: ['noscript'],
  summary:
    'Waits until Kafka has all that this connection produced, as DUMP does; answers the first argument then, else 0.',
  since: '3.0.0',
  args: [
    { name: 'numreplicas', type: 'integer' },
    { name: 'timeout', type: 'integer' },
  ],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  run(ctx, args): Reply | Promise<Reply> {
    const wanted = Math.max(0, args.integer());
    const timeoutMs = parseInteger(args.bytes());
    if (timeoutMs === undefined) throw fail('timeout-integer');
    if (timeoutMs < 0) throw fail('timeout-negative');
    const left = ctx.sessions.dump(timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs);
    return left instanceof Promise ? left.then((count) => (count === 0 ? wanted : 0)) : wanted;
  },
} satisfies Command;
