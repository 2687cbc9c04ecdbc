// RunState: whether a mapping should go on, and how long it may still take.
import { sleep } from '../core/clock.js';
import type { Clock } from '../core/ports.js';

/** One mapping's order to stop. Waits end early when it comes. */
export class RunState {
  readonly #clock: Clock;
  readonly #graceMs: number;
  #stopped = false;
  #deadline = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};
  readonly #stop: Promise<void>;

  /** @param graceMs what may pass between the order to stop and the last delivery */
  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#stop = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  get stopping(): boolean {
    return this.#stopped;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#deadline = this.#clock.monotonic() + this.#graceMs;
    this.#wake();
  }

  /** Milliseconds that one step may take: `wantedMs`, or what is left after the order to stop. */
  allow(wantedMs: number): number {
    return Math.max(0, Math.min(wantedMs, this.#deadline - this.#clock.monotonic()));
  }

  /** Waits, at most until the order to stop. */
  async pause(ms: number): Promise<void> {
    await Promise.race([sleep(this.#clock, ms), this.#stop]);
  }
}
