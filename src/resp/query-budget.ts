// How much memory all clients' unread requests may take together.

/** Anything whose share of the budget can be measured and ended. */
export interface Spender {
  readonly heldBytes: number;
  evict(): void;
}

/** Keeps the sum; over the limit the largest spender is evicted. */
export class QueryBudget {
  readonly #limit: number;
  readonly #held = new Map<Spender, number>();
  #total = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get total(): number {
    return this.#total;
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

  /** The spender is gone. */
  release(spender: Spender): void {
    this.#total -= this.#held.get(spender) ?? 0;
    this.#held.delete(spender);
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
