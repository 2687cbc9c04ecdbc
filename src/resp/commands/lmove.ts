// LMOVE key key:processing LEFT|RIGHT LEFT|RIGHT  ->  the next element of a plain list, which stays pending; null if there is none
// LREM key:processing 1 <element> acknowledges it, on any connection. After `pendingTimeoutMs` without that it is back in the list.
// LMOVE key:processing key LEFT|RIGHT LEFT|RIGHT gives the oldest one back. Other moves are refused: a topic cannot lose one record.
import type { Command } from '../command/context.js';
import { move, side } from '../streams/processing/move.js';

export const lmove = {
  name: 'lmove',
  arity: 5,
  prefix: 'CONS',
  group: 'list',
  flags: ['write'],
  summary: 'Takes the next element of a plain list, and keeps it in <key>:processing until LREM.',
  since: '6.2.0',
  keys: [1, 2, 1],
  args: [
    { name: 'source', type: 'key' },
    { name: 'destination', type: 'key' },
    { name: 'wherefrom', type: 'string' },
    { name: 'whereto', type: 'string' },
  ],
  run(ctx, args) {
    const keys = [args.bytes(), args.bytes()] as const;
    side(args);
    side(args);
    return move(ctx, args, keys);
  },
} as const satisfies Command;
