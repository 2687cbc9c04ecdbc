// Reader: reads one connected source from given positions.
import {
  type Consumer,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Message,
  type Properties,
} from '../../core/ports.js';
import { fail } from '../../errors.js';
import { digestOf, type Progress } from '../checkpoint/checkpoint.js';
import type { SourceTopic } from '../topics/source-topic.js';
import type { Offsets } from '../topics/source-view.js';
import { isEnding } from '../transient.js';
import { isBehind } from './source-pool.js';

/** Messages in order, and the partitions that were read to their current end (offset past the last marker or gap). */
export interface Batch {
  readonly messages: readonly Message[];
  readonly ends: ReadonlyMap<number, number>;
  readonly bytes: number;
}

const noBatch: Batch = { messages: [], ends: new Map(), bytes: 0 };

/** Maximum messages of one poll: more would not be cheaper. */
const batchMessages = 1_000;
/** Messages of the first poll, whose sizes are unknown. */
const firstMessages = 16;
/** Approximate memory of a message beside its key and value, and of a header beside its value. */
const messageOverhead = 400;

function bytesOf({ key, value, headers }: Message): number {
  let bytes = messageOverhead + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += messageOverhead + (header.value?.length ?? 0);
  return bytes;
}

/** Progress of the partitions whose last message this source should still have. */
function lastMessages(options: {
  topic: SourceTopic;
  positions: Offsets;
  progress: ReadonlyMap<number, Progress>;
}): Map<number, Progress> {
  const { topic, positions } = options;
  return new Map(
    [...options.progress].filter(
      ([partition, { next, last }]) =>
        last !== undefined && positions.get(partition) === next && last.offset >= (topic.low.get(partition) ?? 0),
    ),
  );
}

export class Reader {
  readonly id: number;
  readonly topic: SourceTopic;
  readonly #consumer: Consumer;
  readonly #byteBound: number;
  readonly #batches: Batch[] = [];
  #bytes = 0;
  /** The largest recent message, bytes: a poll takes as many as the byte limit would hold of these. */
  #largest: number;
  #reading: Promise<void> | undefined;
  #arrived: () => void = () => {};
  #bug: unknown;
  #closed = false;
  #ends = new Map<number, number>();
  /** Where each partition's readable part last ended. */
  readonly #lastEnds = new Map<number, number>();
  /** By partition, the last message of an earlier source: the message at that number must be the same here. */
  readonly #known: ReadonlyMap<number, Progress>;
  /** This source has other messages than those that were relayed: it is not one of the identical ones. */
  isUnlike = false;
  /** The topic has more partitions by now. */
  partitionsAdded = false;
  /** Why this source cannot be read any further; undefined while it can. */
  failure: string | undefined;
  /** Messages arrived since this was last set to false. */
  heard = false;
  /** A caller waits for messages: their absence is due to this source. */
  isAwaited = false;

  private constructor(
    id: number,
    topic: SourceTopic,
    consumer: Consumer,
    known: ReadonlyMap<number, Progress>,
    byteBound: number,
  ) {
    this.id = id;
    this.#known = known;
    this.#byteBound = byteBound;
    this.#largest = byteBound / firstMessages;
    this.topic = topic;
    this.#consumer = consumer;
  }

  /** Connects and assigns. Positions must lie within the source's offsets. @throws KafkaError */
  static async open(options: {
    id: number;
    kafka: KafkaFactory;
    name: string;
    topic: SourceTopic;
    positions: Offsets;
    progress: ReadonlyMap<number, Progress>;
    properties: Properties;
    /** Bytes of buffered messages. */
    readAheadBytes: number;
    timeoutMs: number;
  }): Promise<Reader> {
    const { topic, name, positions } = options;
    if (isBehind(topic, positions))
      throw fail('relay-waiting', options.kafka.brokers, `is behind what was read of ${name}`);
    let reader: Reader | undefined;
    const consumer = await options.kafka.consumer(
      {
        properties: options.properties,
        onFault: (fault) => reader?.fault(fault),
        onEnd: ({ partition, offset }) => reader?.ended(partition, offset),
      },
      options.timeoutMs,
    );
    const known = lastMessages(options);
    reader = new Reader(options.id, topic, consumer, known, options.readAheadBytes);
    consumer.assign(
      topic.partitions.map((partition) => ({
        topic: name,
        partition,
        offset: known.get(partition)?.last?.offset ?? positions.get(partition) ?? 0,
      })),
    );
    return reader;
  }

