// StreamLog: a topic as one log ordered by id: its length, its ends, and ranges of it merged over the partitions.
import type { Message } from '../../ports.js';
import { mergeBackward, mergeForward, type Stretch } from './log-merge.js';
import type { Marks } from './marks.js';
import type { Ranges } from './range-reader.js';
import { type Edge, TimeLine } from './time-line.js';

export interface LogRange {
  readonly from: Edge;
  readonly to: Edge;
  readonly max: number;
}

/** A snapshot of a topic. */
export interface StreamLog {
  readonly reader: Ranges;
  readonly topic: string;
  readonly marks: readonly Marks[];
  readonly line: TimeLine;
}

export const streamLog = (reader: Ranges, topic: string, marks: readonly Marks[]): StreamLog => ({
  reader,
  topic,
  marks,
  line: new TimeLine(reader, topic, marks),
});

/** The first entries of a range, ascending: fewer than max if they are large. The range behind the last one holds the rest. */
export async function readForward(log: StreamLog, range: LogRange): Promise<readonly Message[]> {
  const { stretches, level } = await stretchesOf(log, range);
  return (await mergeForward({ ...log, stretches, level, max: range.max })).messages;
}

/** The last entries of a range, descending: fewer than max if they are large. The range before the last one holds the rest. */
export async function readBackward(log: StreamLog, range: LogRange): Promise<Message[]> {
  const { stretches } = await stretchesOf(log, range);
  return mergeBackward({ ...log, stretches, max: range.max });
}

/** Where a range begins and ends in each partition. */
async function stretchesOf(
  { line, marks }: StreamLog,
  { from, to }: LogRange,
): Promise<{ stretches: Stretch[]; level: number }> {
  const [start, end] = await Promise.all([line.cut(from), line.cut(to)]);
  const stretches = marks.map(({ partition }) => {
    return { partition, from: start.offsets.get(partition)!, to: end.offsets.get(partition)! };
  });
  return { stretches, level: start.level };
}
