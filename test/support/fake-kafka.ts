// Kafka in memory: KafkaFactory for tests that need no network. It passes the same port tests as the real adapter.
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type ConsumerOptions,
  KafkaCode,
  type KafkaFactory,
  type KafkaFault,
  type MovedPosition,
  type ProducerOptions,
  type ProducerRecord,
  type Properties,
} from '../../src/core/ports.js';
import { realClock } from './clock.js';
import { FakeAdmin } from './fake/admin.js';
import { FakeConsumer } from './fake/consumer.js';
import { fault, refusal } from './fake/fault.js';
import { FakeGroup } from './fake/group.js';
import { type FakePartition, type FakeTopic, FakePartition as Partition, type Transaction } from './fake/log.js';
import { FakeProducer } from './fake/producer.js';

export interface FakeKafkaOptions {
  readonly clock?: Clock;
  readonly general?: Properties;
  readonly consumer?: Properties;
  readonly producer?: Properties;
  /** Partitions of a topic that is created on first use; 0: topics are not. Default 4. */
  readonly autoCreatePartitions?: number;
}

/** Injected faults. Change them at any time; end a stall with FakeKafka.unstall(). */
export interface Faults {
  /** Nothing is delivered, nothing is fetched. */
  stalled: boolean;
  /** New clients and admin calls are refused as if no broker answered. */
  unreachable: boolean;
  /** Commits are refused. */
  commit: boolean;
  /** Delivery of a record fails with the returned error. */
  delivery: ((record: ProducerRecord) => KafkaFault | undefined) | undefined;
}

export class FakeKafka implements KafkaFactory {
  readonly brokers = 'fake:9092';
  readonly embedded = false;
  readonly maxMessageBytes: number;
  readonly admin = new FakeAdmin(this);
  readonly clock: Clock;
  readonly faults: Faults = { stalled: false, unreachable: false, commit: false, delivery: undefined };
  readonly topics = new Map<string, FakeTopic>();
  readonly groups = new Map<string, FakeGroup>();
  readonly producers = new Set<FakeProducer>();
  readonly consumers = new Set<FakeConsumer>();
  readonly clusterId = randomUUID();
  readonly defaultPartitions: number;
  readonly #options: FakeKafkaOptions;
  readonly #transactions = new Map<string, { epoch: number; current: Transaction | undefined }>();
  #clients = 0;

