// ProducerSession: the only way to produce. Counts records in flight, holds callers back, reports failures.
import { fail, GatewayError } from '../../errors.js';
import { sleep, within } from '../clock.js';
import {
  type Clock,
  type DeliveryReport,
  isMissingTopic,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Producer,
  type ProducerOptions,
  type ProducerRecord,
  type ReportMode,
} from '../ports.js';
import { own } from '../promises.js';
import type { Stats } from '../stats/stats.js';
import { checkTopicName } from '../topics/topic-name.js';

export interface ProducerSessionOptions {
  /** `all` if each record's result is needed (send), `errors` if only failures count: 2.7 times as cheap. */
  readonly reports: ReportMode;
  /** Opens the connected client; called on first use, after an idle close and after a fatal error. */
  readonly open: (
    options: Pick<ProducerOptions, 'reports' | 'onReport' | 'onFault'>,
    timeoutMs: number,
  ) => Promise<Producer>;
  /** Takes back a client with nothing in flight when the session ends; absent, or false: it is closed. */
  readonly keep?: (producer: Producer) => boolean;
  /** Whether topics whose names begin with `__` may be written; absent: no. */
  readonly allowInternalTopics?: boolean;
  /** How long a full queue or a missing broker holds a caller back, ms. */
  readonly produceTimeoutMs: number;
  readonly clock: Clock;
  readonly stats: Stats;
  /** Called for every failed delivery (for the log). */
  readonly onFailure: (report: DeliveryReport) => void;
  /** Called when the session closes, with the number of undelivered records by topic (for the log). */
  readonly onLost: (topics: ReadonlyMap<string, number>) => void;
  /** Called for client faults that lose nothing (for the log). */
  readonly onFault: (fault: KafkaFault) => void;
}

/** Settles one send(). @returns false if it has sent the record again instead. */
type Receipt = (report: DeliveryReport) => boolean;

/** Pause before a full queue is tried again, ms. */
const retryMs = 5;
/** How long a topic that a delivery found missing is refused at once, ms. */
const missingTopicMs = 3_000;
/** How long a producer that failed for good may take to report its losses, ms. */
const fatalFlushMs = 1_000;

/** Report of a record that was lost with a failed producer. */
const lostReport: DeliveryReport = {
  topic: '',
  partition: -1,
  offset: -1,
  timestamp: -1,
  error: {
    code: KafkaCode.purgeQueue,
    message: 'Local: Purged in queue',
    fatal: false,
    retriable: true,
    abortable: false,
  },
};

/**
 * A producer owned by one connection, or shared by a listener. Its client is opened on first use and replaced after a
 * fatal (idempotence) error.
 */
export class ProducerSession {
  readonly #options: ProducerSessionOptions;
  #producer: Producer | undefined;
  #opening: Promise<Producer> | undefined;
  #closed = false;
  /** Callers that are held back, in order. */
  #line: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #queued = 0;
  #settled = 0;
  /** Number of records in flight that a send() waits for. */
  readonly #receipts = new Set<Receipt>();
  #failedSinceDump = 0;
  /** What is given up at the end, by topic. */
  #lost: Map<string, number> | undefined;
  #lastTopic = '';
  /** Since the last closeIfIdle(): reading the clock costs a twentieth of a record. */
  #isUsed = false;
  #lastUse = 0;
  #missing = new Map<string, { until: number; text: string }>();
  #onIdle: (() => void)[] = [];
  /** Calls of flush() that have not settled. */
  #flushes = 0;

  constructor(options: ProducerSessionOptions) {
    this.#options = options;
  }

  /** Messages that may still be in flight: exact with reports `all`, else an upper bound since the last successful flush. */
  get inFlight(): number {
    const most = this.#queued - this.#settled;
    const producer = this.#producer;
    return producer && most > 0 && this.#options.reports === 'errors' ? Math.min(most, producer.pending) : most;
  }

  /** Records that failed since the last DUMP and were not reported. */
  get failed(): number {
    return this.#failedSinceDump;
  }

  /** Whether a client is open (it is opened on first use). */
  get isOpen(): boolean {
    return this.#producer !== undefined;
  }

  /**
   * Queues one record. Returns nothing if it is queued, a promise if the caller is held back (the queue is full,
   * or the client is still connecting).
   * @throws GatewayError (or rejects with) `topic-invalid`, `topic-internal`, `produce-refused`, `queue-full` after produceTimeoutMs.
   */
  enqueue(record: ProducerRecord): undefined | Promise<void> {
    return this.#submit(record, undefined);
  }

  /** Queues one record at once. @returns false if the caller must be held back: nothing was queued. @throws as enqueue() */
  offer(record: ProducerRecord): boolean {
    return this.#offered(record, undefined);
  }

