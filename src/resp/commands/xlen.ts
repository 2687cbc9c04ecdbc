// XLEN key  ->  number of entries: the sum of end - begin over the stream's partitions
import { lengthOf, marksOf } from '../../core/streams/log/marks.js';
import type { Command } from '../command/context.js';
import { readTopic } from '../streams/key.js';

export const xlen = {
  name: 'xlen',
  arity: 2,
  prefix: 'ERR',
  group: 'stream',
  flags: ['readonly', 'fast'],
  summary: 'Returns the number of entries of a stream.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: [{ name: 'key', type: 'key' }],
  async run(ctx, args) {
    const { catalog, admin } = ctx.server.gateway;
    return lengthOf((await marksOf(catalog, admin, readTopic(ctx, args.bytes()))) ?? []);
  },
} as const satisfies Command;
