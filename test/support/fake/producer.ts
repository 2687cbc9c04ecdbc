// The fake Kafka's producer.
import {
  KafkaCode,
  type KafkaFault,
  type MovedPosition,
  type Producer,
  type ProducerOptions,
  type ProducerRecord,
} from '../../../src/core/ports.js';
import type { FakeKafka } from '../fake-kafka.js';
import { fault, refusal } from './fault.js';
import type { Transaction } from './log.js';

interface Queued {
  readonly record: ProducerRecord;
  readonly partition: number;
  readonly tag: unknown;
  readonly transaction: Transaction | undefined;
}

export class FakeProducer implements Producer {
  readonly #kafka: FakeKafka;
  readonly #options: ProducerOptions;
  readonly #transactionalId: string | undefined;
  readonly #queueLimit: number;
  #queue: Queued[] = [];
  #delivering = false;
  #idle: (() => void)[] = [];
  #closed = false;
  #epoch = 0;
  #transaction: Transaction | undefined;
  #aborting = false;
  /** Positions that move with the transaction. */
  readonly #offsets: (() => void)[] = [];

  constructor(kafka: FakeKafka, options: ProducerOptions, properties: ReadonlyMap<string, string>) {
    this.#kafka = kafka;
    this.#options = options;
    this.#transactionalId = properties.get('transactional.id');
    this.#queueLimit = Number(properties.get('queue.buffering.max.messages') ?? 100_000);
  }

  produce(record: ProducerRecord, tag?: unknown): void {
    if (this.#closed) throw refusal(KafkaCode.state, 'The producer is closed');
    if (this.#transactionalId !== undefined) {
      if (this.#fenced()) throw refusal(KafkaCode.fatal, 'Local: Fatal error', { fatal: true });
      if (!this.#transaction) throw refusal(KafkaCode.state, 'Local: Erroneous state');
    }
    if (this.#queue.length >= this.#queueLimit) throw refusal(KafkaCode.queueFull, 'Local: Queue full');
    if (bytesOf(record) > this.#kafka.maxMessageBytes) {
      throw refusal(KafkaCode.messageTooLarge, 'Broker: Message size too large');
    }
    const count = this.#kafka.topic(record.topic)?.partitions.length ?? this.#kafka.defaultPartitions;
    const partition = record.partition ?? choose(record.key, count);
    if (partition >= count && this.#kafka.topic(record.topic)) {
      throw refusal(KafkaCode.unknownPartition, 'Local: Unknown partition');
    }
    this.#queue.push({ record: snapshot(record), partition, tag, transaction: this.#transaction });
    this.#deliverSoon();
  }

  flush(timeoutMs: number): Promise<boolean> {
    if (this.#queue.length === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const cancel = this.#kafka.clock.after(timeoutMs, () => resolve(false));
      this.#idle.push(() => {
        cancel();
        resolve(true);
      });
    });
  }

  get pending(): number {
    return this.#queue.length;
  }

  async purge(): Promise<boolean> {
    this.#purge();
    return true;
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#closed) return;
    await this.flush(timeoutMs);
    this.#closed = true;
    this.#queue = [];
    this.#kafka.producers.delete(this);
  }

  async initTransactions(): Promise<void> {
    if (this.#transactionalId === undefined) throw refusal(KafkaCode.state, 'Local: Erroneous state');
    this.#epoch = this.#kafka.takeOver(this.#transactionalId);
  }

  async beginTransaction(): Promise<void> {
    this.#refuseFenced();
    if (this.#transaction) throw refusal(KafkaCode.state, 'Local: Erroneous state');
    this.#transaction = this.#kafka.begin(this.#transactionalId ?? '');
    this.#aborting = false;
  }

  commitTransaction(timeoutMs: number): Promise<void> {
    return this.#end('committed', timeoutMs);
  }

  abortTransaction(timeoutMs: number): Promise<void> {
    return this.#end('aborted', timeoutMs);
  }

  async sendOffsets(positions: readonly MovedPosition[], member: Buffer): Promise<void> {
    this.#refuseFenced();
    if (!this.#transaction) throw refusal(KafkaCode.state, 'Local: Erroneous state');
    this.#offsets.push(() => this.#kafka.moveGroup(member, positions, false));
    this.#kafka.moveGroup(member, positions, true);
  }

  /** The fault hook and the end of a stall take effect here. */
  retry(): void {
    this.#deliverSoon();
  }

  tell(logged: KafkaFault): void {
    this.#options.onFault?.(logged);
  }

  async #end(state: 'committed' | 'aborted', timeoutMs: number): Promise<void> {
    this.#refuseFenced();
    const transaction = this.#transaction;
    if (!transaction) throw refusal(KafkaCode.state, 'Local: Erroneous state');
    if (state === 'aborted') this.#purge();
    if (!(await this.flush(timeoutMs))) throw refusal(KafkaCode.timedOut, 'Local: Timed out', { retriable: true });
    if (state === 'committed' && this.#aborting) {
      throw refusal(KafkaCode.state, 'Current transaction failed: some messages were not delivered', {
        abortable: true,
      });
    }
    transaction.state = state;
    const moves = this.#offsets.splice(0);
    if (state === 'committed') for (const move of moves) move();
    this.#transaction = undefined;
    this.#kafka.wake();
  }

  /** An abort drops queued records. */
  #purge(): void {
    const error = fault(KafkaCode.purgeQueue, 'Local: Purged in queue');
    for (const { record, partition, tag } of this.#queue.splice(0)) {
      this.#options.onReport({ topic: record.topic, partition, offset: -1, timestamp: -1, error }, this.#tagged(tag));
    }
    for (const settle of this.#idle.splice(0)) settle();
  }

  #fenced(): boolean {
    return this.#transactionalId !== undefined && this.#kafka.epochOf(this.#transactionalId) !== this.#epoch;
  }

  #refuseFenced(): void {
    if (this.#fenced()) throw refusal(KafkaCode.fenced, 'Local: This instance has been fenced', { fatal: true });
  }

  #deliverSoon(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    setImmediate(() => {
      this.#delivering = false;
      if (!this.#closed) this.#deliver();
    });
  }

