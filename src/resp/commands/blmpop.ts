// BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT n]  ->  [key, elements] of the first plain list with elements
import type { Command } from '../command/context.js';
import { multiPop } from '../streams/pop.js';

export const blmpop = {
  name: 'blmpop',
  arity: -5,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'blocking', 'movablekeys'],
  summary: 'Waits for elements of plain lists.',
  since: '7.0.0',
  args: [
    { name: 'timeout', type: 'double' },
    { name: 'numkeys', type: 'integer' },
    { name: 'key', type: 'key', multiple: true },
    { name: 'where', type: 'string' },
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
  ],
  run: (ctx, args) => multiPop(ctx, args, args.bytes()),
} as const satisfies Command;
