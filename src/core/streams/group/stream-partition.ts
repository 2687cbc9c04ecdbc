// One assigned partition of a stream's group: which entries are pending, and with which member.

import type { Offer } from '../../group/offset-tracker.js';
import type { PartitionStart } from '../../group/partition-start.js';
import { TrackedPartition } from '../../group/tracked-partition.js';
import { messageBytes } from '../../message-bytes.js';
import type { Message } from '../../ports.js';
import { type Handed, PayloadBudget, type Pending } from './pending.js';
import { PendingIndex } from './pending-index.js';

/** Chooses messages for a member; absent: any. */
export type Wants = (key: Buffer | null) => boolean;

export class StreamPartition extends TrackedPartition<Pending> {
  readonly #maxPending: number;
  readonly #budget: PayloadBudget;
  /** Entries that members hold; released ones are not among them. */
  readonly held = new PendingIndex();

  constructor(partition: number, start: PartitionStart, maxPending: number, keepBytes: number) {
    // A member does not lose an entry by time here, only by release().
    super(partition, start, Number.POSITIVE_INFINITY);
    this.#maxPending = maxPending;
    this.#budget = new PayloadBudget(keepBytes);
  }

  get blocked(): boolean {
    return this.tracker.pending >= this.#maxPending;
  }

  /** Pending entries that are unowned: they are handed out next. */
  get released(): number {
    return this.tracker.released;
  }

  /** The same entries, ascending. */
  get releasedEntries(): Pending[] {
    return this.tracker.offers.flatMap(({ released, message }) => (released ? message : []));
  }

  /** Hands the next entry to a member, a released one first. With `noack` it is acknowledged at once. */
  take(member: string, now: number, noack: boolean, wants?: Wants): Handed | undefined {
    if (this.stopped) return undefined;
    const back = this.tracker.nextRetry(now);
    if (back) return this.#again(back, member, now, noack);
    if (!noack && this.blocked) return undefined;
    const message = wants ? this.shiftWhere(({ key }) => wants(key)) : this.shift();
    if (!message) return undefined;
    const entry = newEntry(this.partition, message, member, now);
    if (noack) this.tracker.acked.add(message.offset);
    else this.#offer(entry, message, now);
    return { entry, message };
  }

  find(offset: number): Pending | undefined {
    const offer = this.tracker.find(offset);
    return offer && !offer.released ? offer.message : undefined;
  }

  /** @returns false, and changes nothing, if the entry is not pending. */
  ack(offset: number): boolean {
    const offer = this.tracker.find(offset);
    if (!offer) return false;
    this.#budget.free(offer.message);
    this.held.remove(offer.message);
    return this.tracker.ack(offset);
  }

  /** Requeues the entry. @param undelivered it never reached its member, so the delivery count is not raised. */
  release(entry: Pending, now: number, undelivered: boolean): void {
    if (!this.tracker.release(entry.offset, now)) return;
    if (undelivered) entry.deliveries--;
    this.held.remove(entry);
    entry.member = '';
  }

  /** Makes an entry pending that was read and not handed out yet (XCLAIM FORCE). */
  force(offset: number, member: string, now: number): Pending | undefined {
    if (this.stopped) return undefined;
    const message = this.shiftWhere((held) => held.offset === offset);
    if (!message) return undefined;
    const entry = newEntry(this.partition, message, member, now);
    this.#offer(entry, message, now);
    return entry;
  }

  /** Gives a pending entry to another member. */
  assign(entry: Pending, member: string): void {
    if (this.find(entry.offset) === entry) this.held.move(entry, member);
  }

  /** A rebalance does not wait for replies: unacknowledged entries are redelivered elsewhere. */
  override longestWait(): number {
    return 0;
  }

  #offer(entry: Pending, message: Message, now: number): void {
    this.tracker.offer(entry.offset, entry, now);
    this.#budget.keep(entry, message);
    this.held.add(entry);
  }

  #again({ message: entry, offset }: Offer<Pending>, member: string, now: number, noack: boolean): Handed {
    const { message } = entry;
    entry.member = member;
    entry.deliveredAt = now;
    entry.deliveries++;
    if (noack) this.ack(offset);
    else this.held.add(entry);
    return { entry, message };
  }
}

function newEntry(partition: number, message: Message, member: string, now: number): Pending {
  const { offset, timestamp } = message;
  const bytes = messageBytes(message);
  return { partition, offset, timestamp, bytes, member, deliveredAt: now, deliveries: 1, message: undefined };
}
