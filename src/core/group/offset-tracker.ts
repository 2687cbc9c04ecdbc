// One partition as a group sees it: acknowledged offsets, offers to clients, offers to repeat.
import type { AckedRanges } from './acked-ranges.js';

/** A message handed to a client and not acknowledged yet. */
export interface Offer<M> {
  readonly offset: number;
  readonly message: M;
  /** How often it was offered again because no ack arrived in time. */
  retries: number;
  /** Deadline on the caller's clock, ms: after it the message may be offered again. */
  deadline: number;
  /** Returned undelivered: it is due at once, and that does not count as a retry. */
  released: boolean;
}

/** Pure: time is passed in. Generic in what an entry carries, so that streams use it too. */
export class OffsetTracker<M> {
  readonly acked: AckedRanges;
  readonly #ackTimeoutMs: number;
  /** By offset, ascending. */
  readonly #offers: Offer<M>[] = [];
  #released = 0;
  /** No offer below this offset is released. */
  #releasedFrom = 0;

  constructor(acked: AckedRanges, ackTimeoutMs: number) {
    this.acked = acked;
    this.#ackTimeoutMs = ackTimeoutMs;
  }

  /** The offset to commit: the lowest that is not acknowledged. */
  get base(): number {
    return this.acked.base;
  }

  /** How many messages are offered and not acknowledged. */
  get pending(): number {
    return this.#offers.length;
  }

  /** Of these, how many were returned undelivered. */
  get released(): number {
    return this.#released;
  }

  /** Records that a message is handed out. A message that is offered already keeps its entry. */
  offer(offset: number, message: M, now: number): Offer<M> {
    const index = this.#indexOf(offset);
    const known = this.#offers[index];
    if (known?.offset === offset) return known;
    const made = { offset, message, retries: 0, deadline: now + this.#ackTimeoutMs, released: false };
    this.#offers.splice(index, 0, made);
    return made;
  }

  /** Offered and not acknowledged, ascending. */
  get offers(): readonly Offer<M>[] {
    return this.#offers;
  }

  find(offset: number): Offer<M> | undefined {
    const offer = this.#offers[this.#indexOf(offset)];
    return offer?.offset === offset ? offer : undefined;
  }

  isOffered(offset: number): boolean {
    return this.#offers[this.#indexOf(offset)]?.offset === offset;
  }

  /** @returns false, and changes nothing, if the offset is not offered: acknowledged before, or never handed out. */
  ack(offset: number): boolean {
    const index = this.#indexOf(offset);
    const found = this.#offers[index];
    if (found?.offset !== offset) return false;
    this.#remove(index, found);
    this.acked.add(offset);
    return true;
  }

  /** The reply never reached the client: the message is due at once. @returns false if it is not offered. */
  release(offset: number, now: number): boolean {
    const found = this.#offers[this.#indexOf(offset)];
    if (found?.offset !== offset) return false;
    if (!found.released) this.#released++;
    this.#releasedFrom = this.#released === 1 ? offset : Math.min(this.#releasedFrom, offset);
    found.released = true;
    found.deadline = now;
    return true;
  }

  /**
   * The next message to offer again: a released one, else the lowest whose deadline has passed. Its deadline is
   * renewed and, unless it was released, its retry counted. The search ends at the first message within its first
   * deadline: those behind it were offered later.
   */
  nextRetry(now: number): Offer<M> | undefined {
    const due = this.#released > 0 ? this.#firstReleased() : this.#firstExpired(now);
    if (!due) return undefined;
    if (due.released) this.#released--;
    else due.retries++;
    due.released = false;
    due.deadline = now + this.#ackTimeoutMs;
    return due;
  }

  /** When {@link nextRetry} will return something, as far as known now; undefined without offers. */
  nextDeadline(): number | undefined {
    let earliest: number | undefined;
    for (const { deadline } of this.#offers) if (earliest === undefined || deadline < earliest) earliest = deadline;
    return earliest;
  }

  /** Time until every offer's deadline has passed; 0 without live offers. */
  longestWait(now: number): number {
    return this.#offers.reduce((longest, { deadline }) => Math.max(longest, deadline - now), 0);
  }

  /** The offsets of [from, to), none of which is offered, hold no message: they count as acknowledged. */
  pass(from: number, to: number): void {
    this.acked.addAll(from, to);
  }

  /** Marks everything below `base` as acknowledged, and drops its offers. */
  raise(base: number): void {
    this.acked.raise(base);
    while (this.#offers[0] && this.#offers[0].offset < this.base) this.#remove(0, this.#offers[0]);
  }

  /** The offset from which to continue reading, so that nothing is missed and no offer is read again. */
  nextToRead(): number {
    const last = this.#offers.at(-1);
    return this.acked.nextOpen(last ? last.offset + 1 : this.base);
  }

  #firstReleased(): Offer<M> | undefined {
    for (let index = this.#indexOf(this.#releasedFrom); index < this.#offers.length; index++) {
      const offer = this.#offers[index]!;
      if (!offer.released) continue;
      this.#releasedFrom = offer.offset;
      return offer;
    }
    return undefined;
  }

  #firstExpired(now: number): Offer<M> | undefined {
    for (const offer of this.#offers) {
      if (offer.deadline <= now) return offer;
      if (offer.retries === 0) return undefined;
    }
    return undefined;
  }

  #remove(index: number, offer: Offer<M>): void {
    if (offer.released) this.#released--;
    this.#offers.splice(index, 1);
  }

  #indexOf(offset: number): number {
    const last = this.#offers.at(-1);
    if (!last || last.offset < offset) return this.#offers.length;
    let low = 0;
    let high = this.#offers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offers[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
