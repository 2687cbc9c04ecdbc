// Claims: which worker has which name. One worker at a time; a dead one's names are free.

/** One claiming: claimed again, it is another one. */
interface Claim {
  readonly worker: number;
}

export class Claims {
  readonly #byKey = new Map<string, Claim>();

  /**
   * @param holds asks a worker whether it still has a name that another one wants: it may have given it up a moment ago.
   * @returns false when another worker has it.
   */
  async claim(key: string, worker: number, holds: (holder: number) => Promise<boolean>): Promise<boolean> {
    const found = this.#byKey.get(key);
    if (found && found.worker !== worker) {
      if (await holds(found.worker)) return false;
      const now = this.#byKey.get(key);
      // Somebody else was quicker.
      if (now && now !== found) return false;
    }
    this.#byKey.set(key, { worker });
    return true;
  }

  /** Frees a name, if it is this worker's. */
  release(key: string, worker: number): void {
    if (this.#byKey.get(key)?.worker === worker) this.#byKey.delete(key);
  }

  /** Frees all that a worker had. */
  releaseAll(worker: number): void {
    for (const [key, claim] of this.#byKey) if (claim.worker === worker) this.#byKey.delete(key);
  }

  holder(key: string): number | undefined {
    return this.#byKey.get(key)?.worker;
  }
}
