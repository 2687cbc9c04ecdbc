// How much memory all clients' requests and replies may take together.
import { fail } from '../../errors.js';

/** A consumer of the budget that can be measured and evicted. */
export interface Spender {
  readonly heldBytes: number;
  evict(): void;
}

/** Accounts for the memory of one piece of work. */
export interface Memory {
  /** @throws GatewayError `memory-limit`: nothing was taken. */
  take(bytes: number): void;
}

/** A reservation that waits. */
interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

/** For work that is small by itself. */
export const uncounted: Memory = { take() {} };

/**
 * Keeps the sum. Memory that is already used (waiting requests, unread replies) is recorded: over the limit the largest spender is evicted.
 * Memory for a reply to come is reserved first: over the limit the reservation is refused, and no client is evicted.
 */
export class MemoryBudget {
  readonly #limit: number;
  readonly #held = new Map<Spender, number>();
  #total = 0;
  /** Reservations that wait for room, in order. */
  readonly #line = new Set<Waiting>();

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get total(): number {
    return this.#total;
  }

  /** Bytes that may still be taken. */
  get left(): number {
    return Math.max(0, this.#limit - this.#total);
  }

  /** Call after a spender's `heldBytes` changed. */
  settle(spender: Spender): void {
    const before = this.#held.get(spender) ?? 0;
    const now = spender.heldBytes;
    if (now === before) return;
    this.#total += now - before;
    if (now === 0) this.#held.delete(spender);
    else this.#held.set(spender, now);
    while (this.#total > this.#limit) if (!this.#evictLargest()) return;
  }

  /** The spender has ended. */
  release(spender: Spender): void {
    this.#total -= this.#held.get(spender) ?? 0;
    this.#held.delete(spender);
  }

  /** @throws GatewayError `memory-limit` */
  reserve(bytes: number): void {
    if (this.#total + bytes > this.#limit) throw this.exceeded();
    this.#total += bytes;
  }

  /**
   * Reserves as soon as there is room, in the order of the calls, and calls `begin` then: at once if there is room now.
   * @returns gives the bytes back, or leaves the line; may be called again
   * @throws GatewayError `memory-limit` if there can never be room
   */
  reserveInTurn(bytes: number, begin: () => void): () => void {
    if (bytes > this.#limit) throw this.exceeded();
    const waiting = { bytes, begin };
    let isOver = false;
    this.#line.add(waiting);
    this.#serveLine();
    return () => {
      if (isOver) return;
      isOver = true;
      if (this.#line.delete(waiting)) this.#serveLine();
      else this.free(bytes);
    };
  }

  /** Gives back what was reserved. */
  free(bytes: number): void {
    this.#total -= bytes;
    if (this.#line.size > 0) this.#serveLine();
  }

  #serveLine(): void {
    for (const waiting of this.#line) {
      if (this.#total + waiting.bytes > this.#limit) return;
      this.#line.delete(waiting);
      this.#total += waiting.bytes;
      waiting.begin();
    }
  }

  /** The answer to a command that would exceed the limit. */
  exceeded() {
    return fail('memory-limit', this.#limit);
  }

  #evictLargest(): boolean {
    let largest: Spender | undefined;
    let most = 0;
    for (const [spender, bytes] of this.#held) {
      if (bytes > most) {
        most = bytes;
        largest = spender;
      }
    }
    if (!largest) return false;
    this.release(largest);
    largest.evict();
    return true;
  }
}

/** What one command takes of a budget, given back as a whole. */
export class Reservation implements Memory {
  readonly #budget: MemoryBudget;
  #bytes = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: number): void {
    this.#budget.reserve(bytes);
    this.#bytes += bytes;
  }

  release(): void {
    if (this.#bytes === 0) return;
    this.#budget.free(this.#bytes);
    this.#bytes = 0;
  }
}
