// StreamLog: a topic as one log ordered by id: its length, its ends, and ranges of it merged over the partitions.
import { sleep } from '../clock.js';
import { type Admin, KafkaError, type Message } from '../ports.js';
import type { TopicCatalog } from '../topic-catalog.js';
import type { PartitionRange, Ranges } from './range-reader.js';

/** A place in the order of entries: by timestamp, then offset, then partition. */
export interface Place {
  readonly ms: number;
  readonly offset: number;
  readonly partition: number;
}

export interface LogRange {
  readonly from: Place;
  /** Inclusive. */
  readonly to: Place;
  readonly max: number;
}

export interface Marks {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

export const placeOf = ({ timestamp, offset, partition }: Message): Place => ({
  ms: Math.max(0, timestamp),
  offset,
  partition,
});

export const comparePlaces = (a: Place, b: Place): number =>
  a.ms - b.ms || a.offset - b.offset || a.partition - b.partition;

/** How long partitions may be without a leader (a new topic, a broker that went) before that is an error, ms. */
const leaderMs = 3_000;
const leaderRetryMs = 50;

/** A topic's partitions with what they hold; undefined when there is no such topic. @throws KafkaError */
export async function marksOf(catalog: TopicCatalog, admin: Admin, topic: string): Promise<Marks[] | undefined> {
  const { clock } = catalog;
  const deadline = clock.monotonic() + leaderMs;
  for (;;) {
    const found = (await catalog.all()).get(topic);
    if (!found) return undefined;
    try {
      return await admin.watermarks(found.partitions.map(({ partition }) => ({ topic, partition })));
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.retriable || clock.monotonic() > deadline) throw error;
    }
    await sleep(clock, leaderRetryMs);
  }
}

export const lengthOf = (marks: readonly Marks[]): number =>
  marks.reduce((sum, { low, high }) => sum + Math.max(0, high - low), 0);

/** The first entries of a range, ascending. Reads at most max of each partition. */
export async function readForward(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  { from, to, max }: LogRange,
): Promise<Message[]> {
  const ends = new Map(marks.map(({ partition, high }) => [partition, high]));
  const starts = from.ms > 0 ? await reader.offsetsAt(topic, ends, from.ms) : undefined;
  const stops = Number.isSafeInteger(to.ms) ? await reader.offsetsAt(topic, ends, to.ms + 1) : ends;
  const found: Message[] = [];
  // A first entry may be left out by the sequence number within its millisecond, so that more than max are looked at.
  let ranges = marks.map(({ partition, low }): PartitionRange => {
    const start = Math.max(low, starts?.get(partition) ?? low);
    return { partition, from: start, to: stops.get(partition)!, max };
  });
  while (ranges.some((range) => range.from < range.to)) {
    const read = await reader.read(topic, ranges);
    const next: PartitionRange[] = [];
    for (const range of ranges) {
      const messages = read.get(range.partition) ?? [];
      const fitting = messages.filter((message) => isWithin(placeOf(message), from, to));
      found.push(...fitting);
      if (messages.length === range.max && fitting.length < range.max) {
        const last = messages[messages.length - 1]!;
        next.push({ ...range, from: last.offset + 1, max: range.max - fitting.length });
      }
    }
    ranges = next;
  }
  return found.sort((a, b) => comparePlaces(placeOf(a), placeOf(b))).slice(0, max);
}

/** The last entries of a range, descending. */
export async function readBackward(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  { from, to, max }: LogRange,
): Promise<Message[]> {
  const ends = new Map(marks.map(({ partition, high }) => [partition, high]));
  const stops = Number.isSafeInteger(to.ms) ? await reader.offsetsAt(topic, ends, to.ms + 1) : ends;
  const starts = from.ms > 0 ? await reader.offsetsAt(topic, ends, from.ms) : undefined;
  const found: Message[] = [];
  let open = marks.map(({ partition, low }) => {
    const start = Math.max(low, starts?.get(partition) ?? low);
    return { partition, start, stop: stops.get(partition)!, window: max, missing: max };
  });
  // Compaction and transaction marks leave holes: the window is moved back until enough is found.
  while (open.some(({ start, stop }) => start < stop)) {
    const ranges = open.map(({ partition, start, stop, window }): PartitionRange => {
      return { partition, from: Math.max(start, stop - window), to: stop, max: Number.POSITIVE_INFINITY };
    });
    const read = await reader.read(topic, ranges);
    open = open.flatMap((each, index) => {
      const messages = (read.get(each.partition) ?? []).filter((message) => isWithin(placeOf(message), from, to));
      found.push(...messages);
      const missing = each.missing - messages.length;
      return missing > 0 ? [{ ...each, stop: ranges[index]!.from, window: each.window * 4, missing }] : [];
    });
  }
  return found.sort((a, b) => comparePlaces(placeOf(b), placeOf(a))).slice(0, max);
}

const isWithin = (place: Place, from: Place, to: Place): boolean =>
  comparePlaces(place, from) >= 0 && comparePlaces(place, to) <= 0;
