// TransactionProducers: EXEC's way to Kafka. A pool of transactional producers; EXECs that wait at the same time share a transaction.
import { fail, GatewayError } from '../../errors.js';
import { within } from '../clock.js';
import {
  type AckSource,
  type Acks,
  type DeliveryReport,
  isFenced,
  KafkaCode,
  KafkaError,
  type ProducerRecord,
  type Staged,
  type TopicPartitionOffset,
} from '../ports.js';
import { own } from '../promises.js';
import type { Stats } from '../stats/stats.js';
import { type TransactionJob, TransactionQueue } from './transaction-queue.js';
import { TransactionalProducer, type TransactionalProducerOptions } from './transactional-producer.js';

export interface TransactionProducersOptions extends TransactionalProducerOptions {
  /** Transactional ids are this, a dash and a number from 0. */
  readonly idPrefix: string;
  /** Producers at most. */
  readonly limit: number;
  readonly stats: Stats;
}

/** Transactions at a time. What waits meanwhile goes together: more of them would be smaller, and each costs the brokers the same. */
const atOnce = 3;
/** A coordinator refuses a producer for about this long after its last transaction, ms: librdkafka would wait for 20. */
const restMs = 15;

export class TransactionProducers {
  readonly #options: TransactionProducersOptions;
  readonly #producers: TransactionalProducer[] = [];
  /** The one that has rested longest is the first. */
  readonly #free: TransactionalProducer[] = [];
  readonly #queue = new TransactionQueue();
  #running = 0;
  #closed = false;
  #onIdle: () => void = () => {};

  constructor(options: TransactionProducersOptions) {
    this.#options = options;
  }

  /** Producers that are open. */
  get count(): number {
    return this.#producers.filter(({ isOpen }) => isOpen).length;
  }

  /**
   * Writes all of the records and takes all of the acks, or none.
   * @returns the records' reports, in their order
   * @throws GatewayError `transaction-unconfirmed`: it is not known which; `exec-aborted`, or what an ack was refused with: none
   */
  async run(records: readonly ProducerRecord[], acks: Acks): Promise<readonly DeliveryReport[]> {
    if (this.#closed) throw fail('shutting-down');
    const { clock, timeoutMs, stats } = this.#options;
    let stop: () => void = () => {};
    try {
      const reports = await new Promise<readonly DeliveryReport[]>((resolve, reject) => {
        const job = { records, acks, resolve, reject, isAlone: false };
        this.#queue.add(job);
        stop = clock.after(timeoutMs, () => {
          if (this.#queue.remove(job)) reject(fail('exec-aborted', 'too many transactions are waiting'));
        });
        this.#pump();
      });
      stats.add('transactions.committed');
      stats.add('producer.messages', records.length);
      return reports;
    } catch (error) {
      stats.add('transactions.failed');
      throw error;
    } finally {
      stop();
    }
  }

  /** Closes those that were not used for idleMs. */
  closeIdle(idleMs: number): void {
    const before = this.#options.clock.monotonic() - idleMs;
    for (const producer of this.#free) if (producer.usedAt < before) producer.drop();
  }

  /** Closes all of them, once what runs has ended, or after timeoutMs. */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      await within(this.#options.clock, timeoutMs, idle);
    }
    await Promise.all(this.#producers.map((producer) => producer.close()));
  }

  #pump(): void {
    while (this.#running < Math.min(atOnce, this.#options.limit)) {
      const jobs = this.#queue.next();
      if (jobs.length === 0) break;
      this.#running++;
      own(this.#perform(jobs), (error) => {
        for (const { reject } of jobs) reject(error);
      });
    }
    if (this.#running === 0) this.#onIdle();
  }

  /** One transaction. Never rejects: the jobs do. */
  async #perform(jobs: readonly TransactionJob[]): Promise<void> {
    const producer = this.#take();
    let isCommitted = false;
    try {
      const reports = await this.#transact(producer, jobs);
      isCommitted = true;
      let from = 0;
      for (const { records, resolve } of jobs) {
        resolve(reports.slice(from, from + records.length));
        from += records.length;
      }
    } catch (error) {
      const isKnown = !(error instanceof GatewayError && error.code === 'transaction-unconfirmed');
      if (jobs.length > 1 && isKnown && !this.#closed) this.#queue.separate(jobs);
      else for (const { reject } of jobs) reject(refused(error, producer.id));
    } finally {
      this.#free.push(producer);
      this.#queue.ended(jobs, isCommitted);
      this.#running--;
      this.#pump();
    }
  }

  async #transact(
    producer: TransactionalProducer,
    jobs: readonly TransactionJob[],
  ): Promise<readonly DeliveryReport[]> {
    const staged: Staged[] = [];
    let end: 'committed' | 'aborted' | 'unknown' = 'aborted';
    try {
      for (const [source, acks] of together(jobs)) staged.push(await source.stage(acks));
      const records = jobs.flatMap((job) => job.records);
      const reports = await producer.transact(records, staged);
      end = 'committed';
      return reports;
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'transaction-unconfirmed') end = 'unknown';
      throw error;
    } finally {
      for (const each of staged) each[end]();
    }
  }

  /** The producer that has rested longest, or another one if it has not rested. */
  #take(): TransactionalProducer {
    const { clock, limit, idPrefix } = this.#options;
    const isRested = (this.#free[0]?.usedAt ?? Number.POSITIVE_INFINITY) < clock.monotonic() - restMs;
    if (!isRested && this.#producers.length < limit) {
      const producer = new TransactionalProducer(`${idPrefix}-${this.#producers.length}`, this.#options);
      this.#producers.push(producer);
      return producer;
    }
    return this.#free.shift()!;
  }
}

/** The acks of all jobs, by their source. */
function together(jobs: readonly TransactionJob[]): Acks {
  if (jobs.length === 1) return jobs[0]!.acks;
  const all = new Map<AckSource, readonly TopicPartitionOffset[]>();
  for (const { acks } of jobs)
    for (const [source, mine] of acks) all.set(source, [...(all.get(source) ?? []), ...mine]);
  return all;
}

function refused(error: unknown, id: string): unknown {
  if (!(error instanceof KafkaError)) return error;
  return new GatewayError('exec-aborted', [reasonOf(error, id)], { cause: error });
}

function reasonOf(error: KafkaError, id: string): string {
  const { code, message } = error;
  if (code === KafkaCode.transactionalIdAuthorizationFailed)
    return `Kafka does not permit the transactional id '${id}': it needs the rights WRITE and DESCRIBE on it (resp.transactionalId)`;
  if (isFenced(error)) return `another process uses the transactional id '${id}' (resp.transactionalId)`;
  return message;
}
