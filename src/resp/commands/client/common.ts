// Code shared by the subcommands of CLIENT.
import type { Command } from '../../command/context.js';

export const connectionCommand = {
  prefix: 'ERR',
  group: 'connection',
  flags: ['noscript', 'loading', 'stale'],
} as const satisfies Partial<Command>;

export const adminCommand = {
  prefix: 'ERR',
  group: 'connection',
  flags: ['admin', 'noscript', 'loading', 'stale'],
} as const satisfies Partial<Command>;
