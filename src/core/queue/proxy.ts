// One cluster for clients without a session (REST, gRPC): every operation of the message-at-a-time API.
import { fail, GatewayError } from '../../errors.js';
import { checkGroupName } from '../group-name.js';
import { type DeliveryReport, KafkaCode, KafkaError, type KafkaFault, type ProducerRecord } from '../ports.js';
import { Partitioner } from '../produce/partitioner.js';
import { ProducerSession } from '../produce/producer-session.js';
import type { Count } from '../stats/labelled-stats.js';
import { TopicCatalog } from '../topics/topic-catalog.js';
import { checkTopicName } from '../topics/topic-name.js';
import { describeTopic, listTopics, type TopicParts, type TopicView } from '../topics/topics.js';
import { ConsumerPool } from './consumer-pool.js';
import type { Delivery, Poll } from './delivery.js';
import { GroupMembers, type Members } from './group-members.js';
import {
  type NewOffset,
  type OffsetsContext,
  type PartitionOffset,
  readOffsets,
  writeOffsets,
} from './group-offsets.js';
import type { QueueContext } from './queue-settings.js';

export type { Delivery, Poll };

/** How messages of clients without a session are produced. */
export interface ProduceSettings {
  /** The sum of key, value, headers and overhead, bytes. */
  readonly maxMessageBytes: number;
  /** The configuration names a Kafka version with record headers. */
  readonly headers: boolean;
  /** Partitions in turn per topic, instead of by key. */
  readonly roundRobin: boolean;
  /** How long a full queue or a missing broker holds a caller back, ms. */
  readonly produceTimeoutMs: number;
  /** How long closing waits for queued records, ms. */
  readonly shutdownTimeoutMs: number;
  /** Maximum linger of a record that no caller waits for, ms. */
  readonly lingerMs: number;
  /** Override the cluster's producer properties. */
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

export interface ProxyOptions extends QueueContext {
  readonly produce: ProduceSettings;
}

/** What to ack before the next message is taken. */
export interface Ack {
  readonly partition: number;
  readonly offset: number;
}

export type ConsumeMode = 'auto' | 'none' | Ack;

/** A record's overhead on the wire beside its key and value, as Kafka-Pixy counts it. */
const overhead = { withHeaders: 36, perHeader: 10, without: 26 };

export class KafkaProxy {
  readonly name: string;
  readonly pool: ConsumerPool;
  readonly #options: ProxyOptions;
  readonly #catalog: TopicCatalog;
  readonly #producer: ProducerSession;
  /** Cached for the last topic: neighbours often have the same. */
  #counted: { readonly topic: string; readonly count: Count } = { topic: '', count: { value: 0 } };
  readonly #partitioner: Partitioner;
  readonly #members: GroupMembers;

  constructor(options: ProxyOptions) {
    this.name = options.name;
    this.#options = options;
    this.#catalog = new TopicCatalog(options.kafka.admin, options.clock);
    this.pool = new ConsumerPool(options, this.#catalog);
    this.#partitioner = new Partitioner(this.#catalog, options.clock, options.produce.roundRobin);
    const { kafka, produce, clock, stats, log } = options;
    this.#members = new GroupMembers(kafka.admin, (group, topic) => this.#ownMembers(group, topic));
    this.#producer = new ProducerSession({
      reports: 'all',
      open: (wiring, timeoutMs) => {
        const { properties, lingerMs } = produce;
        return kafka.producer({ ...wiring, properties, lingerMs }, timeoutMs);
      },
      produceTimeoutMs: produce.produceTimeoutMs,
      clock,
      stats,
      onFailure: ({ topic, partition, error }) =>
        log.error({ cluster: options.name, topic, partition, reason: error?.message }, 'Message was not delivered'),
      onLost: (topics) =>
        log.error({ cluster: options.name, topics: Object.fromEntries(topics) }, 'Messages were not delivered'),
      onFault: (fault) => {
        this.#partitioner.brokersMissing();
        log.warn({ cluster: options.name, reason: fault.message }, 'Kafka producer');
      },
    });
  }

