// StreamLog: a topic as one log ordered by id: its length, its ends, and ranges of it merged over the partitions.
import { sleep } from '../clock.js';
import { type Admin, isMissingTopic, KafkaCode, KafkaError, type Message } from '../ports.js';
import type { TopicCatalog } from '../topic-catalog.js';
import { mergeBackward, mergeForward, type Stretch } from './log-merge.js';
import { comparePlaces, type Place, placeOf } from './place.js';
import type { Ranges } from './range-reader.js';

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
      if (!(error instanceof KafkaError) || !isPassing(error) || clock.monotonic() > deadline) throw error;
    }
    await sleep(clock, leaderRetryMs);
  }
}

/** Of a topic that was listed: a broker that has not heard of it, or of the partition's leader, will soon have. */
export const isPassing = (error: KafkaError): boolean =>
  error.retriable || isMissingTopic(error) || error.code === KafkaCode.unknownPartition;

export const lengthOf = (marks: readonly Marks[]): number =>
  marks.reduce((sum, { low, high }) => sum + Math.max(0, high - low), 0);

/** The first entries of a range, ascending: fewer than max where they are large. The range behind the last one holds the rest. */
export async function readForward(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  range: LogRange,
): Promise<Message[]> {
  const stretches = await stretchesOf(reader, topic, marks, range);
  const { messages } = await mergeForward({ reader, topic, stretches, max: range.max, fits: isWithin(range) });
  return messages.toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)));
}

/** The last entries of a range, descending: fewer than max where they are large. The range before the last one holds the rest. */
export async function readBackward(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  range: LogRange,
): Promise<Message[]> {
  const stretches = await stretchesOf(reader, topic, marks, range);
  const messages = await mergeBackward({ reader, topic, stretches, max: range.max, fits: isWithin(range) });
  return messages.sort((a, b) => comparePlaces(placeOf(b), placeOf(a)));
}

/** Where the times of a range begin and end in each partition: its first or last entry may still be out of it, by its sequence number. */
async function stretchesOf(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  { from, to }: LogRange,
): Promise<Stretch[]> {
  const ends = new Map(marks.map(({ partition, high }) => [partition, high]));
  const starts = from.ms > 0 ? await reader.offsetsAt(topic, ends, from.ms) : undefined;
  const stops = Number.isSafeInteger(to.ms) ? await reader.offsetsAt(topic, ends, to.ms + 1) : ends;
  return marks.map(({ partition, low }) => {
    return { partition, from: Math.max(low, starts?.get(partition) ?? low), to: stops.get(partition)! };
  });
}

const isWithin =
  ({ from, to }: LogRange) =>
  (message: Message): boolean => {
    const place = placeOf(message);
    return comparePlaces(place, from) >= 0 && comparePlaces(place, to) <= 0;
  };
