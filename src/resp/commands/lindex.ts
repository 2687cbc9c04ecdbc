// LINDEX key index  ->  the element at this index, null if there is none: as LRANGE reads them
import type { Command } from '../command/context.js';
import { peek } from '../streams/list-peek.js';

export const lindex = {
  name: 'lindex',
  arity: 3,
  prefix: 'ERR',
  group: 'list',
  flags: ['readonly'],
  summary: 'Returns an element of a plain list, or a message of a topic, by its index, without taking it.',
  since: '1.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'index', type: 'integer' },
  ],
  run(ctx, args) {
    args.bytes();
    const index = args.integer();
    return peek(ctx, args, { start: index, stop: index }, (values) => values[0] ?? null);
  },
} as const satisfies Command;
