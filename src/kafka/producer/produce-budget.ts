// ProduceBudget: how much memory undelivered records of all producers of this process may take.

/** A producer whose records count. */
export interface Spender {
  /** Memory of its undelivered records, bytes: an upper bound. */
  readonly heldBytes: number;
}

/** How often the producers are asked for their usage while the budget is exhausted, ms. */
const measureMs = 5;
/** One connection's share: four with a stalled broker exhaust the budget, one alone does not hold up the others. */
const shares = 4;

/**
 * Records are added up as they come; deliveries are learned only when the sum reaches the limit, by asking the producers.
 * So a record costs an addition, however many producers there are.
 */
export class ProduceBudget {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #spenders = new Set<Spender>();
  #used = 0;
  #measuredAt = Number.NEGATIVE_INFINITY;

  /** @param limit bytes  @param now the time, ms (monotonic) */
  constructor(limit: number, now: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#now = now;
  }

  /** In bytes. */
  get limit(): number {
    return this.#limit;
  }

  /** What one producer may hold, bytes. */
  get share(): number {
    return Math.ceil(this.#limit / shares);
  }

  add(spender: Spender): void {
    this.#spenders.add(spender);
  }

  /** The producer is closed: its records are gone. */
  delete(spender: Spender): void {
    this.#spenders.delete(spender);
  }

  /** Reserves space for a record. @returns false if there is none now. */
  take(bytes: number): boolean {
    this.#used += bytes;
    return this.#used <= this.#limit || this.#hasRoom(bytes);
  }

  #hasRoom(bytes: number): boolean {
    this.#used -= bytes;
    const now = this.#now();
    if (now - this.#measuredAt < measureMs) return false;
    this.#measuredAt = now;
    let held = 0;
    for (const spender of this.#spenders) held += spender.heldBytes;
    this.#used = held;
    // A record larger than the budget passes alone.
    if (held > 0 && held + bytes > this.#limit) return false;
    this.#used += bytes;
    return true;
  }
}
