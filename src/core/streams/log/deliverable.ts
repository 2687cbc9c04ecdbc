// How many messages lie behind positions: offsets of transaction markers, of aborted and of compacted records hold none.
import { GatewayError } from '../../../errors.js';
import { KafkaError } from '../../ports.js';
import type { Marks } from './marks.js';
import type { Ranges } from './range-reader.js';

/** Up to this many offsets the messages are counted one by one; of more only those in front of the first one are left out. */
const counted = 100;

/** @returns exact up to 100, else an upper bound, also while Kafka cannot be read; 0 only if nothing can be delivered */
export async function deliverable(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  positions: ReadonlyMap<number, number>,
): Promise<number> {
  const behind = marks.map(({ partition, low, high }) => {
    return { partition, from: Math.min(high, Math.max(low, positions.get(partition) ?? low)), to: high };
  });
  const offsets = behind.reduce((sum, { from, to }) => sum + to - from, 0);
  if (offsets === 0) return 0;
  const max = offsets <= counted ? counted : 1;
  const ranges = behind.filter(({ from, to }) => from < to).map((range) => ({ ...range, max }));
  const read = await reader.read(topic, ranges).catch(unread);
  if (!read) return offsets;
  return behind.reduce((sum, { partition, to }) => {
    const found = read.get(partition);
    return found ? sum + found.messages.length + to - found.readTo : sum;
  }, 0);
}

/** Reading fails where the ends of partitions can still be had: their distance is an answer. */
function unread(error: unknown): undefined {
  if (!(error instanceof GatewayError || error instanceof KafkaError)) throw error;
}
