// BLMOVE key key:processing LEFT|RIGHT LEFT|RIGHT timeout  ->  as LMOVE; waits for an element
import type { Command } from '../command/context.js';
import { parseBlpopTimeout } from '../keys/blpop-timeout.js';
import { move, side } from '../streams/processing/move.js';

export const blmove = {
  name: 'blmove',
  arity: 6,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'blocking'],
  summary: 'Waits for the next element of a plain list, and keeps it in <key>:processing until LREM.',
  since: '6.2.0',
  keys: [1, 2, 1],
  args: [
    { name: 'source', type: 'key' },
    { name: 'destination', type: 'key' },
    { name: 'wherefrom', type: 'string' },
    { name: 'whereto', type: 'string' },
    { name: 'timeout', type: 'double' },
  ],
  run(ctx, args) {
    const keys = [args.bytes(), args.bytes()] as const;
    side(args);
    side(args);
    return move(ctx, args, keys, parseBlpopTimeout(args.bytes(), 's').ms);
  },
} as const satisfies Command;
