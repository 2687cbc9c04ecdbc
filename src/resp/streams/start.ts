// Where reading behind an id starts in every partition, when this connection has not got it last.
import type { Marks } from '../../core/streams/stream-log.js';
import { type Cut, TimeLine } from '../../core/streams/time-line.js';
import { highestId, parseBehind } from './ids.js';
import type { Streams } from './streams.js';

/**
 * What was answered up to this id here is read on from there: records that came since with an older time stand in front of the id
 * and were seen by nobody.
 * @param id as a client wrote it: `$` is the end. @throws KafkaError, GatewayError `kafka-unavailable`.
 */
export async function startBehind(streams: Streams, topic: string, marks: readonly Marks[], id: string): Promise<Cut> {
  const line = new TimeLine(streams.ranges, topic, marks);
  const edge = id === '$' ? end : parseBehind(Buffer.from(id, 'latin1'));
  const { offsets, level } = await line.cut(edge);
  const answered = streams.cursors.ofAny(topic, id)?.offsets;
  const skew = level > 0 ? await streams.topics.skewOf(topic) : 0;
  const skewed = skew > 0 ? await line.firstAt(level - skew) : undefined;
  const starts = [...offsets].map(([partition, offset]): [number, number] => {
    const ofSkew = partition === edge.id.partition ? undefined : skewed?.get(partition);
    return [partition, Math.min(offset, answered?.get(partition) ?? offset, ofSkew ?? offset)];
  });
  return { offsets: new Map(starts), level };
}

const end = { id: highestId, side: 'behind' } as const;
