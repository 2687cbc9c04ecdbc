// RangeReader: reads ranges of partitions, over one warm consumer without a group, one request after another.
import { GatewayError } from '../../../errors.js';
import { sleep } from '../../clock.js';
import { isOfTopic } from '../../lasting-fault.js';
import { type Memory, uncounted } from '../../memory/memory-budget.js';
import { messageBytes } from '../../message-bytes.js';
import {
  type Clock,
  type Consumer,
  isPassing,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Message,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../ports.js';

export interface RangeReaderOptions {
  readonly kafka: KafkaFactory;
  readonly clock: Clock;
  /** Time limit of one request, including the wait for its turn, ms. */
  readonly timeoutMs: number;
  /** The consumer is closed after this idle time, ms. */
  readonly idleMs: number;
  readonly onFault: (fault: KafkaFault) => void;
}

/** A range to read: offsets from `from` up to, not including, `to`, and at most max messages. */
export interface PartitionRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly max: number;
}

/** The result for one partition. */
export interface PartitionRead {
  /** Ascending. */
  readonly messages: readonly Message[];
  /**
   * How far it was read: what Kafka holds from the range's `from` up to here is in the messages; what follows was not
   * read. It is the range's `to` unless the range's max or the byte limit of a request ended the reading earlier.
   */
  readonly readTo: number;
}

/** A range being read. */
interface Reading extends PartitionRange {
  readonly messages: Message[];
  bytes: number;
  readTo: number;
}

/** Byte limit of one request, shared equally by its partitions, with at least one message each. */
export const requestBytes = 32 * 1024 * 1024;
const connectMs = 10_000;
const pollMs = 100;
const batchMessages = 500;
/** Pause before a request is repeated if its partition has no leader, ms. */
const retryMs = 100;

/** Small and early fetches: a caller waits for the range; throughput does not matter. */
const properties = {
  'fetch.queue.backoff.ms': 1,
  'fetch.error.backoff.ms': 5,
  'fetch.wait.max.ms': 5,
  'queued.min.messages': 1_000,
  'queued.max.messages.kbytes': 2_048,
  'fetch.message.max.bytes': 131_072,
  'auto.offset.reset': 'earliest',
};

/** How ranges are read for one caller. */
export type Ranges = Pick<RangeReader, 'read' | 'offsetsAt'>;

export class RangeReader {
  readonly #options: RangeReaderOptions;
  #consumer: Promise<Consumer> | undefined;
  #line: Promise<unknown> = Promise.resolve();
  #requests = 0;
  #cancelIdle: () => void = () => {};
  #ended: (position: TopicPartitionOffset) => void = () => {};
  /** The fault that prevents reading the current ranges. */
  #refused: KafkaFault | undefined;
  #closed = false;

  constructor(options: RangeReaderOptions) {
    this.#options = options;
  }

  /**
   * The messages of these ranges, one range per partition. Large ones are not read to their ends: see readTo.
   * @throws GatewayError `kafka-unavailable` if they cannot be read in time; `memory-limit`; KafkaError if reading is forbidden.
   */
  async read(
    topic: string,
    ranges: readonly PartitionRange[],
    memory: Memory = uncounted,
  ): Promise<Map<number, PartitionRead>> {
    const readings = ranges.map((range): Reading => {
      return { ...range, messages: [], bytes: 0, readTo: Math.min(range.from, range.to) };
    });
    const wanted = readings.filter(({ from, to, max }) => from < to && max > 0);
    if (wanted.length > 0)
      await this.#next((consumer, deadline) => this.#read(consumer, topic, wanted, deadline, memory));
    return new Map(readings.map((reading) => [reading.partition, reading]));
  }

  /** The same reader with messages counted against a memory budget. */
  within(memory: Memory): Ranges {
    return {
      read: (topic, ranges) => this.read(topic, ranges, memory),
      offsetsAt: (topic, times) => this.offsetsAt(topic, times),
    };
  }

