// BRPOPLPUSH key key:processing timeout  ->  Redis' older spelling of BLMOVE
import type { Command } from '../command/context.js';
import { parseBlpopTimeout } from '../keys/blpop-timeout.js';
import { move } from '../streams/processing/move.js';

export const brpoplpush = {
  name: 'brpoplpush',
  arity: 4,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'blocking'],
  summary: 'Waits for the next element of a plain list, and keeps it in <key>:processing until LREM.',
  since: '2.2.0',
  keys: [1, 2, 1],
  args: [
    { name: 'source', type: 'key' },
    { name: 'destination', type: 'key' },
    { name: 'timeout', type: 'double' },
  ],
  run(ctx, args) {
    const keys = [args.bytes(), args.bytes()] as const;
    return move(ctx, args, keys, parseBlpopTimeout(args.bytes(), 's').ms);
  },
} as const satisfies Command;
