// Records that are tried in a transaction which is aborted afterwards: whether Kafka takes them.
import {
  type Clock,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Producer,
  type ProducerRecord,
} from '../../core/ports.js';
import { isRefusal } from './refusals.js';
import type { Reports } from './reports.js';

/** How long a probe may take, ms. */
const probeMs = 5_000;
/** How soon it looks whether it was refused, ms. */
const flushMs = 50;

export interface ProbeOptions {
  readonly producer: Producer;
  readonly reports: Reports;
  readonly clock: Clock;
  /** Called while records are on their way; throws where they need not be waited for. */
  readonly onWait: () => void;
}

/**
 * Produces records in the transaction at hand, and waits until all are taken or one is not.
 * @returns whether all are taken. Why one is not stands in the reports, or nowhere: a coordinator that refuses a topic fails the transaction
 * without a word about its records.
 * @throws KafkaError where Kafka does not answer
 */
export async function areTaken(records: readonly ProducerRecord[], options: ProbeOptions): Promise<boolean> {
  const { producer, reports, clock, onWait } = options;
  const deadline = clock.monotonic() + probeMs;
  try {
    for (const record of records) producer.produce(record);
    while (!reports.hasFailed && !(await producer.flush(flushMs))) {
      if (clock.monotonic() > deadline) throw new KafkaError(probeLate);
      onWait();
    }
    return !reports.hasFailed;
  } catch (error) {
    if (!(error instanceof KafkaError) || (error.code !== KafkaCode.state && !isRefusal(error))) throw error;
    // The client itself refuses what is too large for it; reports of others may come a moment later.
    if (isRefusal(error)) reports.refused.set(records[0]!.topic, error);
    else if (!reports.hasFailed) await producer.flush(flushMs);
    return false;
  }
}

const probeLate: KafkaFault = {
  code: KafkaCode.timedOut,
  message: 'a probe of what was refused was not answered in time',
  fatal: false,
  retriable: true,
  abortable: true,
};
