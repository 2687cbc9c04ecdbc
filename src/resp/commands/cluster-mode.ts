// ASKING, READONLY, READWRITE: commands of Redis Cluster, which this gateway does not have.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';

/** -> the error that a Redis without cluster mode answers. */
const refused = {
  arity: 1,
  prefix: 'ERR',
  group: 'cluster',
  flags: ['fast'],
  summary: 'A command of Redis Cluster: refused, there is none.',
  since: '3.0.0',
  run() {
    throw fail('cluster-disabled');
  },
} satisfies Omit<Command, 'name'>;

export const asking = { name: 'asking', ...refused } satisfies Command;
export const readonly = { name: 'readonly', ...refused } satisfies Command;
export const readwrite = { name: 'readwrite', ...refused } satisfies Command;
