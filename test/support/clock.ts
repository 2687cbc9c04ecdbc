// A clock that tests control: time passes only by advance().
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/core/ports.js';
import { createClock } from '../../src/io/clock.js';

interface Timer {
  readonly at: number;
  readonly call: () => unknown;
}

export class ManualClock implements Clock {
  #now: number;
  #timers: Timer[] = [];

  /** @param start milliseconds since the epoch */
  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, call: () => unknown): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that have not fired and were not cancelled. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets ms pass: due timers fire in order, and promises settle before, between and after them. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await turn();
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.call();
    }
    this.#now = until;
    await turn();
  }
}

/** Real time, for fakes that run in it. An error of a timer's call ends the test. */
export const realClock: Clock = createClock({
  error: ({ err }) => {
    throw err;
  },
});
