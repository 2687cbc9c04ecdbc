// READWRITE: a command of Redis Cluster.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';

/** `READWRITE` -> the error that a Redis without cluster mode answers. */
export const readwrite = {
  name: 'readwrite',
  arity: 1,
  prefix: 'ERR',
  group: 'cluster',
  flags: ['fast'],
  summary: 'A command of Redis Cluster: refused, there is none.',
  since: '3.0.0',
  run() {
    throw fail('cluster-disabled');
  },
} satisfies Command;
