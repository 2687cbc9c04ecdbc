// DEBUG: refused, as in current Redis.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';

export const debug = {
  name: 'debug',
  arity: -2,
  prefix: 'ERR',
  group: 'server',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  summary: 'A container for debugging commands: refused.',
  since: '1.0.0',
  run() {
    throw fail('debug-refused');
  },
} satisfies Command;
