// One assigned partition of a stream's group: what is read and not handed out yet, what is pending and with whom.
import type { ReadPartition } from '../group-reader.js';
import { type Offer, OffsetTracker } from '../offset-tracker.js';
import type { PartitionStart } from '../partition-start.js';
import type { Message } from '../ports.js';
import { type Handed, messageBytes, PayloadBudget, type Pending } from './pending.js';

/** Chooses messages for a member; absent: any will do. */
export type Wants = (key: Buffer | null) => boolean;

export class StreamPartition implements ReadPartition {
  readonly partition: number;
  committed: number;
  readonly #maxPending: number;
  readonly #budget: PayloadBudget;
  readonly #tracker: OffsetTracker<Pending>;
  #held: Message[] = [];
  /** Where the held messages begin: the front leaves far too often for a shift each. */
  #head = 0;
  #heldBytes = 0;
  /** The lowest offset that reading may bring. */
  #expected: number;
  #stopped = false;

  constructor(partition: number, start: PartitionStart, maxPending: number, keepBytes: number) {
    this.partition = partition;
    this.#maxPending = maxPending;
    this.#budget = new PayloadBudget(keepBytes);
    // Time alone makes nobody lose an entry here: only release() does.
    this.#tracker = new OffsetTracker(start.acked, Number.POSITIVE_INFINITY);
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
    return this.#held.length - this.#head;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get dirty(): boolean {
    return this.#tracker.base !== this.committed;
  }

  get blocked(): boolean {
    return this.#tracker.pending >= this.#maxPending;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  get sparse(): { readonly metadata: string } {
    return { metadata: this.#tracker.acked.encode() };
  }

  /** Everything pending, ascending by offset; released ones are nobody's. */
  get offers(): readonly Offer<Pending>[] {
    return this.#tracker.offers;
  }

  /** Offset of the entry that would be handed out next. */
  get position(): number {
    return this.#held[this.#head]?.offset ?? this.#expected;
  }

  push(message: Message): void {
    if (this.#stopped || message.offset < this.#expected) return;
    this.#expected = message.offset + 1;
    if (this.#tracker.acked.has(message.offset) || this.#tracker.isOffered(message.offset)) return;
    this.#held.push(message);
    this.#heldBytes += messageBytes(message);
  }

  /** Hands the next entry to a member: one that came back first. With `noack` it is acknowledged at once. */
  take(member: string, now: number, noack: boolean, wants?: Wants): Handed | undefined {
    if (this.#stopped) return undefined;
    const back = this.#tracker.nextRetry(now);
    if (back) return this.#again(back, member, now, noack);
    if (!noack && this.blocked) return undefined;
    const message = wants ? this.#shiftWanted(wants) : this.#shift();
    if (!message) return undefined;
    const { offset, timestamp } = message;
    const entry: Pending = {
      partition: this.partition,
      offset,
      timestamp,
      member,
      deliveredAt: now,
      deliveries: 1,
      message: undefined,
    };
    if (noack) this.#tracker.acked.add(offset);
    else {
      this.#tracker.offer(offset, entry, now);
      this.#budget.keep(entry, message);
    }
    return { entry, message };
  }

  find(offset: number): Pending | undefined {
    const offer = this.#tracker.find(offset);
    return offer && !offer.released ? offer.message : undefined;
  }

  /** @returns false, and nothing changes, when the entry isn't pending. */
  ack(offset: number): boolean {
    const offer = this.#tracker.find(offset);
    if (!offer) return false;
    this.#budget.free(offer.message);
    return this.#tracker.ack(offset);
  }

  /** The entry goes to whoever asks next. @param undelivered it never reached its member: that counts as no delivery. */
  release(entry: Pending, now: number, undelivered: boolean): void {
    if (!this.#tracker.release(entry.offset, now)) return;
    if (undelivered) entry.deliveries--;
    entry.member = '';
  }

  /** Makes an entry pending that is read and not handed out yet (XCLAIM FORCE). */
  force(offset: number, member: string, now: number): Pending | undefined {
    const at = this.#held.findIndex((message, index) => index >= this.#head && message.offset === offset);
    if (this.#stopped || at < 0) return undefined;
    const message = this.#held[at]!;
    this.#remove(at);
    const entry: Pending = {
      partition: this.partition,
      offset,
      timestamp: message.timestamp,
      member,
      deliveredAt: now,
      deliveries: 1,
      message: undefined,
    };
    this.#tracker.offer(offset, entry, now);
    this.#budget.keep(entry, message);
    return entry;
  }

  longestWait(): number {
    return 0;
  }

  stop(): void {
    this.#stopped = true;
    this.#held = [];
    this.#head = 0;
    this.#heldBytes = 0;
  }

  resume(): number {
    this.#stopped = false;
    this.#expected = this.#tracker.nextToRead();
    return this.#expected;
  }

  #again({ message: entry, offset }: Offer<Pending>, member: string, now: number, noack: boolean): Handed {
    const { message } = entry;
    entry.member = member;
    entry.deliveredAt = now;
    entry.deliveries++;
    if (noack) this.ack(offset);
    return { entry, message };
  }

  #shift(): Message | undefined {
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

  #shiftWanted(wants: Wants): Message | undefined {
    for (let at = this.#head; at < this.#held.length; at++) {
      const message = this.#held[at]!;
      if (!wants(message.key)) continue;
      this.#remove(at);
      return message;
    }
    return undefined;
  }

  #remove(at: number): void {
    this.#heldBytes -= messageBytes(this.#held[at]!);
    this.#held.splice(at, 1);
  }
}
