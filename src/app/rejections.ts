// The last handlers of errors that nothing else has handled: what ends the process, and what only goes into the log.
import { KafkaError } from '../core/ports.js';
import { reportStray } from '../core/stray-errors.js';
import { GatewayError } from '../errors.js';
import type { Log } from '../log.js';

/**
 * Watches for exceptions and rejections that no code handles. A refusal is a client's or Kafka's: dropping it is a defect, but all other
 * clients are still served. Errors of a relay's filter end nothing either. Any other error means that the process's own state may be wrong.
 * @param end ends the process with exit code 1, once the log is written
 */
export function watchRejections(log: Log, end: () => void): void {
  process.on('uncaughtException', (error) => {
    if (reportStray(error)) return;
    log.fatal({ err: error }, 'an uncaught exception: this is a bug');
    end();
  });
  process.on('unhandledRejection', (error) => {
    if (reportStray(error)) return;
    if (error instanceof GatewayError || error instanceof KafkaError) {
      log.error({ err: error }, 'an unhandled refusal: this is a bug');
      return;
    }
    log.fatal({ err: error }, 'an unhandled rejection: this is a bug');
    end();
  });
}
