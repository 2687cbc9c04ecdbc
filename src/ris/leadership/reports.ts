// What Kafka reports of one transaction's records: which are refused for good, and whether any has failed.
import { type DeliveryReport, KafkaCode, type KafkaFault } from '../../core/ports.js';
import type { Log } from '../../log.js';
import { isRefusal } from './refusals.js';

/** What an abort gives up. */
const givenUp: ReadonlySet<number> = new Set([KafkaCode.purgeQueue, KafkaCode.purgeInflight]);

/** One producer's: its callbacks, and what they have brought since the transaction at hand began. */
export class Reports {
  /** What Kafka refused for good, by topic. */
  readonly refused = new Map<string, KafkaFault>();
  readonly onReport: (report: DeliveryReport) => void;
  readonly onFault: (fault: KafkaFault) => void;
  #failed = 0;

  constructor(log: Log) {
    let isTold = false;
    this.onReport = ({ topic, error }) => {
      if (!error) return;
      this.#failed += 1;
      if (givenUp.has(error.code)) return;
      if (isRefusal(error)) {
        if (!this.refused.has(topic)) this.refused.set(topic, error);
        return;
      }
      // The others of its transaction fail with the first.
      if (!isTold)
        log.warn({ topic, reason: error.message }, 'Kafka refused a record: its transaction will be repeated');
      isTold = true;
    };
    this.onFault = ({ message }) => log.debug({ reason: message }, 'Kafka client');
  }

  /** Whether a record was not delivered, for whatever reason. */
  get hasFailed(): boolean {
    return this.#failed > 0 || this.refused.size > 0;
  }

  begin(): void {
    this.refused.clear();
    this.#failed = 0;
  }
}
