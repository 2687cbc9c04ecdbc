// TransactionSize: how many records one transaction may have. A target that cannot complete a large one in time gets smaller ones. See docs/decisions/0015.

/** The smallest useful number of records. */
const least = 10;
/** Consecutive successful transactions before a larger one is tried. */
const proof = 10;

export class TransactionSize {
  readonly #most: number;
  #records: number;
  #inARow = 0;

  /** @param most records, as configured */
  constructor(most: number) {
    this.#most = most;
    this.#records = most;
  }

  get records(): number {
    return this.#records;
  }

  ended(): void {
    this.#inARow += 1;
    if (this.#inARow < proof || this.#records === this.#most) return;
    this.#inARow = 0;
    this.#records = Math.min(this.#most, this.#records * 2);
  }

  failed(): void {
    this.#inARow = 0;
    this.#records = Math.max(Math.min(least, this.#most), Math.floor(this.#records / 2));
  }
}
