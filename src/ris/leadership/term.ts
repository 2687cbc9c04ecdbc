// One leader's term towards Kafka: fences its predecessor, reads its progress, and commits messages together with progress.
import { sleep } from '../../core/clock.js';
import {
  type Clock,
  type DeliveryReport,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Producer,
  type ProducerRecord,
} from '../../core/ports.js';
import type { Log } from '../../log.js';
import { type Progress, readProgress, type Step, stepRecords, termRecord } from './checkpoint.js';

export interface TermOptions {
  readonly kafka: KafkaFactory;
  /** The same for all replicas of a collector: Kafka lets only the latest that asked write. */
  readonly transactionalId: string;
  readonly checkpointTopic: string;
  readonly compression: string;
  /** Unique: who leads, and since which lease. */
  readonly name: string;
  /** After so long Kafka aborts a transaction whose leader is gone, ms. */
  readonly transactionTimeoutMs: number;
  /** How long opening and committing may take in all, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this replica may still act as the leader. */
  readonly leads: () => boolean;
}

/** A client that does not connect in time is given up for a new one, which mostly does, ms. */
const connectMs = 5_000;
/** How long the progress may take to be read, ms. */
const readMs = 15_000;
/** One call into librdkafka lasts no longer, so that a lease that ended is noticed, ms. */
const callMs = 2_000;
const queueFullMs = 5;
/** A transaction that takes longer is worth a line for whoever looks into it, ms. */
const slowMs = 1_000;

/** Another replica has taken over: Kafka refuses what this one writes. */
export const isFenced = (error: unknown): boolean =>
  error instanceof KafkaError && (error.code === KafkaCode.fenced || error.code === KafkaCode.fatal);

/** Thrown where the lease ended while something was waited for. */
export class TermOver extends Error {
  override readonly name = 'TermOver';
}

/** Whoever opened it closes it. After any error it is of no more use: a new one finds out from Kafka what was committed. */
export class Term {
  readonly progress: Progress;
  readonly #options: TermOptions;
  readonly #producer: Producer;

  private constructor(options: TermOptions, producer: Producer, progress: Progress) {
    this.#options = options;
    this.#producer = producer;
    this.progress = progress;
  }

  /**
   * Fences the predecessor (its open transaction is aborted), then reads what it had committed.
   * @throws KafkaError, TermOver, Error when the progress cannot be read.
   */
  static async open(options: TermOptions): Promise<Term> {
    const { kafka, checkpointTopic, name, clock } = options;
    const from = clock.monotonic();
    const taken: Record<string, number> = {};
    const note = (step: string): void => {
      taken[step] = Math.round(clock.monotonic() - from);
    };
    const producer = await kafka.producer(
      { reports: 'errors', properties: properties(options), ...told(options) },
      connectMs,
    );
    note('connectedMs');
    try {
      // Fencing whoever leads by now would only disturb it.
      if (!options.leads()) throw new TermOver();
      await patiently(options, () => producer.initTransactions(callMs));
      note('fencedMs');
      await producer.beginTransaction();
      producer.produce(termRecord(checkpointTopic, name));
      await patiently(options, () => producer.commitTransaction(callMs));
      note('writtenMs');
      const progress = await readProgress(kafka, checkpointTopic, name, readMs, () => clock.monotonic());
      note('readMs');
      options.log.info(taken, 'Took over');
      return new Term(options, producer, progress);
    } catch (error) {
      options.log.debug(taken, 'Could not take over');
      await producer.close(0);
      throw error;
    }
  }

  /** Writes records and progress in one transaction. @throws KafkaError, TermOver: then it is unknown whether it was committed. */
  async commit(records: readonly ProducerRecord[], step: Step): Promise<void> {
    const { clock, log } = this.#options;
    if (!this.#options.leads()) throw new TermOver();
    const from = clock.monotonic();
    await this.#producer.beginTransaction();
    for (const record of records) if (!this.#produced(record)) await this.#produceSlowly(record);
    for (const record of stepRecords(this.#options.checkpointTopic, step)) {
      if (!this.#produced(record)) await this.#produceSlowly(record);
    }
    const producedMs = Math.round(clock.monotonic() - from);
    await patiently(this.#options, () => this.#producer.commitTransaction(callMs));
    const ms = Math.round(clock.monotonic() - from);
    if (ms >= slowMs) log.debug({ ms, producedMs, records: records.length }, 'A slow transaction');
  }

  /** Never rejects. What is not committed is aborted by Kafka, at the latest when the successor fences us. */
  async close(): Promise<void> {
    await this.#producer.close(0);
  }

  /** @returns false when the client's queue is full. */
  #produced(record: ProducerRecord): boolean {
    try {
      this.#producer.produce(record);
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.code === KafkaCode.queueFull) return false;
      throw error;
    }
  }

  async #produceSlowly(record: ProducerRecord): Promise<void> {
    do {
      if (!this.#options.leads()) throw new TermOver();
      await sleep(this.#options.clock, queueFullMs);
    } while (!this.#produced(record));
  }
}

/** Repeats a call that librdkafka allows to be repeated after a time-out, as long as this replica leads. */
async function patiently(options: TermOptions, call: () => Promise<void>): Promise<void> {
  const deadline = options.clock.monotonic() + options.timeoutMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof KafkaError && error.retriable)) throw error;
      if (!options.leads()) throw new TermOver();
      if (options.clock.monotonic() > deadline) throw error;
      options.log.debug({ err: error.message }, 'Kafka is slow: waiting on');
    }
  }
}

const properties = ({ transactionalId, transactionTimeoutMs, compression }: TermOptions) => ({
  'transactional.id': transactionalId,
  'transaction.timeout.ms': transactionTimeoutMs,
  'message.timeout.ms': transactionTimeoutMs,
  'enable.idempotence': true,
  acks: 'all',
  'compression.codec': compression,
  'linger.ms': 5,
  // A broker that comes back is not left waiting for librdkafka's ten seconds.
  'reconnect.backoff.max.ms': 1_000,
});

/** Tells the first record that Kafka did not take: the others of its transaction fail with it. */
function told({ log }: TermOptions) {
  let isTold = false;
  return {
    onReport: ({ topic, error }: DeliveryReport) => {
      if (!isTold)
        log.warn(
          { topic, reason: error?.message },
          'Kafka did not take a record: its transaction will be written anew',
        );
      isTold = true;
    },
    onFault: ({ message }: KafkaFault) => log.debug({ reason: message }, 'Kafka client'),
  };
}
