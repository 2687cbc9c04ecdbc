// The fake Kafka's topics: partitions with their messages, transactions and watermarks.
import type { Message, ProducerRecord, TopicPartition } from '../../../src/core/ports.js';

/** A transaction of records; open until its producer decides. */
export interface Transaction {
  state: 'open' | 'committed' | 'aborted';
}

interface Entry {
  readonly message: Message;
  readonly transaction: Transaction | undefined;
}

/** One partition; offsets are dense except for deleted records at the start. */
export class FakePartition {
  low = 0;
  readonly #entries: Entry[] = [];

  /** The next offset to be written. */
  get high(): number {
    return this.#entries.length;
  }

  /** @returns the record's offset. */
  append(record: ProducerRecord, partition: number, now: number, transaction?: Transaction): number {
    const offset = this.#entries.length;
    const message: Message = {
      topic: record.topic,
      partition,
      offset,
      key: copy(record.key),
      value: copy(record.value),
      headers: (record.headers ?? []).map(({ key, value }) => ({ key, value: copy(value) })),
      timestamp: record.timestamp ?? now,
    };
    this.#entries.push({ message, transaction });
    return offset;
  }

  /** Where a reader must stop: before the first open transaction for read_committed, at the end otherwise. */
  end(committedOnly: boolean): number {
    if (!committedOnly) return this.high;
    const open = this.#entries.findIndex(({ transaction }) => transaction?.state === 'open');
    return open < 0 ? this.high : open;
  }

  /** The first readable message at or after `offset` and before end(). */
  read(offset: number, committedOnly: boolean): Message | undefined {
    const end = this.end(committedOnly);
    for (let at = Math.max(offset, this.low); at < end; at++) {
      const entry = this.#entries[at];
      if (entry && !(committedOnly && entry.transaction?.state === 'aborted')) return entry.message;
    }
    return undefined;
  }

  /** First offset at or after a time (ms), or -1. */
  offsetAt(timestamp: number): number {
    return this.#entries.findIndex(({ message }) => message.offset >= this.low && message.timestamp >= timestamp);
  }
}

export interface FakeTopic {
  readonly id: string;
  readonly partitions: FakePartition[];
  readonly config: ReadonlyMap<string, string>;
}

/** The key of partitions and positions in maps. */
export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}\u0000${partition}`;

const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
