// WAIT numreplicas timeout: there are no replicas to wait for.
import { fail } from '../../errors.js';
import { parseInteger } from '../command/args.js';
import type { Command } from '../command/command.js';

/** `WAIT` -> 0 at once. DUMP is what waits for Kafka. */
export const wait = {
  name: 'wait',
  arity: 3,
  prefix: 'ERR',
  group: 'generic',
  flags: ['noscript'],
  summary: 'Waits for replicas: there are none. DUMP waits for Kafka.',
  since: '3.0.0',
  args: [
    { name: 'numreplicas', type: 'integer' },
    { name: 'timeout', type: 'integer' },
  ],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  run(_ctx, args) {
    args.integer();
    if (parseInteger(args.bytes()) === undefined) throw fail('timeout-integer');
    return 0;
  },
} satisfies Command;
