// AckLedger: decides which acks are valid and where each partition's position is. Positions never move back.
import { fail } from '../../errors.js';
import {
  type Consumer,
  KafkaError,
  type Message,
  OFFSET_NONE,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../ports.js';
import { partitionKey, partitionKeys } from '../topics/partition-key.js';

interface Progress {
  /** Offset of the first message fetched since the partition was assigned: everything before it counts as acknowledged. */
  from: number;
  /** One past the highest message fetched. */
  seen: number;
  /** The stored position. */
  stored: number;
}

/** How long a question to the broker about one ack may take, ms. */
const askMs = 5_000;

/** The ledger of one consumer. librdkafka stores invalid offsets without an error, so they are checked here. */
export class AckLedger {
  readonly #consumer: Consumer;
  readonly #progress = new Map<string, Progress>();
  /** Positions that librdkafka's auto-commit commits, or has committed. */
  readonly #stored = new Map<string, TopicPartitionOffset>();

  constructor(consumer: Consumer) {
    this.#consumer = consumer;
  }

  /**
   * Records what was fetched. @returns the messages to hand out: those not acknowledged here already. A partition that was revoked and assigned
   * again between two checks is read again from its committed position, while acks of held messages continued.
   * @param knowsTopics false: topic ids are unknown, so this may be another topic of the same name
   */
  fetched(batch: readonly Message[], knowsTopics = true): readonly Message[] {
    const keyOf = partitionKeys();
    let rewound = false;
    for (const message of batch) {
      const progress = this.#of(keyOf(message));
      rewound ||= message.offset < progress.stored;
      progress.from = Math.min(progress.from, message.offset);
      progress.seen = Math.max(progress.seen, message.offset + 1);
    }
    return rewound && knowsTopics ? this.#withoutAcked(batch) : batch;
  }

  /**
   * Partitions that were revoked and assigned again unnoticed: poll() has started again with them. Other members may have acknowledged
   * what was fetched before.
   */
  restarted(assigned: ReadonlyMap<string, TopicPartition>): string[] {
    const read = [...assigned].filter(([key]) => (this.#progress.get(key)?.seen ?? 0) > 0);
    if (read.length === 0) return [];
    const positions = this.#consumer.positions(read.map(([, partition]) => partition));
    const restarted = read.filter(([key], index) => positions[index]!.offset < this.#of(key).seen).map(([key]) => key);
    for (const key of restarted) {
      const progress = this.#of(key);
      progress.from = Number.POSITIVE_INFINITY;
      progress.seen = 0;
    }
    return restarted;
  }

  /** Something was acknowledged and may not be committed yet. */
  get isOpen(): boolean {
    for (const { stored } of this.#progress.values()) if (stored > 0) return true;
    return false;
  }

  /** The topic of these partitions was replaced: what was stored for them is not committed. */
  void(partitions: ReadonlyMap<string, TopicPartition>): void {
    for (const [key, { topic, partition }] of partitions) {
      this.#progress.delete(key);
      this.#storeAgain({ topic, partition, offset: OFFSET_NONE });
    }
  }

  /** Forgets partitions that are no longer assigned: another member may be further. */
  retain(keep: (partition: string) => boolean): void {
    for (const known of [this.#progress, this.#stored])
      for (const key of known.keys()) if (!keep(key)) known.delete(key);
  }

  /**
   * Stores offset + 1 for an assigned partition unless its position is further. Returns a promise only if the broker must be asked.
   * @throws GatewayError `ack-beyond`; KafkaError when librdkafka refuses.
   */
  ack(key: string, partition: TopicPartition, offset: number): undefined | Promise<void> {
    const progress = this.#progress.get(key);
    if (progress && offset < progress.seen) {
      this.#store(key, progress, partition, offset + 1);
      return undefined;
    }
    return this.#ackUnseen(key, partition, offset);
  }

  /**
   * Where the position of a partition would come to by an ack of this offset, for a transaction: nothing is stored.
   * @throws GatewayError (or rejects with) `ack-beyond`, `ack-done`; KafkaError.
   */
  stage(key: string, partition: TopicPartition, offset: number): TopicPartitionOffset | Promise<TopicPartitionOffset> {
    const progress = this.#of(key);
    if (offset < progress.seen) return staged(progress, partition, offset);
    return this.#checkUnseen(progress, partition, offset).then(() => staged(progress, partition, offset));
  }

  /**
   * Commits what is stored, and leaves nothing for librdkafka's auto-commit: one that comes in the middle of a transaction would undo what
   * the transaction commits. @throws KafkaError
   */
  async commitStored(): Promise<void> {
    const stored = [...this.#stored];
    if (stored.length === 0) return;
    await this.#consumer.commit(stored.map(([, position]) => position));
    for (const [key, position] of stored) {
      if (this.#stored.get(key) !== position) continue;
      this.#storeAgain({ ...position, offset: OFFSET_NONE });
    }
  }

  /** A transaction has moved and committed the position. */
  moved(key: string, { offset }: TopicPartitionOffset): void {
    const progress = this.#progress.get(key);
    // The partition has gone meanwhile: another member may have come further.
    if (progress) progress.stored = Math.max(progress.stored, offset);
  }

  async #ackUnseen(key: string, partition: TopicPartition, offset: number): Promise<void> {
    const progress = this.#of(key);
    await this.#checkUnseen(progress, partition, offset);
    this.#store(key, progress, partition, offset + 1);
  }

  async #checkUnseen(progress: Progress, partition: TopicPartition, offset: number): Promise<void> {
    if (progress.from === Number.POSITIVE_INFINITY) await this.#start(partition, progress);
    await this.#checkEnd(partition, offset);
  }

  #withoutAcked(batch: readonly Message[]): readonly Message[] {
    const keyOf = partitionKeys();
    const again = new Map<string, TopicPartition>();
    const open = batch.filter((message) => {
      const isOpen = message.offset >= this.#of(keyOf(message)).stored;
      if (!isOpen) again.set(keyOf(message), message);
      return isOpen;
    });
    // librdkafka forgot what was stored when the partition was revoked. This ack counts if that commit failed.
    for (const [key, { topic, partition }] of again)
      this.#storeAgain({ topic, partition, offset: this.#of(key).stored });
    return open;
  }

  #storeAgain(position: TopicPartitionOffset): void {
    const key = partitionKey(position.topic, position.partition);
    if (position.offset === OFFSET_NONE) this.#stored.delete(key);
    else this.#stored.set(key, position);
    try {
      this.#consumer.storeOffset(position);
    } catch (error) {
      // The partition was revoked again.
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  #store(key: string, progress: Progress, { topic, partition }: TopicPartition, next: number): void {
    if (next <= Math.max(progress.stored, progress.from)) return;
    const position = { topic, partition, offset: next };
    this.#consumer.storeOffset(position);
    this.#stored.set(key, position);
    progress.stored = next;
  }

  /** Nothing was fetched here yet: valid acks begin at the committed position (an earlier connection of that name may ack late). */
  async #start(partition: TopicPartition, progress: Progress): Promise<void> {
    const [committed] = await this.#consumer.committed([partition], askMs);
    progress.from = Math.min(progress.from, Math.max(0, committed?.offset ?? 0));
  }

  async #checkEnd(partition: TopicPartition, offset: number): Promise<void> {
    const { high } = await this.#consumer.watermarks(partition, askMs);
    if (offset >= high) throw fail('ack-beyond', offset, partition.topic, partition.partition);
  }

  #of(key: string): Progress {
    let progress = this.#progress.get(key);
    if (!progress) {
      progress = { from: Number.POSITIVE_INFINITY, seen: 0, stored: 0 };
      this.#progress.set(key, progress);
    }
    return progress;
  }
}

/** @throws GatewayError `ack-done`: the client that acknowledged it has written its result, which must not be written twice. */
function staged(progress: Progress, { topic, partition }: TopicPartition, offset: number): TopicPartitionOffset {
  if (offset < Math.max(progress.stored, progress.from)) throw fail('ack-done', offset, topic, partition);
  return { topic, partition, offset: offset + 1 };
}
