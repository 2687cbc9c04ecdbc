// ReadBuffer: what a group reader has read ahead of its clients: its size limits, and which partitions are paused meanwhile.
import { within } from '../clock.js';
import type { Clock, Consumer, Message, TopicPartition } from '../ports.js';

/** Messages of one fetch. */
const batchMessages = 256;
/** What may be read ahead of the clients, over all partitions. */
const maxMessages = 1_024;
const maxBytes = 4 * 1024 * 1024;
/** What a partition may buffer while it waits for its clients' acks. */
const maxBlockedMessages = 64;
/** How long a full buffer is left alone before its partitions are paused, so that polling (and rebalances) continue, ms. */
const pauseAfterMs = 250;

export interface BufferedPartition {
  readonly partition: number;
  readonly bufferedMessages: number;
  readonly heldBytes: number;
  /** Nothing new may be offered before an ack. */
  readonly blocked: boolean;
  push(message: Message): void;
}

export class ReadBuffer {
  readonly #topic: string;
  readonly #clock: Clock;
  readonly #partitions: () => readonly BufferedPartition[];
  readonly #paused = new Set<number>();
  #meanBytes = 1_024;
  #wake: () => void = () => {};

  /** @param partitions those that serve requests now */
  constructor(topic: string, clock: Clock, partitions: () => readonly BufferedPartition[]) {
    this.#topic = topic;
    this.#clock = clock;
    this.#partitions = partitions;
  }

  get isFull(): boolean {
    const { messages, bytes } = this.#held();
    return messages >= maxMessages || bytes >= maxBytes;
  }

  /** Maximum messages of the next fetch. */
  get batch(): number {
    const room = Math.floor((maxBytes - this.#held().bytes) / this.#meanBytes);
    return Math.max(1, Math.min(batchMessages, room));
  }

  /** Gives messages to their partitions; drops those of partitions that are no longer assigned. */
  keep(batch: readonly Message[], find: (partition: number) => BufferedPartition | undefined): void {
    const before = this.#held().bytes;
    for (const message of batch) find(message.partition)?.push(message);
    this.#meanBytes = Math.max(256, (this.#held().bytes - before) / batch.length);
  }

  /** Checks again for space or other work. */
  wake(): void {
    this.#wake();
  }

  /** Waits until there is space or other work; times out when partitions should be paused. */
  async room(isNeeded: () => boolean): Promise<void> {
    const until = this.#clock.monotonic() + pauseAfterMs;
    while (this.isFull && isNeeded() && this.#clock.monotonic() < until) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(this.#clock, Math.max(1, until - this.#clock.monotonic()), woken);
    }
  }

  /** The broker keeps the messages of a paused partition, while polling still serves rebalances. */
  pauseAndResume(consumer: Consumer): void {
    const { isFull } = this;
    const pause: TopicPartition[] = [];
    const resume: TopicPartition[] = [];
    for (const { partition, blocked, bufferedMessages } of this.#partitions()) {
      const isWanted = isFull || (blocked && bufferedMessages >= maxBlockedMessages);
      if (isWanted === this.#paused.has(partition)) continue;
      (isWanted ? pause : resume).push({ topic: this.#topic, partition });
      if (isWanted) this.#paused.add(partition);
      else this.#paused.delete(partition);
    }
    if (pause.length > 0) consumer.pause(pause);
    if (resume.length > 0) consumer.resume(resume);
  }

  /** The partition was revoked: when assigned again it is not paused. */
  forget(partition: number): void {
    this.#paused.delete(partition);
  }

  #held(): { messages: number; bytes: number } {
    let messages = 0;
    let bytes = 0;
    for (const partition of this.#partitions()) {
      messages += partition.bufferedMessages;
      bytes += partition.heldBytes;
    }
    return { messages, bytes };
  }
}
