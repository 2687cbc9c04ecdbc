// ProduceBudget: how much memory the records on their way to Kafka may take, of all producers of this process together.

/** A producer whose records count. */
export interface Spender {
  /** Memory that its records take which are not delivered, bytes: an upper bound. */
  readonly heldBytes: number;
}

/** How often the producers are asked again what they hold while the budget is used up, ms. */
const measureMs = 5;
/** One connection's share: four whose broker stands still use it up, one alone does not hold up the others. */
const shares = 4;

/**
 * Records are added up as they come, and what is delivered is learned only when the sum has reached the limit: the producers are asked then.
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

  /** The producer is closed: what it held is gone. */
  delete(spender: Spender): void {
    this.#spenders.delete(spender);
  }

  /** Takes room for a record. @returns false when there is none for now. */
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
    // A record that is larger than all of it passes alone.
    if (held > 0 && held + bytes > this.#limit) return false;
    this.#used += bytes;
    return true;
  }
}