  /** Queues records behind callers that are held back, with nothing in between, up to the first refusal. Rejects as enqueue(). */
  enqueueInOrder(records: readonly ProducerRecord[]): Promise<void> {
    return this.#lineUp(async () => {
      for (const record of records) await this.#produceWithin(record, undefined);
    });
  }

  /**
   * Queues one record and waits until Kafka has it. Needs reports `all`. The report's `error` holds Kafka's refusal.
   * @param isMovable its partition, if it has one, was not chosen by a client: if it is gone, the record may go to another one
   * @throws GatewayError as enqueue().
   */
  send(record: ProducerRecord, isMovable = record.partition === undefined): Promise<DeliveryReport> {
    return new Promise((resolve, reject) => {
      const settle = (report: DeliveryReport): boolean => {
        resolve(report);
        return true;
      };
      const receipt = (report: DeliveryReport): boolean => {
        // The topic was made again with fewer partitions. The record never left, and librdkafka knows now which partitions there are.
        if (!isMovable || report.error?.code !== KafkaCode.unknownPartition) return settle(report);
        const { partition: _, ...unplaced } = record;
        const again = async (): Promise<void> => this.#submit(unplaced, settle);
        own(again(), reject);
        return false;
      };
      this.#submit(record, receipt)?.catch(reject);
    });
  }

  /** Waits until nothing is in flight. @returns messages that may still be in flight after timeoutMs; 0: none. */
  async flush(timeoutMs: number): Promise<number> {
    this.#flushes += 1;
    try {
      return await this.#flush(timeoutMs);
    } finally {
      this.#flushes -= 1;
    }
  }

  async #flush(timeoutMs: number): Promise<number> {
    const deadline = this.#options.clock.monotonic() + timeoutMs;
    if (this.#waiting > 0) await within(this.#options.clock, timeoutMs, this.#line);
    const producer = this.#producer;
    if (!producer) return this.inFlight;
    const left = Math.max(0, deadline - this.#options.clock.monotonic());
    if (this.#options.reports === 'all') {
      await within(this.#options.clock, left, this.#idle());
    } else {
      const covered = this.#queued;
      if (await producer.flush(left)) this.#settled = Math.max(this.#settled, covered);
      // What has left the client since may have failed, which is not reported yet.
      else if (this.#queued > this.#settled) return Math.max(1, this.inFlight);
    }
    return this.inFlight;
  }

  /**
   * DUMP: waits at most timeoutMs. 0 means that every message since the last call is in Kafka.
   * @param isHeard whether the caller is still there when the count is known: otherwise it remains for the client's next connection.
   * @returns messages that may still be in flight, plus those that failed since the last call.
   */
  async dump(timeoutMs: number, isHeard: () => boolean = () => true): Promise<number> {
    const left = await this.flush(timeoutMs);
    const failed = this.#failedSinceDump;
    if (isHeard()) this.#failedSinceDump = 0;
    return left + failed;
  }

  /**
   * Called periodically: gives the client back if nothing was produced for idleMs, as seen by these calls, and nothing
   * is in flight. The next record opens a new one.
   */
  async closeIfIdle(idleMs: number): Promise<boolean> {
    const producer = this.#producer;
    const now = this.#options.clock.monotonic();
    if (this.#isUsed) this.#lastUse = now;
    this.#isUsed = false;
    if (!producer || this.#waiting > 0 || now - this.#lastUse < idleMs) return false;
    if ((await this.flush(0)) > 0 || this.#isUsed || this.#producer !== producer) return false;
    this.#producer = undefined;
    await producer.close(0);
    return true;
  }

  /** Flushes for at most timeoutMs and closes. @returns messages that were not delivered (also added to the stats). */
  async close(timeoutMs: number): Promise<number> {
    if (this.#closed) return 0;
    const left = await this.flush(timeoutMs);
    this.#closed = true;
    const producer = this.#producer ?? (await this.#opening?.catch(() => undefined));
    this.#producer = undefined;
    // A DUMP that has not noticed yet would continue to flush a client of another owner.
    const isClean = left === 0 && this.#waiting === 0 && this.#flushes === 0;
    const lost = producer && left > 0 ? await this.#giveUp(producer, left) : left;
    if (producer && !(isClean && this.#options.keep?.(producer))) await producer.close(0);
    if (lost > 0) this.#options.stats.add('producer.unflushed.messages', lost);
    return lost;
  }

  /** @returns how many of the remaining records are lost; those that reached Kafka in the last moment are not. */
  async #giveUp(producer: Producer, left: number): Promise<number> {
    this.#lost = new Map();
    if (!(await producer.purge())) return left;
    // What was given up and not reported in time counts as lost as well.
    const unreported = producer.pending;
    if (unreported > 0) this.#lost.set('(not reported)', unreported);
    this.#failedSinceDump += unreported;
    let lost = 0;
    for (const count of this.#lost.values()) lost += count;
    this.#settled = this.#queued;
    if (lost > 0) this.#options.onLost(this.#lost);
    return lost;
  }

  #submit(record: ProducerRecord, receipt: Receipt | undefined): undefined | Promise<void> {
    return this.#offered(record, receipt) ? undefined : this.#lineUp(() => this.#produceWithin(record, receipt));
  }

  /** @returns false if the caller must be held back. */
  #offered(record: ProducerRecord, receipt: Receipt | undefined): boolean {
    if (record.topic !== this.#lastTopic) {
      checkTopicName(record.topic, this.#options.allowInternalTopics);
      this.#lastTopic = record.topic;
    }
    return this.#waiting === 0 && this.#producer !== undefined && this.#produced(this.#producer, record, receipt);
  }

  #lineUp(produce: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    const turn = this.#line.then(produce).finally(() => {
      this.#waiting -= 1;
    });
    this.#line = turn.catch(() => {});
    return turn;
  }

  /** @returns false if the queue is full. */
  #produced(producer: Producer, record: ProducerRecord, receipt: Receipt | undefined): boolean {
    if (this.#missing.size > 0) this.#refuseMissing(record.topic);
    try {
      producer.produce(record, receipt);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (error.code === KafkaCode.queueFull) return false;
      if (error.fatal) this.#replace(producer);
      throw new GatewayError('produce-refused', [error.message], { cause: error });
    }
    this.#queued += 1;
    if (receipt) this.#receipts.add(receipt);
    this.#options.stats.add('producer.messages');
    this.#isUsed = true;
    return true;
  }

  async #produceWithin(record: ProducerRecord, receipt: Receipt | undefined): Promise<void> {
    const { clock, produceTimeoutMs } = this.#options;
    const deadline = clock.monotonic() + produceTimeoutMs;
    for (;;) {
      const producer = this.#producer ?? (await this.#opened(deadline - clock.monotonic()));
      if (this.#produced(producer, record, receipt)) return;
      if (clock.monotonic() >= deadline) throw fail('queue-full');
      await sleep(clock, retryMs);
    }
  }

  async #opened(timeoutMs: number): Promise<Producer> {
    if (this.#closed) throw fail('shutting-down');
    this.#opening ??= this.#open(Math.max(1, timeoutMs)).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(timeoutMs: number): Promise<Producer> {
    let opened: Producer | undefined;
    const producer = await this.#options
      .open(
        {
          reports: this.#options.reports,
          onReport: (report, tag) => this.#report(report, tag as Receipt | undefined),
          onFault: (fault) => (fault.fatal && opened ? this.#replace(opened) : this.#options.onFault(fault)),
        },
        timeoutMs,
      )
      .catch((error: unknown) => {
        throw error instanceof KafkaError
          ? new GatewayError('produce-refused', [error.message], { cause: error })
          : error;
      });
    opened = producer;
    this.#producer = producer;
    return producer;
  }

  #report(report: DeliveryReport, receipt: Receipt | undefined): void {
    this.#settled = Math.min(this.#queued, this.#settled + 1);
    const isSettled = !(receipt && this.#receipts.delete(receipt)) || receipt(report);
    if (report.error && isSettled) this.#failed(report, report.error, receipt !== undefined);
    if (this.#onIdle.length > 0 && this.inFlight === 0) for (const wake of this.#onIdle.splice(0)) wake();
  }

  /** @param isTold the sender of the record gets the report: DUMP need not count it. */
  #failed(report: DeliveryReport, error: KafkaFault, isTold: boolean): void {
    if (!isTold) this.#failedSinceDump += 1;
    this.#options.stats.add('producer.delivery.errors');
    if (this.#lost) this.#lost.set(report.topic, (this.#lost.get(report.topic) ?? 0) + 1);
    else this.#options.onFailure(report);
    if (isMissingTopic(error)) {
      this.#missing.set(report.topic, { until: this.#options.clock.monotonic() + missingTopicMs, text: error.message });
    }
  }

  #refuseMissing(topic: string): void {
    const missing = this.#missing.get(topic);
    if (!missing) return;
    if (this.#options.clock.monotonic() < missing.until) throw fail('produce-refused', missing.text);
    this.#missing.delete(topic);
  }

  async #idle(): Promise<void> {
    if (this.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  /** A fatal error: the client is no longer usable. What it still held counts as failed; the next record opens a new one. */
  #replace(producer: Producer): void {
    if (this.#producer !== producer) return;
    this.#producer = undefined;
    const retired = async (): Promise<void> => {
      const reported = await producer.flush(fatalFlushMs);
      await producer.close(0);
      const lost = reported ? 0 : this.inFlight;
      this.#settled = this.#queued;
      this.#failedSinceDump += lost;
      if (lost > 0) this.#options.stats.add('producer.delivery.errors', lost);
      for (const receipt of this.#receipts) receipt(lostReport);
      this.#receipts.clear();
    };
    this.#line = this.#line.then(retired, retired);
  }
}
