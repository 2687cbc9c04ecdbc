// Where reading behind an id starts in every partition, when all that is known is the id.
import type { Marks } from '../../core/streams/stream-log.js';
import type { Positions } from '../../core/streams/topic-tail.js';
import { lowestId, parseId } from './ids.js';
import type { Streams } from './streams.js';

/** @param id as a client wrote it: `$` is the end. @throws KafkaError, GatewayError `kafka-unavailable`. */
export async function startBehind(
  streams: Streams,
  topic: string,
  marks: readonly Marks[],
  id: string,
): Promise<Positions> {
  const ends = new Map(marks.map(({ partition, high }) => [partition, high]));
  if (id === '$') return ends;
  const { ms, offset, partition } = parseId(Buffer.from(id, 'latin1'));
  const starts = new Map(marks.map(({ partition: each, low }) => [each, low]));
  if (ms === lowestId.ms) return starts;
  if (!Number.isSafeInteger(ms)) return ends;
  const skew = await streams.topics.skewOf(topic);
  for (const [each, start] of await streams.ranges.offsetsAt(topic, ends, Math.max(0, ms - skew)))
    starts.set(each, start);
  // The record of this id is there: its own partition goes on right behind it. With the brokers' time the others can't hold
  // anything older, and an id without a record (`<ms>-0`) is a time.
  const own = starts.get(partition);
  if (own !== undefined && offset >= own && offset < ends.get(partition)!) starts.set(partition, offset + 1);
  return starts;
}
