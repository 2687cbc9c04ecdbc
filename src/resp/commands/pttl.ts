// PTTL topics:<t>: topics do not expire.
import type { Command } from '../command/context.js';
import { ttl } from './ttl.js';

/** `PTTL topics:<t>` -> -1 for a topic that exists, else -2. */
export const pttl = {
  ...ttl,
  name: 'pttl',
  summary: 'Returns the remaining time of a key in milliseconds: topics do not expire.',
  since: '2.6.0',
} satisfies Command;