  /**
   * The next batch; an empty one after waitMs. Reading continues meanwhile, up to the byte limit: a commit takes as long as
   * reading thousands of messages. A failure is reported by `failure`, not thrown.
   */
  async next(waitMs: number): Promise<Batch> {
    this.#reading ??= this.#readAhead(waitMs).catch((error: unknown) => {
      this.#bug = error;
    });
    if (this.#batches.length === 0) {
      this.isAwaited = true;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
      this.isAwaited = false;
    }
    if (this.#bug !== undefined) throw this.#bug;
    const batch = this.#batches.shift() ?? noBatch;
    this.#bytes -= batch.bytes;
    return batch;
  }

  /** What was read ahead and not requested yet. */
  rest(): Batch[] {
    return this.failure === undefined ? this.#batches.splice(0) : [];
  }

  /** One loop at a time, which ends when the buffer is full; every round of it wakes the waiting caller. */
  async #readAhead(waitMs: number): Promise<void> {
    try {
      do {
        const batch = await this.#poll(waitMs);
        this.#bytes += batch.bytes;
        if (batch.messages.length > 0 || batch.ends.size > 0) this.#batches.push(batch);
        this.#arrived();
      } while (
        !this.#closed &&
        this.failure === undefined &&
        this.#batches.length > 0 &&
        this.#bytes < this.#byteBound
      );
    } finally {
      this.#reading = undefined;
      this.#arrived();
    }
  }

  async #poll(waitMs: number): Promise<Batch> {
    let messages: Message[] = [];
    try {
      const most = Math.floor(this.#byteBound / this.#largest);
      messages = await this.#consumer.poll(Math.max(1, Math.min(batchMessages, most)), waitMs);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.failure ??= error.message;
    }
    // Ends heard of so far belong after these messages and before those of the next poll.
    const ends = this.#ends;
    this.#ends = new Map();
    if (messages.length > 0) this.heard = true;
    return { messages, ends, bytes: this.#weigh(messages) };
  }

  #weigh(messages: readonly Message[]): number {
    if (messages.length === 0) return 0;
    let sum = 0;
    let largest = this.#largest / 2;
    for (const message of messages) {
      const bytes = bytesOf(message);
      sum += bytes;
      if (bytes > largest) largest = bytes;
    }
    this.#largest = largest;
    return sum;
  }

  /** Compares a message before the position with what was relayed under its number. */
  isLike(message: Message): boolean {
    const last = this.#known.get(message.partition)?.last;
    if (!last || last.offset !== message.offset || last.digest === digestOf(message)) return true;
    this.isUnlike = true;
    this.failure = `another message than the one relayed stands at ${message.topic}[${message.partition}]@${message.offset}: the source is not identical`;
    return false;
  }

  /** This source must be left; a waiting caller is notified at once. */
  fail(why: string): void {
    this.failure ??= why;
    this.#arrived();
  }

  fault(fault: KafkaFault): void {
    if (isEnding(fault)) this.fail(fault.message);
  }

  ended(partition: number, offset: number): void {
    this.#ends.set(partition, offset);
    this.#lastEnds.set(partition, offset);
  }

  /**
   * Partitions (`[0]@10 [3]@7`) that are read to the last committed message, short of `highs`: a transaction is open
   * there, or what follows has just arrived. undefined: none.
   */
  hiddenAt(highs: Offsets, positions: Offsets): string | undefined {
    const places = [...highs]
      .filter(([partition, high]) => {
        const next = positions.get(partition) ?? 0;
        return next < high && this.#lastEnds.get(partition) === next;
      })
      .map(([partition]) => `[${partition}]@${positions.get(partition) ?? 0}`);
    return places.length > 0 ? places.join(' ') : undefined;
  }

  close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    return this.#consumer.close(timeoutMs);
  }
}
