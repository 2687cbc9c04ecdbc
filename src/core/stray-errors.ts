// Code of users (a relay's filter) runs in a context of its own, so that errors that no caller receives are reported to the part that runs it.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Gets an error of a promise that nothing awaits, or of a callback. It logs and counts; it does not throw. */
export type StrayReport = (error: unknown) => void;

const context = new AsyncLocalStorage<StrayReport>();

/** Calls foreign code. Whatever it starts (promises, timers, connections) stays in its context. @returns, @throws as the call does */
export const runForeign = <Args extends unknown[], Result>(
  report: StrayReport,
  call: (...args: Args) => Result,
  ...args: Args
): Result => context.run(report, call, ...args);

/**
 * For the process' handlers of unhandled rejections and exceptions: Node calls both in the context that the error arose in.
 * @returns whether foreign code caused the error, and it has been reported
 */
export function reportStray(error: unknown): boolean {
  const report = context.getStore();
  report?.(error);
  return report !== undefined;
}
