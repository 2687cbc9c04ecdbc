// Scripted doubles of the ports for the sessions' own tests: the test decides what Kafka answers, and when.
import type {
  Consumer,
  DeliveryReport,
  KafkaFault,
  Message,
  Producer,
  ProducerOptions,
  ProducerRecord,
  TopicPartition,
  TopicPartitionOffset,
} from '../../src/core/ports.js';
import { KafkaError } from '../../src/core/ports.js';

export const fault = (code: number, message = 'broken', fatal = false): KafkaFault => ({
  code,
  message,
  fatal,
  retriable: false,
  abortable: false,
});

/** A producer whose queue, flushes and reports the test controls. */
export class ScriptedProducer implements Producer {
  readonly records: { record: ProducerRecord; tag: unknown }[] = [];
  /** produce() throws it while it is set. */
  refusal: KafkaError | undefined;
  flushes = true;
  closed = false;
  readonly options: Pick<ProducerOptions, 'onReport' | 'onFault'>;

  constructor(options: Pick<ProducerOptions, 'onReport' | 'onFault'>) {
    this.options = options;
  }

  produce(record: ProducerRecord, tag?: unknown): void {
    if (this.refusal) throw this.refusal;
    this.records.push({ record, tag });
  }

  /** Reports the record with this index. */
  report(index: number, error?: KafkaFault): void {
    const { record, tag } = this.records[index]!;
    const report: DeliveryReport = {
      topic: record.topic,
      partition: 0,
      offset: error ? -1 : index,
      timestamp: -1,
      ...(error ? { error } : {}),
    };
    this.options.onReport(report, tag);
  }

  async flush(): Promise<boolean> {
    return this.flushes;
  }

  /** The test sets it; by default it is unknown. */
  pending = Number.POSITIVE_INFINITY;

  /** Records that purge() reports as given up, by index; undefined: it cannot purge. */
  purged: readonly number[] | undefined;
  /** Records that purge() gives up without reporting them in time. */
  unreported = 0;

  async purge(): Promise<boolean> {
    for (const index of this.purged ?? []) this.report(index, fault(-152, 'Local: Purged in queue'));
    if (this.purged !== undefined) this.pending = this.unreported;
    return this.purged !== undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  initTransactions = unused;
  beginTransaction = unused;
  commitTransaction = unused;
  abortTransaction = unused;
  sendOffsets = unused;
}

/** A consumer that returns what the test put in, and records its calls. */
export class ScriptedConsumer implements Consumer {
  assigned: TopicPartition[] = [];
  readonly batches: Message[][] = [];
  readonly stored: TopicPartitionOffset[] = [];
  readonly commits: TopicPartitionOffset[] = [];
  readonly seeks: TopicPartitionOffset[] = [];
  startPolicy: Consumer['startPolicy'] = 'earliest';
  refreshes = 0;
  /** The group's commit for every partition that is not in `positions`. */
  committedOffset = 0;
  /** `topic:partition` -> the group's commit. */
  readonly committedAt = new Map<string, number>();
  /** commit() throws it while it is set. */
  commitRefusal: KafkaError | undefined;
  high = 0;
  polls = 0;
  /** How often the assignment was read. */
  looks = 0;
  failure: KafkaError | undefined;
  closed = false;
  #waiting: ((batch: Message[]) => void) | undefined;

  subscribe(): void {}

  async refreshTopics(): Promise<void> {
    this.refreshes += 1;
  }

  /** Gives a batch to the waiting poll, or to the next one. */
  give(...batch: Message[]): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(batch);
    else this.batches.push(batch);
  }

  async poll(max: number, timeoutMs: number): Promise<Message[]> {
    this.polls += 1;
    if (this.failure) throw this.failure;
    const batch = this.batches.shift();
    if (batch) return batch.splice(0, max);
    if (timeoutMs === 0) return [];
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  assignments(): TopicPartition[] {
    this.looks += 1;
    return this.assigned;
  }

  /** poll() has returned nothing of them since they were assigned again. */
  readonly restarted = new Set<number>();

  positions(partitions: readonly TopicPartition[]): TopicPartitionOffset[] {
    return partitions.map(({ topic, partition }) => {
      return { topic, partition, offset: this.restarted.has(partition) ? -1001 : Number.MAX_SAFE_INTEGER };
    });
  }

  storeOffset(position: TopicPartitionOffset): void {
    this.stored.push(position);
  }

  async committed(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    return partitions.map(({ topic, partition }) => {
      const offset = this.committedAt.get(`${topic}:${partition}`) ?? this.committedOffset;
      return { topic, partition, offset };
    });
  }

  async edges(partitions: readonly TopicPartition[], which: 'low' | 'high'): Promise<TopicPartitionOffset[]> {
    return partitions.map((partition) => ({ ...partition, offset: which === 'low' ? 0 : this.high }));
  }

  async commit(positions: readonly TopicPartitionOffset[]): Promise<void> {
    if (this.commitRefusal) throw this.commitRefusal;
    this.commits.push(...positions);
    for (const { topic, partition, offset } of positions) this.committedAt.set(`${topic}:${partition}`, offset);
  }

  async seek(position: TopicPartitionOffset): Promise<void> {
    this.seeks.push(position);
  }

  async watermarks(): Promise<{ low: number; high: number }> {
    return { low: 0, high: this.high };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.give();
  }

  assign(): void {}
  paused: readonly TopicPartition[] = [];
  groupMetadata(): Buffer | undefined {
    return Buffer.from('member');
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.paused = partitions;
  }

  resume(): void {}
  offsetsForTimes = unused as () => Promise<never>;
}

async function unused(): Promise<void> {
  throw new Error('the test did not expect this call');
}

export const message = (offset: number, partition = 0, topic = 't', value = `v${offset}`): Message => ({
  topic,
  partition,
  offset,
  key: null,
  value: Buffer.from(value),
  headers: [],
  timestamp: -1,
});

export const kafkaError = (code: number, text = 'broken', fatal = false): KafkaError =>
  new KafkaError(fault(code, text, fatal));
