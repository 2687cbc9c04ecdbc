// One partition of a queue consumer: a message is offered to one client at a time, and again if it is not acknowledged in time.
import type { Offer } from '../group/offset-tracker.js';
import type { PartitionStart } from '../group/partition-start.js';
import { TrackedPartition } from '../group/tracked-partition.js';
import type { Message } from '../ports.js';

export interface PartitionLimits {
  readonly ackTimeoutMs: number;
  /** -1: endless; 0: a message is offered once. */
  readonly maxRetries: number;
  /** With more offers than this nothing new is offered: at most one more than the number is outstanding, as upstream. */
  readonly maxPendingMessages: number;
}

export class QueuePartition extends TrackedPartition<Message> {
  readonly #limits: PartitionLimits;
  /** Called for a message that reached its retry limit and is acknowledged now. */
  readonly #onGivenUp: (message: Message, retries: number) => void;
  /** Chosen for the next request when the previous one was taken, as upstream. */
  #next: { readonly message: Message; readonly fresh: boolean } | undefined;

  constructor(
    partition: number,
    start: PartitionStart,
    limits: PartitionLimits,
    onGivenUp: (message: Message, retries: number) => void,
  ) {
    super(partition, start, limits.ackTimeoutMs);
    this.#limits = limits;
    this.#onGivenUp = onGivenUp;
  }

  get offers(): readonly Offer<Message>[] {
    return this.tracker.offers;
  }

  get blocked(): boolean {
    return this.tracker.pending > this.#limits.maxPendingMessages;
  }

  /** Whether take() has a message. */
  ready(now: number): boolean {
    if (this.#next === undefined) this.#choose(now);
    return this.#next !== undefined;
  }

  /** Hands the next message out; it is offered from now on. */
  take(now: number): Message | undefined {
    if (!this.ready(now)) return undefined;
    const { message, fresh } = this.#next!;
    if (fresh) this.tracker.offer(message.offset, message, now);
    this.#next = undefined;
    this.#choose(now);
    return message;
  }

  /** @returns false, and changes nothing, if the offset is not offered. */
  ack(offset: number): boolean {
    if (!this.tracker.ack(offset)) return false;
    if (this.#next && !this.#next.fresh && this.#next.message.offset === offset) this.#next = undefined;
    return true;
  }

  /** A reply did not reach its client: the message goes to the next request. */
  release(offset: number, now: number): void {
    if (!this.tracker.release(offset, now) || !this.#next?.fresh) return;
    this.unshift(this.#next.message);
    this.#next = undefined;
  }

  /** When a message may have to be offered again; undefined without offers. */
  nextDeadline(): number | undefined {
    return this.stopped ? undefined : this.tracker.nextDeadline();
  }

  override stop(): void {
    super.stop();
    this.#next = undefined;
  }

  #choose(now: number): void {
    if (this.stopped) return;
    const retry = this.#retry(now);
    if (retry) this.#next = { message: retry.message, fresh: false };
    else if (!this.blocked) {
      const message = this.shift();
      if (message) this.#next = { message, fresh: true };
    }
  }

  #retry(now: number): Offer<Message> | undefined {
    if (this.tracker.pending === 0) return undefined;
    const { maxRetries } = this.#limits;
    for (;;) {
      const due = this.tracker.nextRetry(now);
      if (!due || maxRetries < 0 || due.retries <= maxRetries) return due;
      this.tracker.ack(due.offset);
      this.#onGivenUp(due.message, maxRetries);
    }
  }
}
