// UNWATCH: accepted, as WATCH is.
import type { Command } from '../command/context.js';
import { OK } from '../wire/reply.js';

/** `UNWATCH` -> `+OK`. */
export const unwatch = {
  name: 'unwatch',
  arity: 1,
  prefix: 'ERR',
  group: 'transactions',
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  summary: 'Accepted, as WATCH is.',
  since: '2.2.0',
  run: () => OK,
} satisfies Command;
