// XREVRANGE key end start [COUNT n]  ->  entries between two ids, descending
// Read by time and offset from every partition and merged in the stream's order (docs/STREAMS.md). Without COUNT at most streams.maxRange entries.
import { readBackward } from '../../core/streams/log/stream-log.js';
import type { Command } from '../command/context.js';
import { parseEdge } from '../streams/ids.js';
import { readTopic } from '../streams/key.js';
import { range, rangeArgs, readCount } from './xrange.js';

export const xrevrange = {
  name: 'xrevrange',
  arity: -4,
  prefix: 'ERR',
  group: 'stream',
  flags: ['readonly'],
  summary: 'Returns entries of a stream between two ids, last first.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: rangeArgs('end', 'start'),
  run(ctx, args) {
    const topic = readTopic(ctx, args.bytes());
    const to = parseEdge(args.bytes(), 'end');
    const from = parseEdge(args.bytes(), 'start');
    return range(ctx, topic, from, to, readCount(args), readBackward);
  },
} as const satisfies Command;
