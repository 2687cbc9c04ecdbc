// TrackedPartition: an assigned partition that is read for a group: messages read and buffered, offers, what may be committed.

import { fail } from '../../errors.js';
import { messageBytes } from '../message-bytes.js';
import type { Message, MovedPosition } from '../ports.js';
import { OffsetTracker } from './offset-tracker.js';
import type { PartitionStart } from './partition-start.js';
import type { ReadPartition } from './read-partition.js';

/** Subclasses define how entries are handed out, and what an offer carries (`T`). */
export abstract class TrackedPartition<T> implements ReadPartition {
  readonly partition: number;
  /** The last known committed offset of the group. */
  committed: number;
  protected readonly tracker: OffsetTracker<T>;
  /** Read, not offered. */
  #held: Message[] = [];
  /** Index of the first held message: removing the front by a shift each time would be slow. */
  #head = 0;
  #heldBytes = 0;
  /** The lowest offset that reading may return. */
  #expected: number;
  #stopped = false;

  constructor(partition: number, start: PartitionStart, ackTimeoutMs: number) {
    this.partition = partition;
    this.tracker = new OffsetTracker(start.acked, ackTimeoutMs);
    this.committed = start.adjusted ? Number.NaN : start.acked.base;
    this.#expected = start.readFrom;
  }

  /** Nothing new may be offered before an ack. */
  abstract get blocked(): boolean;

  /** @returns false, and changes nothing, if the offset is not offered */
  abstract ack(offset: number): boolean;

  /** Offered and not acknowledged. */
  isOffered(offset: number): boolean {
    return this.tracker.isOffered(offset);
  }

  get base(): number {
    return this.tracker.base;
  }

  get pending(): number {
    return this.tracker.pending;
  }

  get bufferedMessages(): number {
    return this.#held.length - this.#head;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The position has moved since the last commit. */
  get dirty(): boolean {
    return this.tracker.base !== this.committed;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Acknowledged ranges above the base, for display and for a commit's metadata. */
  get sparse(): { readonly text: string; readonly metadata: string } {
    return { text: this.tracker.acked.toString(), metadata: this.tracker.acked.encode() };
  }

  /** Offset of the next message to offer. */
  get position(): number {
    return this.#held[this.#head]?.offset ?? this.#expected;
  }

  /** The offset behind the last one that was read. */
  get readTo(): number {
    return this.#expected;
  }

  /**
   * Accepts messages; drops those that are acknowledged, offered or held already. Offsets that reading skips hold no message
   * (transaction markers, compaction, retention): no client will acknowledge them, so they count as acknowledged.
   */
  push(message: Message): void {
    if (this.#stopped || message.offset < this.#expected) return;
    if (message.offset > this.#expected) this.tracker.pass(this.#expected, message.offset);
    this.#expected = message.offset + 1;
    if (this.tracker.acked.has(message.offset) || this.tracker.isOffered(message.offset)) return;
    this.#held.push(message);
    this.#heldBytes += messageBytes(message);
  }

  /**
   * Where the position comes to with these acks, which change nothing yet.
   * @throws GatewayError `entry-not-pending`, `acks-too-sparse`
   */
  positionWith(topic: string, offsets: readonly number[]): MovedPosition {
    const acked = this.tracker.acked.copy();
    for (const offset of offsets)
      if (this.#stopped || !this.tracker.isOffered(offset) || !acked.add(offset))
        throw fail('entry-not-pending', offset, topic, this.partition);
    if (!acked.fits) throw fail('acks-too-sparse', topic, this.partition);
    return { topic, partition: this.partition, offset: acked.base, metadata: acked.encode() };
  }

  longestWait(now: number): number {
    return this.tracker.longestWait(now);
  }

  /** Offers nothing more; acks still count. */
  stop(): void {
    this.#stopped = true;
    this.#held = [];
    this.#head = 0;
    this.#heldBytes = 0;
  }

  /** The partition was assigned again and no other member moved its position: offers and acks stay. @returns where to continue reading. */
  resume(): number {
    this.#stopped = false;
    this.#expected = this.tracker.nextToRead();
    return this.#expected;
  }

  /** Removes the first held message. */
  protected shift(): Message | undefined {
    const message = this.#held[this.#head];
    if (!message) return undefined;
    this.#head++;
    this.#heldBytes -= messageBytes(message);
    if (this.#head === this.#held.length) {
      this.#held = [];
      this.#head = 0;
    }
    return message;
  }

  /** Removes the first held message that matches. */
  protected shiftWhere(fits: (message: Message) => boolean): Message | undefined {
    const at = this.#held.findIndex((message, index) => index >= this.#head && fits(message));
    const message = this.#held[at];
    if (!message) return undefined;
    if (at === this.#head) return this.shift();
    this.#heldBytes -= messageBytes(message);
    this.#held.splice(at, 1);
    return message;
  }

  /** Puts back the message that was the first. */
  protected unshift(message: Message): void {
    if (this.#head > 0) this.#held[--this.#head] = message;
    else this.#held.unshift(message);
    this.#heldBytes += messageBytes(message);
  }
}
