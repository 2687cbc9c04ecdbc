// Errors that filters leave unhandled: counted, and logged at most once a second for each filter.
import type { Clock } from '../../core/ports.js';
import type { StrayReport } from '../../core/stray-errors.js';
import type { Log } from '../../log.js';

const everyMs = 1_000;

export interface StrayLogOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Called for each error. */
  readonly onError: (filter: string) => void;
}

/** @returns the report of one filter's errors */
export function strayLog(filter: string, { clock, log, onError }: StrayLogOptions): StrayReport {
  let next = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (error) => {
    onError(filter);
    const now = clock.monotonic();
    if (now < next) {
      unsaid += 1;
      return;
    }
    next = now + everyMs;
    const others = unsaid > 0 ? { others: unsaid } : {};
    unsaid = 0;
    const why = (error as Error | undefined)?.message ?? String(error);
    log.error(
      { filter, why, ...others },
      'a filter left an error unhandled: a promise that it did not return, or a callback',
    );
  };
}
