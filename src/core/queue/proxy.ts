// One cluster as clients without a session see it (REST, gRPC): every operation of the message-at-a-time API.
import { fail, GatewayError } from '../../errors.js';
import { checkGroupName } from '../group-name.js';
import { type DeliveryReport, KafkaCode, KafkaError, type KafkaFault, type ProducerRecord } from '../ports.js';
import { Placement } from '../produce/partitioner.js';
import { ProducerSession } from '../produce/producer-session.js';
import type { Count } from '../stats/labelled-stats.js';
import { TopicCatalog } from '../topics/topic-catalog.js';
import { checkTopicName } from '../topics/topic-name.js';
import { describeTopic, listTopics, type TopicParts, type TopicView } from '../topics/topics.js';
import { ConsumerPool } from './consumer-pool.js';
import type { Delivery, Poll } from './delivery.js';
import { groupsOf, type Members, membersOf } from './group-members.js';
import {
  type NewOffset,
  type OffsetsContext,
  type PartitionOffset,
  readOffsets,
  writeOffsets,
} from './group-offsets.js';
import type { SharedContext } from './queue-settings.js';

export type { Delivery, Poll };

/** How a cluster's messages are produced for clients without a session. */
export interface ProduceSettings {
  /** Key, value, headers and what the wire format adds. */
  readonly maxMessageBytes: number;
  /** The configuration names a Kafka that has record headers. */
  readonly headers: boolean;
  /** Partitions in turn, per topic, instead of by key. */
  readonly roundRobin: boolean;
  /** How long a caller is held back by a full queue or a missing broker, ms. */
  readonly produceTimeoutMs: number;
  /** How long closing waits for what is queued, ms. */
  readonly shutdownTimeoutMs: number;
  /** How long a record that nobody waits for may be held for others to be produced with, ms. */
  readonly gatherMs: number;
  /** Over the cluster's producer properties. */
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

export interface ProxyOptions extends SharedContext {
  readonly produce: ProduceSettings;
}

/** What to ack before the next message is taken. */
export interface Ack {
  readonly partition: number;
  readonly offset: number;
}

export type ConsumeMode = 'auto' | 'none' | Ack;

/** What a record costs on the wire beside its key and value, as Kafka-Pixy counts it. */
const overhead = { withHeaders: 36, perHeader: 10, without: 26 };

export class KafkaProxy {
  readonly name: string;
  readonly pool: ConsumerPool;
  readonly #options: ProxyOptions;
  readonly #catalog: TopicCatalog;
  readonly #producer: ProducerSession;
  /** Of the last topic: neighbours often have the same. */
  #counted: { readonly topic: string; readonly count: Count } = { topic: '', count: { value: 0 } };
  readonly #placement: Placement;

  constructor(options: ProxyOptions) {
    this.name = options.name;
    this.#options = options;
    this.#catalog = new TopicCatalog(options.kafka.admin, options.clock);
    this.pool = new ConsumerPool(options, this.#catalog);
    this.#placement = new Placement(this.#catalog, options.clock, options.produce.roundRobin);
    const { kafka, produce, clock, stats, log } = options;
    this.#producer = new ProducerSession({
      reports: 'all',
      open: (wiring, timeoutMs) => {
        const { properties, gatherMs } = produce;
        return kafka.producer({ ...wiring, properties, gatherMs }, timeoutMs);
      },
      produceTimeoutMs: produce.produceTimeoutMs,
      clock,
      stats,
      onFailure: ({ topic, partition, error }) =>
        log.error({ cluster: options.name, topic, partition, reason: error?.message }, 'Message was not delivered'),
      onLost: (topics) =>
        log.error({ cluster: options.name, topics: Object.fromEntries(topics) }, 'Messages were not delivered'),
      onFault: (fault) => {
        this.#placement.brokersMissing();
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
    const report = await this.#send(this.#placement.isNeeded(record) ? await this.#placement.place(record) : record);
    if (report.error) throw produceError(report.error);
    return { partition: report.partition, offset: report.offset };
  }

  /**
   * Queues a record; a promise when the caller is held back by a full queue. What can't be delivered is counted and
   * logged, and the caller never learns of it.
   * @throws GatewayError `topic-invalid`, `queue-full` (or rejects with it)
   */
  enqueue(record: ProducerRecord): undefined | Promise<void> {
    checkTopic(record.topic);
    try {
      this.#check(record);
      if (this.#placement.isNeeded(record)) return this.#enqueuePlaced(record);
      return this.#producer.enqueue(record)?.catch((error: unknown) => this.#dropped(record, error));
    } catch (error) {
      this.#dropped(record, error);
      return undefined;
    }
  }

  /** Acks what mode says, then asks for the next message. @throws GatewayError `topic-invalid`, `group-empty`, `group-invalid`, and see ConsumerPool */
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
    const { admin } = this.#options.kafka;
    if (group === undefined) {
      checkTopic(topic);
      return asking(groupsOf(admin, topic));
    }
    checkNames(group, topic);
    return new Map([[group, await asking(membersOf(admin, group, topic))]]);
  }

  /** Asks the cluster whether it is there. @throws KafkaError when no broker answers. */
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
      return await this.#producer.send(record);
    } catch (error) {
      if (error instanceof GatewayError && error.cause instanceof KafkaError) throw produceError(error.cause, error);
      throw error;
    }
  }

  /** @throws what the caller must know: the record isn't queued, though it could have been. */
  #dropped(record: ProducerRecord, error: unknown): void {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === 'queue-full' || error.code === 'shutting-down') throw error;
    this.#options.stats.add('producer.delivery.errors');
    this.#options.log.error({ cluster: this.name, topic: record.topic, reason: error.message }, 'Message was dropped');
  }

  async #enqueuePlaced(record: ProducerRecord): Promise<void> {
    try {
      await this.#producer.enqueue(await this.#placement.place(record));
    } catch (error) {
      this.#dropped(record, error);
    }
  }

  /** A piggy-backed ack that comes to nothing is nobody's failure: the message comes again. */
  #ackInPassing(group: string, topic: string, { partition, offset }: Ack): void {
    try {
      this.pool.ack(group, topic, partition, offset);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#options.log.warn({ group, topic, partition, offset, reason: error.message }, 'Ack had no effect');
    }
  }
}

/** Kafka's own topics are a matter of rights. A name that is none may be a pattern to librdkafka: `^.*` is a subscription to everything. */
const checkTopic = (topic: string): void => checkTopicName(topic, true);

function checkNames(group: string, topic: string): void {
  checkTopic(topic);
  if (group === '') throw fail('group-empty');
  checkGroupName(group);
}

/** Kafka's refusals in the API's words. */
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
