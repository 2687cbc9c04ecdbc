// LPUSH key element [element ...]  ->  number of appended elements (plain lists); answered when Kafka has them
import type { Command } from '../command/context.js';
import { checkPlainLists, pushToList } from '../streams/lists.js';

export const lpush = {
  name: 'lpush',
  arity: -3,
  prefix: 'PROD',
  group: 'list',
  flags: ['write', 'denyoom', 'fast'],
  pipelined: true,
  summary: 'Appends elements to a plain list.',
  since: '1.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'element', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    checkPlainLists(ctx);
    return pushToList(ctx, args.bytes(), args);
  },
} as const satisfies Command;
