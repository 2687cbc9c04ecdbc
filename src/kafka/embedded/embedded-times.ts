// Offsets by time on the embedded Kafka, whose own answer is always "none": every partition is read once, and read on for new records.
import type { Consumer, TopicPartition, TopicPartitionOffset } from '../../core/ports.js';
import { KafkaCode, OFFSET_END } from '../../core/ports.js';
import { refuse } from '../fault.js';

/** What is known of a partition: the records that are later than all before them, and how far it was read. */
interface Rises {
  readonly times: number[];
  readonly offsets: number[];
  next: number;
}

const pollMs = 50;
const batchMessages = 1_000;

export class EmbeddedTimes {
  readonly #open: () => Promise<Consumer>;
  readonly #rises = new Map<string, Rises>();
  #consumer: Promise<Consumer> | undefined;
  #line: Promise<unknown> = Promise.resolve();

  /** @param open opens a consumer without a group; it is closed with this object. */
  constructor(open: () => Promise<Consumer>) {
    this.#open = open;
  }

  /** As Consumer.offsetsForTimes(). */
  find(times: readonly TopicPartitionOffset[], timeoutMs: number): Promise<TopicPartitionOffset[]> {
    const found = this.#line.then(async () => {
      const lows = await this.#readOn(times, timeoutMs);
      return times.map(({ topic, partition, offset: ms }, index) => {
        const first = firstAt(this.#risesOf({ topic, partition }), ms);
        return { topic, partition, offset: first === OFFSET_END ? first : Math.max(first, lows[index]!) };
      });
    });
    this.#line = found.catch(() => {});
    return found;
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#line;
    const consumer = await this.#consumer?.catch(() => undefined);
    await consumer?.close(1_000);
  }

  /** Reads up to the partitions' ends. @returns their beginnings. */
  async #readOn(partitions: readonly TopicPartition[], timeoutMs: number): Promise<number[]> {
    const deadline = performance.now() + timeoutMs;
    this.#consumer ??= this.#open().catch((error: unknown) => {
      this.#consumer = undefined;
      throw error;
    });
    const consumer = await this.#consumer;
    const marks = await Promise.all(partitions.map((partition) => consumer.watermarks(partition, timeoutMs)));
    const behind = partitions.flatMap(({ topic, partition }, index) => {
      const { low, high } = marks[index]!;
      const rises = this.#risesOf({ topic, partition });
      forget(rises, low);
      return rises.next < high ? [{ topic, partition, rises, high }] : [];
    });
    if (behind.length > 0) {
      consumer.assign(behind.map(({ topic, partition, rises }) => ({ topic, partition, offset: rises.next })));
      try {
        while (behind.some(({ rises, high }) => rises.next < high)) {
          if (performance.now() > deadline) throw refuse(KafkaCode.timedOut, 'Local: Timed out');
          for (const message of await consumer.poll(batchMessages, pollMs)) {
            const rises = this.#risesOf(message);
            if (message.offset < rises.next) continue;
            rises.next = message.offset + 1;
            if (message.timestamp <= (rises.times.at(-1) ?? Number.NEGATIVE_INFINITY)) continue;
            rises.times.push(message.timestamp);
            rises.offsets.push(message.offset);
          }
        }
      } finally {
        consumer.assign([]);
      }
    }
    return marks.map(({ low }) => low);
  }

  #risesOf({ topic, partition }: TopicPartition): Rises {
    const key = `${topic}\n${partition}`;
    let rises = this.#rises.get(key);
    if (!rises) {
      rises = { times: [], offsets: [], next: 0 };
      this.#rises.set(key, rises);
    }
    return rises;
  }
}

/** The offset of the first record of ms or later. */
function firstAt({ times, offsets }: Rises, ms: number): number {
  let [from, to] = [0, times.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (times[middle]! < ms) from = middle + 1;
    else to = middle;
  }
  return offsets[from] ?? OFFSET_END;
}

/** For records that the embedded Kafka has dropped, only the latest time matters. */
function forget(rises: Rises, low: number): void {
  rises.next = Math.max(rises.next, low);
  let dropped = 0;
  while (dropped + 1 < rises.offsets.length && rises.offsets[dropped + 1]! <= low) dropped++;
  if (dropped === 0) return;
  rises.times.splice(0, dropped);
  rises.offsets.splice(0, dropped);
}
