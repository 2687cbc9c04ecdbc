// The clock of the machine, for all that is not a test.
import { longestMs } from './core/longest.js';
import type { Clock } from './core/ports.js';
import { guard } from './core/promises.js';

/** @param log is told what a timer's call throws, or rejects with: it ends nothing else. */
export function createClock(log: { error(fields: { err: unknown }, text: string): void }): Clock {
  const failed = (err: unknown): void => log.error({ err }, 'a timer failed: this is a bug');
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms, call) => after(ms, () => guard(call, failed)),
  };
}

/** Calls once after ms, however long that is (Infinity: never): Node's own timers go off at once when they are set for longer than they can be. @returns how to call it off. */
export function after(ms: number, call: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const arm = (left: number): void => {
    timer = left > longestMs ? setTimeout(arm, longestMs, left - longestMs) : setTimeout(call, left);
  };
  arm(ms);
  return () => clearTimeout(timer);
}
