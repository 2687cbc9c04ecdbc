// Reader: one connected source being read from given positions.
import {
  type Consumer,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Message,
  type Properties,
} from '../core/ports.js';
import { fail } from '../errors.js';
import { isBehind, type Offsets, type SourceView } from './source-pool.js';

/** What a source's topic is when it is connected. */
export interface SourceTopic extends SourceView {
  readonly cluster: string;
  readonly topicId: string;
  readonly partitions: readonly number[];
}

/** Messages in order, and the partitions that were read to their present end (offset past the last marker or gap). */
export interface Batch {
  readonly messages: readonly Message[];
  readonly ends: ReadonlyMap<number, number>;
}

/** librdkafka's local code for a position that does not exist, with auto.offset.reset=error. */
const offsetReset = -140;
/** Errors after which this source is of no use at the moment. */
const ending: ReadonlySet<number> = new Set([
  KafkaCode.allBrokersDown,
  KafkaCode.offsetOutOfRange,
  KafkaCode.unknownTopicOrPartition,
  KafkaCode.unknownTopicLocal,
  KafkaCode.unknownPartition,
  KafkaCode.topicAuthorizationFailed,
  offsetReset,
]);

/** Messages of one poll: cheap enough by then, and the reader's byte bound is what limits memory. */
const batchMessages = 1_000;

/** Who the source is and what it holds. @throws GatewayError `relay-waiting`; KafkaError */
export async function inspectSource(kafka: KafkaFactory, topic: string): Promise<SourceTopic> {
  const [found] = await kafka.admin.topics([topic]);
  if (!found) throw fail('relay-waiting', kafka.brokers, `source topic ${topic} does not exist`);
  const partitions = found.partitions.map(({ partition }) => partition).sort((a, b) => a - b);
  const [{ clusterId, topicIds }, marks] = await Promise.all([
    kafka.admin.identity([topic]),
    kafka.admin.watermarks(partitions.map((partition) => ({ topic, partition }))),
  ]);
  return {
    cluster: clusterId,
    topicId: topicIds.get(topic) ?? '',
    partitions,
    low: new Map(marks.map((mark) => [mark.partition, mark.low])),
    high: new Map(marks.map((mark) => [mark.partition, mark.high])),
  };
}

export class Reader {
  readonly id: number;
  readonly topic: SourceTopic;
  readonly #consumer: Consumer;
  #ends = new Map<number, number>();
  /** Why this source cannot be read on; undefined while it can. */
  failure: string | undefined;
  /** Messages came since this was last set to false. */
  heard = false;

  private constructor(id: number, topic: SourceTopic, consumer: Consumer) {
    this.id = id;
    this.topic = topic;
    this.#consumer = consumer;
  }

  /** Connects and assigns. Positions must lie within what the source holds. @throws KafkaError */
  static async open(options: {
    id: number;
    kafka: KafkaFactory;
    name: string;
    topic: SourceTopic;
    positions: Offsets;
    properties: Properties;
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
    reader = new Reader(options.id, topic, consumer);
    consumer.assign(
      topic.partitions.map((partition) => ({ topic: name, partition, offset: positions.get(partition) ?? 0 })),
    );
    return reader;
  }

  /** What came within waitMs. A failure is told by `failure`, not thrown. */
  async poll(waitMs: number): Promise<Batch> {
    let messages: Message[] = [];
    try {
      messages = await this.#consumer.poll(batchMessages, waitMs);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.failure ??= error.message;
    }
    // The ends heard of so far belong behind these messages and before those of the next poll.
    const ends = this.#ends;
    if (ends.size > 0) this.#ends = new Map();
    if (messages.length > 0) this.heard = true;
    return { messages, ends };
  }

  fault(fault: KafkaFault): void {
    if (fault.fatal || ending.has(fault.code)) this.failure ??= fault.message;
  }

  ended(partition: number, offset: number): void {
    this.#ends.set(partition, offset);
  }

  close(timeoutMs: number): Promise<void> {
    return this.#consumer.close(timeoutMs);
  }
}
