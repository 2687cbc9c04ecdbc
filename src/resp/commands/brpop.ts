// BRPOP key [key ...] timeout  ->  [key, element] of the first plain list with an element; null after the time-out
// A topic has one order: both ends give its oldest element.
import type { Command } from '../command/context.js';
import { checkPlainLists } from '../streams/lists.js';
import { blockingPop } from '../streams/pop.js';

export const brpop = {
  name: 'brpop',
  arity: -3,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'blocking'],
  summary: 'Waits for the next element of plain lists.',
  since: '2.0.0',
  keys: [1, -2, 1],
  args: [
    { name: 'key', type: 'key', multiple: true },
    { name: 'timeout', type: 'double' },
  ],
  run(ctx, args) {
    checkPlainLists(ctx);
    const rest = args.rest();
    return blockingPop(ctx, rest.slice(0, -1), rest[rest.length - 1]!);
  },
} as const satisfies Command;
