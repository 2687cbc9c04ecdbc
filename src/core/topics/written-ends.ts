// WrittenEnds: how far answered EXECs of this gateway have written. Kafka shows the records of a transaction a moment after its commit.
import type { Clock, DeliveryReport } from '../ports.js';

interface End {
  /** The offset after the last record. */
  readonly offset: number;
  readonly notedAt: number;
  /** An EXEC of this process has written it. */
  readonly isOwn: boolean;
}

/** A partition and the offset after its last record: plain data, for other processes. */
export type WrittenEnd = readonly [partition: number, offset: number];

/** What the other processes of this gateway have written to a topic. */
export type EndsElsewhere = (topic: string) => Promise<readonly WrittenEnd[]>;

/** How long an end is remembered, ms, and of how many topics. */
const rememberedMs = 5_000;
const mostTopics = 10_000;

export class WrittenEnds {
  readonly #clock: Clock;
  readonly #elsewhere: EndsElsewhere | undefined;
  /** By topic and partition. */
  readonly #ends = new Map<string, Map<number, End>>();

  /** @param elsewhere absent: this is the only process */
  constructor(clock: Clock, elsewhere?: EndsElsewhere) {
    this.#clock = clock;
    this.#elsewhere = elsewhere;
  }

  /** A record was written, and the client is about to be told. */
  note({ topic, partition, offset }: Pick<DeliveryReport, 'topic' | 'partition' | 'offset'>): void {
    if (offset >= 0) this.#note(topic, partition, offset + 1, true);
  }

  /** Asks the other processes what they have written to this topic. */
  async learn(topic: string): Promise<void> {
    if (!this.#elsewhere) return;
    for (const [partition, offset] of await this.#elsewhere(topic)) this.#note(topic, partition, offset, false);
  }

  /** What EXECs of this process have written to this topic and Kafka may not show yet. */
  own(topic: string): WrittenEnd[] {
    const since = this.#clock.monotonic() - rememberedMs;
    return [...(this.#ends.get(topic) ?? [])]
      .filter(([, { isOwn, notedAt }]) => isOwn && notedAt >= since)
      .map(([partition, { offset }]) => [partition, offset]);
  }

  /**
   * Whether Kafka does not show all of these records yet. Ends that it shows, and old ones, are forgotten.
   * @param marks undefined: the topic is not known yet
   */
  areHidden(
    topic: string,
    marks: readonly { readonly partition: number; readonly high: number }[] | undefined,
  ): boolean {
    const ends = this.#ends.get(topic);
    if (!ends) return false;
    const since = this.#clock.monotonic() - rememberedMs;
    for (const [partition, { offset, notedAt }] of ends) {
      const high = marks?.find((mark) => mark.partition === partition)?.high ?? -1;
      if (high >= offset || notedAt < since) ends.delete(partition);
    }
    if (ends.size === 0) this.#ends.delete(topic);
    return ends.size > 0;
  }

  forget(topic: string): void {
    this.#ends.delete(topic);
  }

  #note(topic: string, partition: number, offset: number, isOwn: boolean): void {
    let ends = this.#ends.get(topic);
    if (!ends) {
      if (this.#ends.size >= mostTopics) this.#ends.delete(this.#ends.keys().next().value!);
      ends = new Map();
      this.#ends.set(topic, ends);
    }
    if ((ends.get(partition)?.offset ?? 0) < offset)
      ends.set(partition, { offset, notedAt: this.#clock.monotonic(), isOwn });
  }
}
