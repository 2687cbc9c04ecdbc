// One partition of a shared consumer: what was read and not offered yet, what is offered, what is next.
import { type Offer, OffsetTracker } from './offset-tracker.js';
import type { PartitionStart } from './partition-start.js';
import type { Message } from './ports.js';

export interface PartitionLimits {
  readonly ackTimeoutMs: number;
  /** -1: endless; 0: a message is offered once. */
  readonly maxRetries: number;
  /** With more offers than this nothing new is offered: one more than the number is out at most, as upstream. */
  readonly maxPendingMessages: number;
}

export class SharedPartition {
  readonly partition: number;
  readonly #limits: PartitionLimits;
  /** Told of a message that was offered often enough and is acked now. */
  readonly #onGivenUp: (message: Message, retries: number) => void;
  #tracker: OffsetTracker<Message>;
  /** The offset that the group has committed, as far as we know. */
  committed: number;
  /** Read, not offered. */
  #held: Message[] = [];
  #heldBytes = 0;
  /** The lowest offset that reading may bring. */
  #expected: number;
  /** Chosen for the next request: chosen when the one before was taken, as upstream. */
  #next: { readonly message: Message; readonly fresh: boolean } | undefined;
  #stopped = false;

  constructor(
    partition: number,
    start: PartitionStart,
    limits: PartitionLimits,
    onGivenUp: (message: Message, retries: number) => void,
  ) {
    this.partition = partition;
    this.#limits = limits;
    this.#onGivenUp = onGivenUp;
    this.#tracker = new OffsetTracker(start.acked, limits.ackTimeoutMs);
    this.committed = start.adjusted ? Number.NaN : start.acked.base;
    this.#expected = start.readFrom;
  }

  get base(): number {
    return this.#tracker.base;
  }

  get pending(): number {
    return this.#tracker.pending;
  }

  get heldMessages(): number {
    return this.#held.length;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The position has moved since it was last committed. */
  get dirty(): boolean {
    return this.#tracker.base !== this.committed;
  }

  /** Nothing new may be offered before an ack. */
  get blocked(): boolean {
    return this.#tracker.pending > this.#limits.maxPendingMessages;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Acked ranges above the base, for people and for a commit's metadata. */
  get sparse(): { readonly text: string; readonly metadata: string } {
    return { text: this.#tracker.acked.toString(), metadata: this.#tracker.acked.encode() };
  }

  /** Takes what was read; drops what is acked, offered or here already. */
  push(message: Message): void {
    if (this.#stopped || message.offset < this.#expected) return;
    this.#expected = message.offset + 1;
    if (this.#tracker.acked.has(message.offset) || this.#tracker.isOffered(message.offset)) return;
    this.#held.push(message);
    this.#heldBytes += sizeOf(message);
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
    if (fresh) this.#tracker.offer(message.offset, message, now);
    this.#next = undefined;
    this.#choose(now);
    return message;
  }

  /** @returns false, and nothing changes, when the offset isn't offered. */
  ack(offset: number): boolean {
    if (!this.#tracker.ack(offset)) return false;
    if (this.#next && !this.#next.fresh && this.#next.message.offset === offset) this.#next = undefined;
    return true;
  }

  /** A reply didn't reach its client: the message goes to the next one who asks. */
  release(offset: number, now: number): void {
    if (!this.#tracker.release(offset, now) || !this.#next?.fresh) return;
    this.#putBack(this.#next.message);
    this.#next = undefined;
  }

  /** When a message may have to be offered again; undefined without offers. */
  nextDeadline(): number | undefined {
    return this.#stopped ? undefined : this.#tracker.nextDeadline();
  }

  longestWait(now: number): number {
    return this.#tracker.longestWait(now);
  }

  /** Offers nothing more; acks still count. */
  stop(): void {
    this.#stopped = true;
    this.#next = undefined;
    this.#held = [];
    this.#heldBytes = 0;
  }

  /** The partition came back to us and nobody else moved its position: offers and acks stay. @returns where to read on. */
  resume(): number {
    this.#stopped = false;
    this.#expected = this.#tracker.nextToRead();
    return this.#expected;
  }

  #choose(now: number): void {
    if (this.#stopped) return;
    const retry = this.#retry(now);
    if (retry) this.#next = { message: retry.message, fresh: false };
    else if (!this.blocked) {
      const message = this.#shift();
      if (message) this.#next = { message, fresh: true };
    }
  }

  #retry(now: number): Offer<Message> | undefined {
    if (this.#tracker.pending === 0) return undefined;
    const { maxRetries } = this.#limits;
    for (;;) {
      const due = this.#tracker.nextRetry(now);
      if (!due || maxRetries < 0 || due.retries <= maxRetries) return due;
      this.#tracker.ack(due.offset);
      this.#onGivenUp(due.message, maxRetries);
    }
  }

  #shift(): Message | undefined {
    const message = this.#held.shift();
    if (message) this.#heldBytes -= sizeOf(message);
    return message;
  }

  #putBack(message: Message): void {
    this.#held.unshift(message);
    this.#heldBytes += sizeOf(message);
  }
}

/** What a message costs in memory, roughly, in bytes. */
export function sizeOf(message: Message): number {
  return (message.key?.length ?? 0) + (message.value?.length ?? 0) + 200;
}
