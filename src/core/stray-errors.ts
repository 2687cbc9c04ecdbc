// The last handlers of errors, and those of users' code (a relay's filter): it runs in a context of its own, so that errors that no caller receives are reported to the part that runs it.

import { AsyncLocalStorage } from 'node:async_hooks';
import { GatewayError } from '../errors.js';
import { KafkaError } from './ports.js';

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

/** As a log writes errors. */
interface ErrorLog {
  error(fields: { err: unknown }, text: string): void;
  fatal(fields: { err: unknown }, text: string): void;
}

/**
 * Watches for exceptions and rejections that no code handles. A refusal is a client's or Kafka's: dropping it is a defect, but all other
 * clients are still served. Errors of a relay's filter end nothing either. Any other error means that the process's own state may be wrong.
 * @param events those of the process
 * @param end ends the process with exit code 1, once the log is written
 */
export function watchRejections(events: Pick<NodeJS.Process, 'on'>, log: ErrorLog, end: () => void): void {
  events.on('uncaughtException', (error) => {
    if (reportStray(error)) return;
    log.fatal({ err: error }, 'an uncaught exception: this is a bug');
    end();
  });
  events.on('unhandledRejection', (error) => {
    if (reportStray(error)) return;
    if (error instanceof GatewayError || error instanceof KafkaError) {
      log.error({ err: error }, 'an unhandled refusal: this is a bug');
      return;
    }
    log.fatal({ err: error }, 'an unhandled rejection: this is a bug');
    end();
  });
}