  constructor(options: FakeKafkaOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? realClock;
    this.defaultPartitions = options.autoCreatePartitions ?? 4;
    this.maxMessageBytes = Number(this.#merged('producer').get('message.max.bytes') ?? 1_000_000);
  }

  async producer(options: ProducerOptions, _timeoutMs?: number): Promise<FakeProducer> {
    this.refuseIfUnreachable();
    const producer = new FakeProducer(this, options, this.#merged('producer', options.properties));
    this.producers.add(producer);
    return producer;
  }

  async consumer(options: ConsumerOptions, _timeoutMs?: number): Promise<FakeConsumer> {
    this.refuseIfUnreachable();
    const properties = this.#merged('consumer', options.properties);
    const consumer = new FakeConsumer(this, options, properties, `fake-${++this.#clients}`);
    this.consumers.add(consumer);
    return consumer;
  }

  async close(): Promise<void> {
    await Promise.all([...this.producers].map((producer) => producer.close(0)));
    await Promise.all([...this.consumers].map((consumer) => consumer.close(0)));
  }

  createTopic(name: string, partitions = 4, config: Readonly<Record<string, string>> = {}): FakeTopic {
    const topic: FakeTopic = {
      id: randomUUID(),
      partitions: Array.from({ length: partitions }, () => new Partition()),
      config: new Map(Object.entries(config)),
    };
    this.topics.set(name, topic);
    for (const group of this.groups.values()) {
      if (group.members.some(({ topics }) => topics.includes(name))) void group.rebalance();
    }
    return topic;
  }

  /** Adds a record to a partition, as another producer would. @returns its offset. */
  seed(topic: string, partition: number, value: string | Buffer | null, more: Partial<ProducerRecord> = {}): number {
    const found = this.topics.get(topic) ?? this.createTopic(topic, Math.max(partition + 1, this.defaultPartitions));
    const record = { topic, key: null, value: typeof value === 'string' ? Buffer.from(value) : value, ...more };
    const offset = found.partitions[partition]!.append(record, partition, this.clock.now());
    this.wake();
    return offset;
  }

  /** Makes a group rebalance as if a member had joined or left. */
  rebalance(groupId: string): Promise<void> {
    return this.group(groupId).rebalance();
  }

  /** Reports a fault to every client: a fatal one ends them. */
  tell(code: number, message: string, fatal = false): void {
    for (const client of [...this.producers, ...this.consumers]) client.tell(fault(code, message, { fatal }));
  }

  /** Ends a stall: queued records are delivered, waiting polls continue. */
  unstall(): void {
    this.faults.stalled = false;
    for (const producer of this.producers) producer.retry();
    this.wake();
  }

  topic(name: string): FakeTopic | undefined {
    return this.topics.get(name);
  }

  autoCreate(name: string): FakeTopic | undefined {
    return this.defaultPartitions > 0 ? this.createTopic(name, this.defaultPartitions) : undefined;
  }

  partition(topic: string, partition: number): FakePartition | undefined {
    return this.topics.get(topic)?.partitions[partition];
  }

  watermarks(topic: string, partition: number): { low: number; high: number } {
    const found = this.partition(topic, partition);
    if (!found) throw refusal(KafkaCode.unknownTopicOrPartition, 'Broker: Unknown topic or partition');
    return { low: found.low, high: found.high };
  }

  group(groupId: string): FakeGroup {
    const found = this.groups.get(groupId) ?? new FakeGroup((topic) => this.topics.get(topic)?.partitions.length ?? 0);
    this.groups.set(groupId, found);
    return found;
  }

  /** A producer takes over a transactional id: its predecessor is fenced and its open transaction aborted. */
  takeOver(transactionalId: string): number {
    const { epoch, current } = this.#transactions.get(transactionalId) ?? { epoch: 0, current: undefined };
    if (current?.state === 'open') current.state = 'aborted';
    this.#transactions.set(transactionalId, { epoch: epoch + 1, current: undefined });
    this.wake();
    return epoch + 1;
  }

  /** Positions of a transaction. @param only looked at: is the member one of its group's, of the generation that is now? */
  moveGroup(member: Buffer, positions: readonly MovedPosition[], only: boolean): void {
    const { groupId, memberId, generation } = JSON.parse(member.toString());
    const group = this.group(groupId);
    if (group.generation !== generation || !group.members.some((each) => each.memberId === memberId))
      throw refusal(22, 'Broker: Specified group generation id is not valid', { abortable: true });
    if (!only) group.commit(positions.map((position) => ({ metadata: '', ...position })));
  }

  begin(transactionalId: string): Transaction {
    const transaction: Transaction = { state: 'open' };
    this.#transactions.set(transactionalId, { epoch: this.epochOf(transactionalId), current: transaction });
    return transaction;
  }

  epochOf(transactionalId: string): number {
    return this.#transactions.get(transactionalId)?.epoch ?? 0;
  }

  /** Waiting polls check again. */
  wake(): void {
    for (const consumer of this.consumers) consumer.wake();
  }

  refuseIfUnreachable(): void {
    if (this.faults.unreachable) {
      throw refusal(KafkaCode.transport, 'Local: Broker transport failure', { retriable: true });
    }
  }

  #merged(section: 'consumer' | 'producer', over: Properties = {}): ReadonlyMap<string, string> {
    const defaults: Properties = { 'auto.offset.reset': 'earliest' };
    const layers = [defaults, this.#options.general, this.#options[section], over];
    return new Map(layers.flatMap((layer = {}) => Object.entries(layer).map(([key, value]) => [key, String(value)])));
  }
}
