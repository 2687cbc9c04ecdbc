// The fake Kafka's consumer.
import {
  type CommittedOffset,
  type Consumer,
  type ConsumerOptions,
  KafkaCode,
  type KafkaFault,
  type Message,
  type MovedPosition,
  OFFSET_BEGINNING,
  OFFSET_END,
  OFFSET_NONE,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../../src/core/ports.js';
import type { FakeKafka } from '../fake-kafka.js';
import { fault, refusal } from './fault.js';
import type { FakeGroup, Member } from './group.js';
import { keyOf } from './log.js';

interface Position extends TopicPartition {
  next: number;
  /** The offset after the last message that poll() returned. */
  given: number;
  paused: boolean;
  /** The position at which onEnd was last called. */
  toldEnd: number;
}

export class FakeConsumer implements Consumer, Member {
  readonly startPolicy: Consumer['startPolicy'];
  readonly memberId: string;
  readonly clientId: string;
  readonly #kafka: FakeKafka;
  readonly #options: ConsumerOptions;
  readonly #properties: ReadonlyMap<string, string>;
  readonly #group: FakeGroup | undefined;
  #topics: readonly string[] = [];
  #positions = new Map<string, Position>();
  #stored = new Map<string, CommittedOffset>();
  #cancelAutoCommit: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #failure: KafkaFault | undefined;
  #closed = false;

  constructor(kafka: FakeKafka, options: ConsumerOptions, properties: ReadonlyMap<string, string>, id: string) {
    this.#kafka = kafka;
    this.#options = options;
    this.#properties = properties;
    const reset = properties.get('auto.offset.reset') ?? '';
    if (/^(smallest|earliest|beginning)$/.test(reset)) this.startPolicy = 'earliest';
    else this.startPolicy = reset === 'error' ? 'error' : 'latest';
    this.clientId = options.clientId ?? id;
    this.memberId = `${this.clientId}-${id}`;
    this.#group = options.groupId === undefined ? undefined : kafka.group(options.groupId);
  }

  get topics(): readonly string[] {
    return this.#topics;
  }

  get assigned(): readonly TopicPartition[] {
    return this.assignments();
  }

  subscribe(topics: readonly string[]): void {
    this.#open();
    if (!this.#group) throw refusal(KafkaCode.unknownGroup, 'Local: Unknown group');
    this.#topics = [...topics];
    void this.#group.join(this);
    for (const topic of topics) {
      if (!this.#kafka.topic(topic)) {
        this.tell(fault(KafkaCode.unknownTopicOrPartition, `Subscribed topic not available: ${topic}`));
      }
    }
  }

  assign(positions: readonly (TopicPartition & { offset?: number })[]): Promise<void> {
    this.#open();
    if (this.#options.rebalance && this.#topics.length > 0) return this.#assignAsAsked(positions);
    this.#place(positions);
    return Promise.resolve();
  }

  assignments(): TopicPartition[] {
    return [...this.#positions.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  positions(partitions: readonly TopicPartition[]): TopicPartitionOffset[] {
    this.#open();
    return partitions.map(({ topic, partition }) => {
      return { topic, partition, offset: this.#positions.get(keyOf({ topic, partition }))?.given ?? OFFSET_NONE };
    });
  }

  async poll(max: number, timeoutMs: number): Promise<Message[]> {
    const deadline = this.#kafka.clock.monotonic() + timeoutMs;
    for (;;) {
      // librdkafka never answers in the same turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#failure) throw refusal(this.#failure.code, this.#failure.message, { fatal: true });
      if (this.#closed) return [];
      const messages = this.#kafka.faults.stalled ? [] : this.#take(max);
      this.#tellEnds();
      if (messages.length > 0) return messages;
      const left = deadline - this.#kafka.clock.monotonic();
      if (left <= 0) return [];
      await this.#untilWoken(left);
    }
  }

  storeOffset(position: TopicPartitionOffset): void {
    this.#open();
    if (!this.#positions.has(keyOf(position)) || !this.#group) throw refusal(KafkaCode.state, 'Local: Erroneous state');
    if (position.offset === OFFSET_NONE) {
      this.#stored.delete(keyOf(position));
      return;
    }
    this.#stored.set(keyOf(position), { ...position, metadata: '' });
    if (this.#properties.get('enable.auto.commit') === 'false') return;
    const intervalMs = Number(this.#properties.get('auto.commit.interval.ms') ?? 1000);
    this.#cancelAutoCommit ??= this.#kafka.clock.after(intervalMs, () => this.#commitStored());
  }

  groupMetadata(): Buffer | undefined {
    const { groupId } = this.#options;
    if (!this.#group || this.#closed) return undefined;
    return Buffer.from(JSON.stringify({ groupId, memberId: this.memberId, generation: this.#group.generation }));
  }

  async commit(positions: readonly MovedPosition[]): Promise<void> {
    this.#open();
    if (!this.#group) throw refusal(KafkaCode.unknownGroup, 'A consumer without a group cannot commit');
    if (this.#kafka.faults.commit) throw refusal(KafkaCode.timedOut, 'Local: Timed out', { retriable: true });
    const { members } = this.#group;
    if (members.length > 0 && !members.includes(this)) throw refusal(KafkaCode.state, 'The group has members');
    this.#group.commit(positions.map((position) => ({ metadata: '', ...position })));
  }

  async committed(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    this.#open();
    return partitions.map(({ topic, partition }) => {
      const offset = this.#group?.committed.get(keyOf({ topic, partition }))?.offset ?? OFFSET_NONE;
      return { topic, partition, offset };
    });
  }

  async watermarks({ topic, partition }: TopicPartition): Promise<{ low: number; high: number }> {
    this.#open();
    const { low } = this.#kafka.watermarks(topic, partition);
    return { low, high: this.#kafka.partition(topic, partition)!.end(this.#committedOnly) };
  }

  async edges(partitions: readonly TopicPartition[], which: 'low' | 'high'): Promise<TopicPartitionOffset[]> {
    this.#open();
    return partitions.flatMap(({ topic, partition }) => {
      const log = this.#kafka.partition(topic, partition);
      if (!log) return [];
      const committedOnly = this.#committedOnly;
      return [{ topic, partition, offset: which === 'low' ? log.low : log.end(committedOnly) }];
    });
  }

  async offsetsForTimes(times: readonly TopicPartitionOffset[]): Promise<TopicPartitionOffset[]> {
    this.#open();
    return times.map(({ topic, partition, offset }) => {
      const found = this.#kafka.partition(topic, partition)?.offsetAt(offset) ?? -1;
      return { topic, partition, offset: found < 0 ? OFFSET_END : found };
    });
  }

  async refreshTopics(): Promise<void> {}

  async seek({ topic, partition, offset }: TopicPartitionOffset): Promise<void> {
    const position = this.#positions.get(keyOf({ topic, partition }));
    if (!position) throw refusal(KafkaCode.state, 'Local: Erroneous state');
    position.next = this.#resolve(topic, partition, offset);
    position.given = OFFSET_NONE;
    this.wake();
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, false);
  }

  async close(_timeoutMs: number): Promise<void> {
    if (this.#closed) return;
    await this.revoke();
    this.#closed = true;
    this.wake();
    this.#kafka.consumers.delete(this);
    await this.#group?.leave(this);
  }

  /** A rebalance revokes everything; stored offsets are committed first. */
  async revoke(): Promise<void> {
    if (this.#topics.length > 0 && this.#positions.size > 0) {
      await this.#options.rebalance?.revoked(this.assignments(), false).catch((error) => this.#rebalanceFailed(error));
    }
    this.#commitStored();
    if (this.#topics.length > 0 || this.#closed) this.#positions.clear();
  }

  wake(): void {
    this.#wake?.();
  }

  tell(logged: KafkaFault): void {
    if (logged.fatal) this.#failure = logged;
    this.#options.onFault?.(logged);
    this.wake();
  }

  async #assignAsAsked(partitions: readonly TopicPartition[]): Promise<void> {
    const wanted = await this.#options
      .rebalance!.assigned(partitions)
      .catch((error): readonly TopicPartitionOffset[] => this.#rebalanceFailed(error));
    const starts = new Map(wanted.map((position) => [keyOf(position), position.offset]));
    this.#place(partitions.map((partition) => ({ ...partition, offset: starts.get(keyOf(partition)) ?? OFFSET_NONE })));
  }

  #rebalanceFailed(error: unknown): [] {
    this.tell(fault(KafkaCode.fail, error instanceof Error ? error.message : String(error)));
    return [];
  }

  #place(positions: readonly (TopicPartition & { offset?: number })[]): void {
    this.#positions = new Map(
      positions.map(({ topic, partition, offset = OFFSET_NONE }) => [
        keyOf({ topic, partition }),
        {
          topic,
          partition,
          next: this.#resolve(topic, partition, offset),
          given: OFFSET_NONE,
          paused: false,
          toldEnd: -1,
        },
      ]),
    );
    this.wake();
  }

  #take(max: number): Message[] {
    const messages: Message[] = [];
    const committedOnly = this.#committedOnly;
    for (const position of this.#positions.values()) {
      if (position.paused) continue;
      const log = this.#kafka.partition(position.topic, position.partition);
      while (log && messages.length < max) {
        const message = log.read(position.next, committedOnly);
        if (!message) {
          position.next = Math.max(position.next, log.end(committedOnly));
          break;
        }
        position.next = message.offset + 1;
        position.given = position.next;
        messages.push(message);
      }
    }
    return messages;
  }

  #tellEnds(): void {
    if (!this.#options.onEnd) return;
    const committedOnly = this.#committedOnly;
    for (const position of this.#positions.values()) {
      const end = this.#kafka.partition(position.topic, position.partition)?.end(committedOnly);
      if (position.paused || position.next !== end || position.toldEnd === end) continue;
      position.toldEnd = end;
      this.#options.onEnd({ topic: position.topic, partition: position.partition, offset: end });
    }
  }

  get #committedOnly(): boolean {
    return this.#properties.get('isolation.level') !== 'read_uncommitted';
  }

  #resolve(topic: string, partition: number, offset: number): number {
    const { low, high } = this.#kafka.partition(topic, partition) ?? { low: 0, high: 0 };
    if (offset === OFFSET_BEGINNING) return low;
    if (offset === OFFSET_END) return high;
    if (offset >= low && offset <= high) return offset;
    const committed = this.#group?.committed.get(keyOf({ topic, partition }))?.offset;
    if (offset === OFFSET_NONE && committed !== undefined && committed >= low && committed <= high) return committed;
    return this.startPolicy === 'earliest' ? low : high;
  }

  #setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    this.#open();
    for (const partition of partitions) {
      const position = this.#positions.get(keyOf(partition));
      if (position) position.paused = paused;
    }
    this.wake();
  }

  #commitStored(): void {
    this.#cancelAutoCommit?.();
    this.#cancelAutoCommit = undefined;
    if (this.#properties.get('enable.auto.commit') !== 'false') this.#group?.commit([...this.#stored.values()]);
    this.#stored.clear();
  }

  #untilWoken(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#kafka.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #open(): void {
    if (this.#closed) throw refusal(KafkaCode.state, 'The consumer is closed');
  }
}
