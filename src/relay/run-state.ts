// RunState: whether a mapping should continue, and how much time it has left.
import type { Clock } from '../core/ports.js';

/** One mapping's stop signal. It ends waits early. */
export class RunState {
  readonly #clock: Clock;
  readonly #graceMs: number;
  #stopped = false;
  #deadline = Number.POSITIVE_INFINITY;
  /** Those who wait now. A promise that lives as long as the relay would keep every wait that ever was. */
  readonly #waiting = new Set<() => void>();

  /** @param graceMs time between the stop signal and the last delivery */
  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  get stopping(): boolean {
    return this.#stopped;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#deadline = this.#clock.monotonic() + this.#graceMs;
    for (const wake of this.#waiting) wake();
  }

  /** Time limit of one step, ms: `wantedMs`, or what is left after the stop signal. */
  allow(wantedMs: number): number {
    return Math.max(0, Math.min(wantedMs, this.#deadline - this.#clock.monotonic()));
  }

  /** Waits, at most until the stop signal. */
  async pause(ms: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      const cancel = this.#clock.after(ms, wake);
    });
  }
}
