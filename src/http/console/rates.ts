// Rates: how fast totals grow between looks. The first look knows no rate.
import type { Clock } from '../../core/ports.js';

/** Looks closer together than this give the rate of the one before, ms. */
const leastMs = 2_000;

interface Look {
  readonly at: number;
  readonly total: number;
  readonly perSecond: number | null;
}

export class Rates {
  readonly #clock: Clock;
  readonly #looks = new Map<string, Look>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns null: not known yet */
  of(key: string, total: number): number | null {
    const at = this.#clock.monotonic();
    const before = this.#looks.get(key);
    if (before && at - before.at < leastMs) return before.perSecond;
    const perSecond = before ? Math.max(0, ((total - before.total) * 1000) / (at - before.at)) : null;
    this.#looks.set(key, { at, total, perSecond });
    return perSecond;
  }
}
