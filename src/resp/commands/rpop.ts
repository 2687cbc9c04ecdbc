// RPOP key [count]  ->  the next element, or an array of them; null if there is none (plain lists)
// A topic has one order: both ends give its oldest element.
import type { Command } from '../command/context.js';
import { pop } from '../streams/pop.js';

export const rpop = {
  name: 'rpop',
  arity: -2,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'fast'],
  summary: 'Takes the next element of a plain list.',
  since: '1.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'count', type: 'integer', optional: true },
  ],
  run: pop,
} as const satisfies Command;
