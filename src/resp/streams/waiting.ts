// Waits for an event, within BLOCK and while the client is connected.
import type { Context } from '../command/context.js';

/**
 * @param arm starts to wait; it receives functions for the result and for an error, and returns a function that stops.
 * @returns undefined after ms (Infinity: never). Rejects with the signal's reason if the client is gone or the server drains.
 */
export function waitFor<T>(
  ctx: Context,
  ms: number,
  arm: (come: (value: T) => void, refuse: (error: unknown) => void) => () => void,
): Promise<T | undefined> {
  const { signal } = ctx;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    let isSettled = false;
    let stop: (() => void) | undefined;
    const settle = (act: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      cancel();
      signal.removeEventListener('abort', aborted);
      stop?.();
      act();
    };
    const aborted = (): void => settle(() => reject(signal.reason));
    const cancel = ctx.server.clock.after(ms, () => settle(() => resolve(undefined)));
    signal.addEventListener('abort', aborted, { once: true });
    try {
      stop = arm(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      );
      // The result arrived at once.
      if (isSettled) stop();
    } catch (error) {
      settle(() => reject(error));
    }
  });
}
