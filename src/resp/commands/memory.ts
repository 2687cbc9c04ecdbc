// MEMORY: answers for tools; a topic takes no memory here.
import { fail } from '../../errors.js';
import { container } from '../command/container.js';
import type { Command } from '../command/context.js';
import { isTopicKey } from '../info/keyspace.js';
import { allStatus } from '../info/status.js';
import type { ProcessStatus } from '../siblings/load.js';
import { mapOf, type Reply, Verbatim } from '../wire/reply.js';

/** `MEMORY USAGE key [SAMPLES n]` -> 0 for a topic that exists (Kafka stores it), else null. */
const usage = {
  name: 'usage',
  arity: -3,
  prefix: 'ERR',
  group: 'server',
  flags: ['readonly'],
  summary: 'Estimates the memory usage of a key: a topic takes none here.',
  since: '4.0.0',
  keys: [2, 2, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'count', type: 'integer', token: 'SAMPLES', optional: true },
  ],
  async run(ctx, args) {
    const key = args.text();
    if (args.left > 0) {
      if (!args.option('SAMPLES')) throw fail('syntax');
      args.integer();
      args.finish();
    }
    return (await isTopicKey(ctx, key)) ? 0 : null;
  },
} satisfies Command;

const allocated = ({ load }: ProcessStatus): Reply => mapOf({ 'total.allocated': load.memory, 'keys.count': 0 });

const doctor = {
  name: 'doctor',
  arity: 2,
  prefix: 'ERR',
  group: 'server',
  flags: [],
  summary: 'Returns a report for people.',
  since: '4.0.0',
  run: () => new Verbatim('This is a gateway: messages are kept by Kafka. See the Memory section of INFO.'),
} satisfies Command;

const stats = {
  name: 'stats',
  arity: 2,
  prefix: 'ERR',
  group: 'server',
  flags: [],
  summary: 'Returns details about memory usage.',
  since: '4.0.0',
  run(ctx): Reply | Promise<Reply> {
    const status = allStatus(ctx);
    return status instanceof Promise ? status.then(allocated) : allocated(status);
  },
} satisfies Command;

export const memory = container({
  name: 'memory',
  group: 'server',
  summary: 'A container for memory diagnostics commands.',
  since: '4.0.0',
  subcommands: [doctor, stats, usage],
});
