// ROLE: a master without replicas.
import type { Command } from '../command/context.js';

/** `ROLE` -> master, replication offset 0, no replicas. */
export const role = {
  name: 'role',
  arity: 1,
  prefix: 'ERR',
  group: 'server',
  flags: ['noscript', 'loading', 'stale', 'fast'],
  summary: 'Returns the replication role.',
  since: '2.8.12',
  run: () => ['master', 0, []],
} satisfies Command;
