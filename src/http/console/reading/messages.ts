// MessageReader: messages of a topic for the console, read without a group: nothing is taken and nothing is committed.
import type { Clock, KafkaFactory, Message, TopicPartition } from '../../../core/ports.js';
import { type PartitionRange, RangeReader } from '../../../core/streams/log/range-reader.js';
import { findTopic } from '../../../core/topics/topics.js';
import { partitionsOf } from './topics.js';

/** Time limit of one request, ms. */
const timeoutMs = 10_000;
/** The consumer is closed after this time without a request, ms. */
const idleMs = 30_000;
/** Messages that one request reads at most. */
const mostRead = 5_000;

/** A place to go on from, by partition. */
export type Places = ReadonlyMap<number, number>;

export interface ReadPage {
  /** In order of time; the newest first if read backwards. */
  readonly messages: readonly Message[];
  /** Messages that were looked at. */
  readonly scanned: number;
  /** Where the next page begins (or ends, backwards); undefined: there is nothing more. */
  readonly next?: Places;
}

export interface ReadRequest {
  readonly topic: string;
  readonly only?: number | undefined;
  readonly limit: number;
  readonly matches?: ((message: Message) => boolean) | undefined;
}

export class MessageReader {
  readonly #kafka: KafkaFactory;
  readonly #reader: RangeReader;

  constructor(kafka: KafkaFactory, clock: Clock) {
    this.#kafka = kafka;
    this.#reader = new RangeReader({ kafka, clock, timeoutMs, idleMs, onFault: () => {} });
  }

  /** The newest messages before these places; absent: before the end. @throws GatewayError, KafkaError */
  async backward(request: ReadRequest, before?: Places): Promise<ReadPage> {
    const marks = await this.#marks(request);
    const window = windowOf(request, marks.length);
    const ranges = marks.map(({ partition, low, high }) => {
      const to = Math.min(before?.get(partition) ?? high, high);
      return { partition, from: Math.max(low, to - window), to, max: window };
    });
    const found = await this.#read(request, ranges);
    const messages = found.messages.toSorted(newestFirst).slice(0, request.limit);
    const kept = new Set(messages);
    // What was read and is not shown comes with the next page.
    const next = new Map(
      ranges.map(({ partition, from, to }) => {
        const dropped = found.messages.filter((each) => each.partition === partition && !kept.has(each));
        const shown = messages.filter((each) => each.partition === partition);
        if (dropped.length === 0) return [partition, from];
        return [partition, shown.length > 0 ? Math.min(...shown.map(({ offset }) => offset)) : to];
      }),
    );
    const isMore = marks.some(({ partition, low }) => next.get(partition)! > low);
    return { messages, scanned: found.scanned, ...(isMore ? { next } : {}) };
  }

  /** Messages from these places on; absent: from the first. @throws GatewayError, KafkaError */
  async forward(request: ReadRequest, from?: Places): Promise<ReadPage> {
    const marks = await this.#marks(request);
    const window = windowOf(request, marks.length);
    const ranges = marks.map(({ partition, low, high }) => {
      const start = Math.min(Math.max(from?.get(partition) ?? low, low), high);
      return { partition, from: start, to: Math.min(high, start + window), max: window };
    });
    const found = await this.#read(request, ranges);
    const messages = found.messages.toSorted((one, other) => -newestFirst(one, other)).slice(0, request.limit);
    const kept = new Set(messages);
    const next = new Map(
      ranges.map(({ partition, to }) => {
        const dropped = found.messages.filter((each) => each.partition === partition && !kept.has(each));
        return [partition, dropped.length > 0 ? Math.min(...dropped.map(({ offset }) => offset)) : to];
      }),
    );
    const isMore = marks.some(({ partition, high }) => next.get(partition)! < high);
    return { messages, scanned: found.scanned, ...(isMore ? { next } : {}) };
  }

  /** The ends now, where a tail begins. @throws GatewayError `topic-unknown`, KafkaError */
  async ends(topic: string, only?: number): Promise<Map<number, number>> {
    const marks = await this.#marks({ topic, only, limit: 0 });
    return new Map(marks.map(({ partition, high }) => [partition, high]));
  }

  /** For each partition the first offset at or after a time, ms. @throws KafkaError */
  async placesAt(topic: string, ms: number, only?: number): Promise<Map<number, number>> {
    const marks = await this.#marks({ topic, only, limit: 0 });
    const found = await this.offsetsAt(topic, new Map(marks.map(({ partition }) => [partition, ms])));
    return new Map(marks.map(({ partition, high }) => [partition, found.get(partition) ?? high]));
  }

  /** @throws KafkaError; GatewayError `kafka-unavailable` */
  offsetsAt(topic: string, times: ReadonlyMap<number, number>): Promise<Map<number, number>> {
    return this.#reader.offsetsAt(topic, times);
  }

  /** Never rejects. */
  close(): Promise<void> {
    return this.#reader.close();
  }

  async #marks({ topic, only }: Pick<ReadRequest, 'topic' | 'only' | 'limit'>) {
    const found = await findTopic(this.#kafka.admin, topic);
    const partitions: TopicPartition[] = partitionsOf(found).filter(
      ({ partition }) => only === undefined || partition === only,
    );
    // Not past an open transaction: its messages cannot be read yet.
    return this.#kafka.admin.watermarks(partitions);
  }

  async #read({ topic, matches }: ReadRequest, ranges: readonly PartitionRange[]) {
    const read = await this.#reader.read(topic, ranges);
    const all = [...read.values()].flatMap(({ messages }) => messages);
    return { messages: matches ? all.filter(matches) : all, scanned: all.length };
  }
}

/** A search looks at many messages, a page only at those that it may show. */
function windowOf({ limit, matches }: ReadRequest, partitions: number): number {
  const share = Math.max(1, Math.floor(mostRead / Math.max(1, partitions)));
  return matches ? share : Math.min(limit, share);
}

const newestFirst = (one: Message, other: Message): number =>
  other.timestamp - one.timestamp || one.partition - other.partition || other.offset - one.offset;