  /**
   * For each of these partitions the first offset at or after the given timestamp, ms; none if there is none.
   * @throws KafkaError; GatewayError `kafka-unavailable`
   */
  offsetsAt(topic: string, times: ReadonlyMap<number, number>): Promise<Map<number, number>> {
    const asked = [...times].map(([partition, ms]) => ({ topic, partition, offset: ms }));
    return this.#next(async (consumer, deadline) => {
      const found = await this.#offsetsForTimes(consumer, asked, deadline);
      return new Map(found.filter(({ offset }) => offset >= 0).map(({ partition, offset }) => [partition, offset]));
    });
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelIdle();
    await this.#line;
    await this.#giveBack();
  }

  #next<T>(run: (consumer: Consumer, deadline: number) => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    this.#cancelIdle();
    this.#requests++;
    const turn = this.#line.then(async () => {
      if (clock.monotonic() > deadline) throw unavailable('too many ranges are being read');
      return run(await this.#open(), deadline);
    });
    const settled = (): void => {
      if (--this.#requests === 0 && !this.#closed)
        this.#cancelIdle = clock.after(this.#options.idleMs, () => {
          this.#line = this.#line.then(() => this.#giveBack());
        });
    };
    this.#line = turn.then(settled, settled);
    return turn;
  }

  /** Waits for leaders that move, or that some brokers do not know yet. */
  async #offsetsForTimes(
    consumer: Consumer,
    asked: readonly TopicPartitionOffset[],
    deadline: number,
  ): Promise<TopicPartitionOffset[]> {
    const { clock, timeoutMs } = this.#options;
    for (;;) {
      try {
        return await consumer.offsetsForTimes(asked, timeoutMs);
      } catch (error) {
        if (!(error instanceof KafkaError) || !isPassing(error) || clock.monotonic() + retryMs > deadline) throw error;
      }
      await sleep(clock, retryMs);
    }
  }

  #open(): Promise<Consumer> {
    if (this.#closed) throw new GatewayError('shutting-down');
    if (!this.#consumer) {
      const { kafka } = this.#options;
      const onFault = (fault: KafkaFault): void => {
        // It needs nothing of its group.
        if (isOfTopic(fault)) this.#refused = fault;
        this.#options.onFault(fault);
      };
      const opening = kafka.consumer({ properties, onFault, onEnd: (position) => this.#ended(position) }, connectMs);
      this.#consumer = opening;
      opening.catch(() => {
        this.#consumer = undefined;
      });
    }
    return this.#consumer;
  }

  async #giveBack(): Promise<void> {
    const consumer = await this.#consumer?.catch(() => undefined);
    this.#consumer = undefined;
    await consumer?.close(1_000);
  }

  async #read(
    consumer: Consumer,
    topic: string,
    readings: readonly Reading[],
    deadline: number,
    memory: Memory,
  ): Promise<void> {
    const open = new Map(readings.map((reading) => [reading.partition, reading]));
    const shareBytes = requestBytes / readings.length;
    // Called before the poll that saw it returns its messages. A late event of an earlier request has a position below `to`.
    const ended: TopicPartitionOffset[] = [];
    this.#ended = (position) => ended.push(position);
    consumer.assign(readings.map(({ partition, from }) => ({ topic, partition, offset: from })));
    const paused: TopicPartition[] = [];
    this.#refused = undefined;
    try {
      while (open.size > 0) {
        if (this.#refused) throw new KafkaError(this.#refused);
        const before = [...open.keys()];
        if (this.#options.clock.monotonic() > deadline) throw unavailable('a range could not be read in time');
        for (const message of await consumer.poll(batchMessages, pollMs)) {
          const reading = message.topic === topic ? open.get(message.partition) : undefined;
          if (reading && add(reading, message, shareBytes, memory)) open.delete(message.partition);
        }
        for (const { topic: its, partition, offset } of ended.splice(0)) {
          const reading = its === topic ? open.get(partition) : undefined;
          if (!reading || offset < reading.to) continue;
          reading.readTo = reading.to;
          open.delete(partition);
        }
        // The rest of a batch, thousands of messages, would delay the other partitions.
        const done = before.filter((partition) => !open.has(partition)).map((partition) => ({ topic, partition }));
        if (done.length > 0 && open.size > 0) {
          consumer.pause(done);
          paused.push(...done);
        }
      }
    } finally {
      this.#ended = () => {};
      consumer.assign([]);
      if (paused.length > 0) consumer.resume(paused);
    }
  }
}

/** Adds a message of the partition. @returns whether the reading is complete. */
function add(reading: Reading, message: Message, shareBytes: number, memory: Memory): boolean {
  const { from, to, max, messages } = reading;
  if (message.offset < from) return false;
  if (message.offset < to) {
    const bytes = messageBytes(message);
    memory.take(bytes);
    messages.push(message);
    reading.bytes += bytes;
  }
  reading.readTo = Math.min(to, message.offset + 1);
  return reading.readTo === to || messages.length >= max || reading.bytes >= shareBytes;
}

const unavailable = (why: string): GatewayError => new GatewayError('kafka-unavailable', [why]);
