// NameLeaseTable: which worker holds which name lease. One worker at a time; a dead worker's names are free.

/** One claim: claiming again makes a new one. */
interface Claim {
  readonly worker: number;
}

export class NameLeaseTable {
  readonly #byKey = new Map<string, Claim>();

  /**
   * @param holds asks a worker whether it still has a name that another one wants: it may have released it a moment ago.
   * @returns false if another worker has it.
   */
  async claim(key: string, worker: number, holds: (holder: number) => Promise<boolean>): Promise<boolean> {
    const found = this.#byKey.get(key);
    if (found && found.worker !== worker) {
      if (await holds(found.worker)) return false;
      const now = this.#byKey.get(key);
      // Another worker was quicker.
      if (now && now !== found) return false;
    }
    this.#byKey.set(key, { worker });
    return true;
  }

  /** Releases a name, if it is this worker's. */
  release(key: string, worker: number): void {
    if (this.#byKey.get(key)?.worker === worker) this.#byKey.delete(key);
  }

  /** Releases all names of a worker. */
  releaseAll(worker: number): void {
    for (const [key, claim] of this.#byKey) if (claim.worker === worker) this.#byKey.delete(key);
  }

  holder(key: string): number | undefined {
    return this.#byKey.get(key)?.worker;
  }
}
