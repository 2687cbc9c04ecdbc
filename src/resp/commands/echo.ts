// ECHO message: returns its argument.
import type { Command } from '../command/context.js';

/** `ECHO message` -> the message, byte for byte. */
export const echo = {
  name: 'echo',
  arity: 2,
  prefix: 'ERR',
  group: 'connection',
  flags: ['loading', 'stale', 'fast'],
  summary: 'Returns the given string.',
  since: '1.0.0',
  args: [{ name: 'message', type: 'string' }],
  run: (_ctx, args) => args.bytes(),
} satisfies Command;
