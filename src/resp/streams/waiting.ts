// Waiting for something that comes by itself, within BLOCK and while the client is there.
import type { Context } from '../context.js';

/**
 * @param arm starts to wait; it gets what to call with the result, and returns how to stop.
 * @returns undefined after ms (Infinity: never). Rejects with the signal's reason when the client is gone or the server drains.
 */
export function waitFor<T>(
  ctx: Context,
  ms: number,
  arm: (come: (value: T) => void) => () => void,
): Promise<T | undefined> {
  const { signal } = ctx;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      stop();
      act();
    };
    const aborted = (): void => settle(() => reject(signal.reason));
    const timer = ms <= maxTimerMs ? setTimeout(() => settle(() => resolve(undefined)), ms) : undefined;
    signal.addEventListener('abort', aborted, { once: true });
    const stop = arm((value) => settle(() => resolve(value)));
  });
}

/** A timer that is set for longer goes off at once. */
const maxTimerMs = 2 ** 31 - 1;
