// DEL stats  ->  1: the gateway's counters start again at 0
import { fail } from '../../errors.js';
import type { Command } from '../command.js';

export const del = {
  name: 'del',
  arity: -2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['write'],
  summary: "Resets the gateway's counters: DEL stats.",
  args: [{ name: 'stats', type: 'key' }],
  run(ctx, args) {
    const key = args.text();
    if (key !== 'stats') throw fail('stats-key', key.toUpperCase());
    args.finish();
    ctx.user.checkAdmin();
    ctx.stats.reset();
    return 1;
  },
} as const satisfies Command;
