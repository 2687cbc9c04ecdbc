// TransactionProducers: a pool of transactional producers. Each run is one Kafka transaction: records of any topics, and positions of groups.
import { fail, GatewayError } from '../../errors.js';
import { sleep, within } from '../clock.js';
import {
  type Clock,
  type DeliveryReport,
  isFenced,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Producer,
  type ProducerRecord,
  type TopicPartitionOffset,
} from '../ports.js';
import { own } from '../promises.js';
import type { Stats } from '../stats/stats.js';

/** Positions of a group that move with a transaction. */
export interface Movement {
  readonly positions: readonly TopicPartitionOffset[];
  /** Consumer.groupMetadata() of the member that they are of: Kafka refuses one whose generation is over. */
  readonly member: Buffer;
}

export interface TransactionProducersOptions {
  readonly kafka: KafkaFactory;
  /** Transactional ids are this, a dash and a number from 0. */
  readonly idPrefix: string;
  /** Transactions at a time; others wait. */
  readonly limit: number;
  /** How long a transaction may take, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly stats: Stats;
  /** Told of client faults (for the log). */
  readonly onFault: (fault: KafkaFault) => void;
}

interface Slot {
  readonly id: string;
  producer: Producer | undefined;
  /** A fatal fault: the producer is of no more use. */
  isBroken: boolean;
  usedAt: number;
}

type Receipt = (report: DeliveryReport) => void;

/** How soon a full queue, or a commit that may be repeated, is tried again, ms. */
const retryMs = 5;
/** What an abort may take, ms; one that does not end is left to Kafka, which ends it when the transaction's time is over. */
const abortMs = 5_000;
/** Kafka ends a transaction that is open for so much longer than it may take, ms. */
const graceMs = 5_000;

export class TransactionProducers {
  readonly #options: TransactionProducersOptions;
  readonly #slots: Slot[] = [];
  /** The one that was used last is at the end, and is taken first. */
  readonly #free: Slot[] = [];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  #running = 0;
  #closed = false;
  #onIdle: () => void = () => {};

  constructor(options: TransactionProducersOptions) {
    this.#options = options;
  }

  /** Producers that are open. */
  get count(): number {
    return this.#slots.filter(({ producer }) => producer !== undefined).length;
  }

  /**
   * Writes all of the records and moves all of the positions, or none.
   * @returns the records' reports, in their order
   * @throws GatewayError `transaction-unconfirmed`: it is not known which; `exec-aborted`: none
   */
  async run(records: readonly ProducerRecord[], movements: readonly Movement[]): Promise<readonly DeliveryReport[]> {
    const { clock, timeoutMs, stats } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    const slot = await this.#take(timeoutMs);
    this.#running++;
    try {
      const reports = await this.#transact(slot, records, movements, deadline);
      stats.add('transactions.committed');
      stats.add('producer.messages', records.length);
      return reports;
    } catch (error) {
      stats.add('transactions.failed');
      throw refused(error, slot.id);
    } finally {
      this.#running--;
      this.#giveBack(slot);
    }
  }

  /** Closes those that nobody has used for idleMs. */
  closeIdle(idleMs: number): void {
    const before = this.#options.clock.monotonic() - idleMs;
    for (const slot of this.#free) if (slot.usedAt < before) this.#drop(slot);
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
    await Promise.all(this.#slots.map(({ producer }) => producer?.close(0)));
  }

  async #transact(
    slot: Slot,
    records: readonly ProducerRecord[],
    movements: readonly Movement[],
    deadline: number,
  ): Promise<readonly DeliveryReport[]> {
    const left = (): number => Math.max(1, Math.ceil(deadline - this.#options.clock.monotonic()));
    const producer = await this.#ready(slot, left());
    await producer.beginTransaction().catch((error: unknown) => {
      this.#drop(slot);
      throw error;
    });
    let reports: readonly DeliveryReport[];
    try {
      reports = await this.#write(producer, records, movements, left);
    } catch (error) {
      await this.#abort(slot, producer);
      throw error;
    }
    await this.#commit(slot, producer, left);
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
  async #commit(slot: Slot, producer: Producer, left: () => number): Promise<void> {
    for (;;) {
      try {
        return await producer.commitTransaction(left());
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (error.abortable) {
          await this.#abort(slot, producer);
          throw error;
        }
        const repeats = error.retriable && !error.fatal;
        if (repeats && left() > 1) {
          await sleep(this.#options.clock, retryMs);
          continue;
        }
        this.#drop(slot);
        if (isFenced(error)) throw error;
        throw new GatewayError('transaction-unconfirmed', [error.message], { cause: error });
      }
    }
  }

  async #abort(slot: Slot, producer: Producer): Promise<void> {
    try {
      await producer.abortTransaction(abortMs);
    } catch {
      // The next producer of this id ends it, or Kafka when its time is over.
      this.#drop(slot);
    }
  }

  async #ready(slot: Slot, timeoutMs: number): Promise<Producer> {
    if (slot.isBroken) this.#drop(slot);
    slot.producer ??= await this.#open(slot, timeoutMs);
    return slot.producer;
  }

  async #open(slot: Slot, timeoutMs: number): Promise<Producer> {
    const { kafka, timeoutMs: mostMs, onFault } = this.#options;
    slot.isBroken = false;
    const producer = await kafka.producer(
      {
        reports: 'all',
        properties: {
          'transactional.id': slot.id,
          'transaction.timeout.ms': mostMs + graceMs,
          'message.timeout.ms': mostMs,
          'linger.ms': 0,
          'sticky.partitioning.linger.ms': 10,
        },
        onReport: (report, tag) => (tag as Receipt | undefined)?.(report),
        onFault: (fault) => {
          if (fault.fatal) slot.isBroken = true;
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

  #drop(slot: Slot): void {
    const { producer } = slot;
    slot.producer = undefined;
    if (producer) own(producer.close(0), () => {});
  }

  async #take(timeoutMs: number): Promise<Slot> {
    if (this.#closed) throw fail('shutting-down');
    const free = this.#free.pop();
    if (free) return free;
    const { limit, idPrefix, clock } = this.#options;
    if (this.#slots.length < limit) {
      const slot = { id: `${idPrefix}-${this.#slots.length}`, producer: undefined, isBroken: false, usedAt: 0 };
      this.#slots.push(slot);
      return slot;
    }
    let give: (slot: Slot) => void = () => {};
    const given = new Promise<Slot>((resolve) => {
      give = resolve;
    });
    this.#waiting.push(give);
    const slot = await within(clock, timeoutMs, given);
    if (slot) return slot;
    const index = this.#waiting.indexOf(give);
    if (index < 0) return given;
    this.#waiting.splice(index, 1);
    throw fail('exec-aborted', `${limit} transactions are running already`);
  }

  #giveBack(slot: Slot): void {
    slot.usedAt = this.#options.clock.monotonic();
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
    if (this.#running === 0) this.#onIdle();
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
