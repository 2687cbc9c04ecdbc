// LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT n]  ->  [key, elements] of the first plain list with elements; else null
import type { Command } from '../command/context.js';
import { multiPop } from '../streams/pop.js';

export const lmpop = {
  name: 'lmpop',
  arity: -4,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'movablekeys'],
  summary: 'Takes elements of plain lists.',
  since: '7.0.0',
  args: [
    { name: 'numkeys', type: 'integer' },
    { name: 'key', type: 'key', multiple: true },
    { name: 'where', type: 'string' },
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
  ],
  run: (ctx, args) => multiPop(ctx, args),
} as const satisfies Command;
