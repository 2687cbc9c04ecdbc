// RunState: whether a mapping should continue, and how much time it has left.
import { sleep } from '../core/clock.js';
import type { Clock } from '../core/ports.js';

/** One mapping's stop signal. It ends waits early. */
export class RunState {
  readonly #clock: Clock;
  readonly #graceMs: number;
  #stopped = false;
  #deadline = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};
  readonly #stop: Promise<void>;

  /** @param graceMs time between the stop signal and the last delivery */
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

  /** Time limit of one step, ms: `wantedMs`, or what is left after the stop signal. */
  allow(wantedMs: number): number {
    return Math.max(0, Math.min(wantedMs, this.#deadline - this.#clock.monotonic()));
  }

  /** Waits, at most until the stop signal. */
  async pause(ms: number): Promise<void> {
    await Promise.race([sleep(this.#clock, ms), this.#stop]);
  }
}