  #deliver(): void {
    while (this.#queue.length > 0) {
      if (this.#kafka.faults.stalled) return;
      this.#deliverOne(this.#queue.shift()!);
    }
    for (const settle of this.#idle.splice(0)) settle();
    this.#kafka.wake();
  }

  #deliverOne({ record, partition, tag, transaction }: Queued): void {
    const { topic } = record;
    const failed = this.#kafka.faults.delivery?.(record) ?? this.#refused(record, partition);
    if (failed) {
      this.#aborting = true;
      this.#options.onReport({ topic, partition, offset: -1, timestamp: -1, error: failed }, this.#tagged(tag));
      return;
    }
    const now = this.#kafka.clock.now();
    const offset = this.#kafka.topic(topic)!.partitions[partition]!.append(record, partition, now, transaction);
    if (this.#options.reports === 'all') {
      this.#options.onReport({ topic, partition, offset, timestamp: record.timestamp ?? now }, tag);
    }
  }

  /** With reports of failures only, librdkafka cannot distinguish them by tag. */
  #tagged(tag: unknown): unknown {
    return this.#options.reports === 'all' ? tag : undefined;
  }

  #refused({ topic }: ProducerRecord, partition: number): KafkaFault | undefined {
    const found = this.#kafka.topic(topic) ?? this.#kafka.autoCreate(topic);
    if (!found) return fault(KafkaCode.unknownTopicOrPartition, 'Broker: Unknown topic or partition');
    if (!found.partitions[partition]) return fault(KafkaCode.unknownPartition, 'Local: Unknown partition');
    return undefined;
  }
}

const bytesOf = ({ key, value }: ProducerRecord): number => (key?.length ?? 0) + (value?.length ?? 0);

const snapshot = (record: ProducerRecord): ProducerRecord => ({
  ...record,
  key: record.key && Buffer.from(record.key),
  value: record.value && Buffer.from(record.value),
});

/** Equal keys go to equal partitions; records without a key to any. */
function choose(key: Buffer | null, count: number): number {
  if (key === null || key.length === 0) return Math.floor(Math.random() * count);
  let hash = 0;
  for (const byte of key) hash = (hash * 31 + byte) >>> 0;
  return hash % count;
}
