// The system clock; tests use their own.
import { longestMs } from '../core/longest.js';
import type { Clock } from '../core/ports.js';
import { guard } from '../core/promises.js';

/** @param log is called with what a timer's call throws, or rejects with: nothing else ends */
export function createClock(log: { error(fields: { err: unknown }, text: string): void }): Clock {
  const failed = (err: unknown): void => log.error({ err }, 'a timer failed: this is a bug');
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms, call) => after(ms, () => guard(call, failed)),
  };
}

/** Calls once after ms, however long that is (Infinity: never): Node's own timers fire at once when the time exceeds their range. @returns a function that cancels it. */
export function after(ms: number, call: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const arm = (left: number): void => {
    timer = left > longestMs ? setTimeout(arm, longestMs, left - longestMs) : setTimeout(call, left);
  };
  arm(ms);
  return () => clearTimeout(timer);
}