  /**
   * Produces and waits until Kafka has the record.
   * @throws GatewayError `topic-invalid`, `produce-topic-unknown`, `message-too-large`, `headers-unsupported`, `produce-failed`, ...
   */
  async produce(record: ProducerRecord): Promise<{ partition: number; offset: number }> {
    checkTopic(record.topic);
    this.#check(record);
    const report = await this.#send(
      this.#partitioner.isNeeded(record) ? await this.#partitioner.place(record) : record,
    );
    if (report.error) throw produceError(report.error);
    return { partition: report.partition, offset: report.offset };
  }

  /**
   * Queues a record; returns a promise if a full queue holds the caller back. Delivery failures are counted and logged;
   * the caller does not learn of them.
   * @throws GatewayError `topic-invalid`, `queue-full` (or rejects with it)
   */
  enqueue(record: ProducerRecord): undefined | Promise<void> {
    checkTopic(record.topic);
    try {
      this.#check(record);
      if (this.#partitioner.isNeeded(record)) return this.#enqueuePlaced(record);
      return this.#producer.enqueue(record)?.catch((error: unknown) => this.#dropped(record, error));
    } catch (error) {
      this.#dropped(record, error);
      return undefined;
    }
  }

  /** Applies the ack of `mode`, then requests the next message. @throws GatewayError `topic-invalid`, `group-empty`, `group-invalid`, and see ConsumerPool */
  poll(group: string, topic: string, mode: ConsumeMode): Poll {
    checkNames(group, topic);
    if (typeof mode === 'object') this.#ackInPassing(group, topic, mode);
    return this.pool.poll(group, topic, mode === 'auto');
  }

  /** @throws GatewayError `topic-invalid`, `group-empty`, `group-invalid`, `acks-channel-missing` */
  ack(group: string, topic: string, ack: Ack): void {
    checkNames(group, topic);
    this.pool.ack(group, topic, ack.partition, ack.offset);
  }

  /** @throws GatewayError `topic-invalid`, `group-empty`, `group-invalid`, `topic-unknown`, `kafka-refused` */
  async offsets(group: string, topic: string): Promise<PartitionOffset[]> {
    checkNames(group, topic);
    return asking(readOffsets(this.#offsetsContext, group, topic));
  }

  /** @throws GatewayError `topic-invalid`, `group-empty`, `group-invalid`, `topic-unknown`, `group-active`, `kafka-refused` */
  async setOffsets(group: string, topic: string, offsets: readonly NewOffset[]): Promise<void> {
    checkNames(group, topic);
    return asking(writeOffsets(this.#offsetsContext, group, topic, offsets));
  }

  /** @throws GatewayError `kafka-refused` */
  topics(parts: TopicParts): Promise<Map<string, TopicView>> {
    return asking(listTopics(this.#options.kafka.admin, parts));
  }

  /** @throws GatewayError `topic-invalid`, `topic-unknown`, `kafka-refused` */
  async topic(name: string, parts: TopicParts): Promise<TopicView> {
    checkTopic(name);
    return asking(describeTopic(this.#options.kafka.admin, name, parts));
  }

  /** @throws GatewayError `topic-invalid`, `group-empty`, `group-invalid`, `group-unknown`, `group-topic-unknown`, `kafka-refused` */
  async consumers(topic: string, group?: string): Promise<Map<string, Members>> {
    if (group === undefined) {
      checkTopic(topic);
      return asking(this.#members.all(topic));
    }
    checkNames(group, topic);
    return new Map([[group, await asking(this.#members.of(group, topic))]]);
  }

  /** Checks that the cluster answers. @throws KafkaError if no broker does. */
  async probe(): Promise<void> {
    await this.#options.kafka.admin.identity([]);
  }

  drain(): void {
    this.pool.drain();
  }

  closeConsumers(): Promise<void> {
    return this.pool.close();
  }

  /** @returns messages that were not delivered. */
  close(): Promise<number> {
    return this.#producer.close(this.#options.produce.shutdownTimeoutMs);
  }

  #ownMembers(group: string, topic: string): Members {
    const { clientId } = this.#options.settings;
    const assigned = this.pool.find(group, topic)?.assigned ?? [];
    return new Map(clientId === undefined || assigned.length === 0 ? [] : [[clientId, assigned]]);
  }

  get #offsetsContext(): OffsetsContext {
    const { kafka, settings } = this.#options;
    return { admin: kafka.admin, pool: this.pool, clientId: settings.clientId };
  }

  #check(record: ProducerRecord): void {
    const { produce } = this.#options;
    const headers = record.headers ?? [];
    this.#count(record.topic);
    this.#catalog.produced(record.topic);
    if (headers.length > 0 && !produce.headers) throw fail('headers-unsupported');
    let size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    size += produce.headers ? overhead.withHeaders : overhead.without;
    for (const { key, value } of headers) size += overhead.perHeader + Buffer.byteLength(key) + (value?.length ?? 0);
    if (size > produce.maxMessageBytes) throw fail('message-too-large');
  }

  #count(topic: string): void {
    if (topic !== this.#counted.topic)
      this.#counted = { topic, count: this.#options.stats.labelled('topic.produced').count([this.name, topic]) };
    this.#counted.count.value++;
  }

  async #send(record: ProducerRecord): Promise<DeliveryReport> {
    try {
      return await this.#producer.send(record, true);
    } catch (error) {
      if (error instanceof GatewayError && error.cause instanceof KafkaError) throw produceError(error.cause, error);
      throw error;
    }
  }

  /** @throws what the caller must know: the record is not queued, though it could have been. */
  #dropped(record: ProducerRecord, error: unknown): void {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === 'queue-full' || error.code === 'shutting-down') throw error;
    this.#options.stats.add('producer.delivery.errors');
    this.#options.log.error({ cluster: this.name, topic: record.topic, reason: error.message }, 'Message was dropped');
  }

  async #enqueuePlaced(record: ProducerRecord): Promise<void> {
    try {
      await this.#producer.enqueue(await this.#partitioner.place(record));
    } catch (error) {
      this.#dropped(record, error);
    }
  }

  /** A piggy-backed ack without effect is not an error: the message is redelivered. */
  #ackInPassing(group: string, topic: string, { partition, offset }: Ack): void {
    try {
      this.pool.ack(group, topic, partition, offset);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#options.log.warn({ group, topic, partition, offset, reason: error.message }, 'Ack had no effect');
    }
  }
}

/** Kafka's own topics are a matter of rights. An illegal name may be a pattern for librdkafka: `^.*` subscribes to everything. */
const checkTopic = (topic: string): void => checkTopicName(topic, true);

function checkNames(group: string, topic: string): void {
  checkTopic(topic);
  if (group === '') throw fail('group-empty');
  checkGroupName(group);
}

/** Kafka's refusals as errors of the API. */
async function asking<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    if (isUnknown(error)) throw new GatewayError('topic-unknown', [], { cause: error });
    throw new GatewayError('kafka-refused', [error.message], { cause: error });
  }
}

function produceError(fault: KafkaFault, cause?: unknown): GatewayError {
  const options = cause === undefined ? {} : { cause };
  if (isUnknown(fault)) return new GatewayError('produce-topic-unknown', [], options);
  if (fault.code === KafkaCode.messageTooLarge) return new GatewayError('message-too-large', [], options);
  return new GatewayError('produce-failed', [fault.message], options);
}

const unknown: readonly number[] = [
  KafkaCode.unknownTopicOrPartition,
  KafkaCode.unknownTopicLocal,
  KafkaCode.unknownPartition,
];
const isUnknown = (fault: KafkaFault): boolean => unknown.includes(fault.code);
