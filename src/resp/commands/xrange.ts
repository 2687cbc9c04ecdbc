// XRANGE key start end [COUNT n]  ->  entries between two ids, ascending
// Read by time and offset from every partition and merged in the stream's order (docs/STREAMS.md). Without COUNT at most streams.maxRange entries.

import type { Message } from '../../core/ports.js';
import { marksOf } from '../../core/streams/log/marks.js';
import { type LogRange, readForward, type StreamLog, streamLog } from '../../core/streams/log/stream-log.js';
import type { Edge } from '../../core/streams/log/time-line.js';
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Command, Context } from '../command/context.js';
import { entryReplies } from '../streams/entry-reply.js';
import { parseEdge } from '../streams/ids.js';
import { readTopic } from '../streams/key.js';
import { nullArray, type Reply } from '../wire/reply.js';

export const rangeArgs = (first: string, second: string) =>
  [
    { name: 'key', type: 'key' },
    { name: first, type: 'string' },
    { name: second, type: 'string' },
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
  ] as const;

export const xrange = {
  name: 'xrange',
  arity: -4,
  prefix: 'ERR',
  group: 'stream',
  flags: ['readonly'],
  summary: 'Returns entries of a stream between two ids.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: rangeArgs('start', 'end'),
  run(ctx, args) {
    const topic = readTopic(ctx, args.bytes());
    const from = parseEdge(args.bytes(), 'start');
    const to = parseEdge(args.bytes(), 'end');
    return range(ctx, topic, from, to, readCount(args), readForward);
  },
} as const satisfies Command;

/** @returns undefined without COUNT. */
export function readCount(args: Args): number | undefined {
  let count: number | undefined;
  while (args.left > 0) {
    if (args.left < 2 || !args.option('COUNT')) throw fail('syntax');
    count = Math.max(0, args.integer());
  }
  return count;
}

type Read = (log: StreamLog, range: LogRange) => Promise<readonly Message[]>;

/** Reads a range in either direction. */
export async function range(
  ctx: Context,
  topic: string,
  from: Edge,
  to: Edge,
  count: number | undefined,
  read: Read,
): Promise<Reply> {
  const { catalog, admin, streams, settings } = ctx.server.gateway;
  const { maxRange } = settings.streams;
  const marks = await marksOf(catalog, admin, topic);
  if (!marks) return [];
  if (count === 0) return nullArray;
  const max = Math.min(count ?? maxRange, maxRange);
  return entryReplies(ctx, await read(streamLog(streams.ranges.within(ctx.memory), topic, marks), { from, to, max }));
}
