// RPOPLPUSH key key:processing  ->  Redis' older spelling of LMOVE
import type { Command } from '../command/context.js';
import { move } from '../streams/processing/move.js';

export const rpoplpush = {
  name: 'rpoplpush',
  arity: 3,
  prefix: 'CONS',
  group: 'list',
  flags: ['write'],
  summary: 'Takes the next element of a plain list, and keeps it in <key>:processing until LREM.',
  since: '1.2.0',
  keys: [1, 2, 1],
  args: [
    { name: 'source', type: 'key' },
    { name: 'destination', type: 'key' },
  ],
  run: (ctx, args) => move(ctx, args, [args.bytes(), args.bytes()]),
} as const satisfies Command;
