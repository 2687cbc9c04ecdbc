// TransactionalProducer: one transactional id. Writes one Kafka transaction at a time: records of any topics, and positions of groups.
import { GatewayError } from '../../errors.js';
import { sleep } from '../clock.js';
import {
  type Clock,
  type DeliveryReport,
  isFenced,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Movement,
  type Producer,
  type ProducerRecord,
} from '../ports.js';
import { own } from '../promises.js';

export interface TransactionalProducerOptions {
  readonly kafka: KafkaFactory;
  /** How long a transaction may take, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Told of client faults (for the log). */
  readonly onFault: (fault: KafkaFault) => void;
}

type Receipt = (report: DeliveryReport) => void;

/** How soon a full queue, or a commit that may be repeated, is tried again, ms. */
const retryMs = 5;
/** What an abort may take, ms; one that does not end is left to Kafka, which ends it when the transaction's time is over. */
const abortMs = 5_000;
/** Kafka ends a transaction that is open for so much longer than it may take, ms. */
const graceMs = 5_000;

export class TransactionalProducer {
  readonly id: string;
  readonly #options: TransactionalProducerOptions;
  #producer: Producer | undefined;
  /** A fatal fault: the producer is of no more use. */
  #isBroken = false;
  /** When its last transaction ended, on the monotonic clock, ms. */
  usedAt = Number.NEGATIVE_INFINITY;

  constructor(id: string, options: TransactionalProducerOptions) {
    this.id = id;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#producer !== undefined;
  }

  /**
   * Writes all of the records and moves all of the positions, or none.
   * @returns the records' reports, in their order
   * @throws GatewayError `transaction-unconfirmed`: it is not known which; KafkaError: none
   */
  async transact(
    records: readonly ProducerRecord[],
    movements: readonly Movement[],
  ): Promise<readonly DeliveryReport[]> {
    const { clock, timeoutMs } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    const left = (): number => Math.max(1, Math.ceil(deadline - clock.monotonic()));
    try {
      return await this.#transact(records, movements, left);
    } finally {
      this.usedAt = clock.monotonic();
    }
  }

  /** Closes the client; the next transaction opens another. */
  drop(): void {
    own(this.close(), () => {});
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close(0);
  }

  async #transact(
    records: readonly ProducerRecord[],
    movements: readonly Movement[],
    left: () => number,
  ): Promise<readonly DeliveryReport[]> {
    if (this.#isBroken) this.drop();
    this.#producer ??= await this.#open(left());
    const producer = this.#producer;
    await producer.beginTransaction().catch((error: unknown) => {
      this.drop();
      throw error;
    });
    let reports: readonly DeliveryReport[];
    try {
      reports = await this.#write(producer, records, movements, left);
    } catch (error) {
      await this.#abort(producer);
      throw error;
    }
    await this.#commit(producer, left);
    return reports;
  }

  /** @throws KafkaError, with nothing decided yet */
  async #write(
    producer: Producer,
    records: readonly ProducerRecord[],
    movements: readonly Movement[],
    left: () => number,
  ): Promise<readonly DeliveryReport[]> {
    const reports: DeliveryReport[] = [];
    for (const [index, record] of records.entries()) {
      const receipt: Receipt = (report) => {
        reports[index] = report;
      };
      await this.#produce(producer, record, receipt, left);
    }
    for (const { positions, member } of movements) await producer.sendOffsets(positions, member, left());
    const isWritten = records.length === 0 || (await producer.flush(left()));
    const failed = reports.find((report) => report?.error)?.error;
    if (failed) throw new KafkaError(failed);
    if (!isWritten || reports.filter(Boolean).length < records.length) throw timedOut();
    return reports;
  }

  async #produce(producer: Producer, record: ProducerRecord, receipt: Receipt, left: () => number): Promise<void> {
    for (;;) {
      try {
        producer.produce(record, receipt);
        return;
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code !== KafkaCode.queueFull || left() <= 1) throw error;
        await sleep(this.#options.clock, retryMs);
      }
    }
  }

  /** @throws GatewayError `transaction-unconfirmed` where it may be committed; KafkaError where it is not */
  async #commit(producer: Producer, left: () => number): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      try {
        return await producer.commitTransaction(left());
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (error.abortable) {
          await this.#abort(producer);
          throw error;
        }
        const repeats = error.retriable && !error.fatal;
        if (repeats && left() > 1) {
          await sleep(this.#options.clock, retryMs);
          continue;
        }
        this.drop();
        // A repeated commit may be fenced because the first one has ended the transaction.
        if (isFenced(error) && isFirst) throw error;
        throw new GatewayError('transaction-unconfirmed', [error.message], { cause: error });
      }
    }
  }

  async #abort(producer: Producer): Promise<void> {
    try {
      await producer.abortTransaction(abortMs);
    } catch {
      // The next producer of this id ends it, or Kafka when its time is over.
      this.drop();
    }
  }

  async #open(timeoutMs: number): Promise<Producer> {
    const { kafka, timeoutMs: mostMs, onFault } = this.#options;
    this.#isBroken = false;
    const producer = await kafka.producer(
      {
        reports: 'all',
        properties: {
          'transactional.id': this.id,
          'transaction.timeout.ms': mostMs + graceMs,
          'message.timeout.ms': mostMs,
          'linger.ms': 0,
          'sticky.partitioning.linger.ms': 10,
          // Of the requests that a coordinator refuses while it still ends the transaction before.
          'retry.backoff.ms': 5,
          'retry.backoff.max.ms': 500,
        },
        onReport: (report, tag) => (tag as Receipt | undefined)?.(report),
        onFault: (fault) => {
          if (fault.fatal) this.#isBroken = true;
          onFault(fault);
        },
      },
      timeoutMs,
    );
    try {
      await producer.initTransactions(timeoutMs);
      return producer;
    } catch (error) {
      await producer.close(0);
      throw error;
    }
  }
}

const timedOut = (): KafkaError =>
  new KafkaError({
    code: KafkaCode.timedOut,
    message: 'Local: Timed out',
    fatal: false,
    retriable: true,
    abortable: false,
  });
