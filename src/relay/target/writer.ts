// What a mapping writes through: records, and with commit() also the source's positions.
import { sleep } from '../../core/clock.js';
import {
  type Clock,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Producer,
  type ProducerRecord,
} from '../../core/ports.js';
import type { RunState } from '../run-state.js';

export interface Writer {
  /** Records written since the last commit. */
  readonly pending: number;
  /** Queues a record; `tag` stands in the report of its refusal. Returns a promise if the queue is full: wait for it. @throws KafkaError if the writer is unusable. */
  write(record: ProducerRecord, tag?: unknown): undefined | Promise<void>;
  /**
   * Delivers everything written, and records progress: together, or progress afterwards.
   * @throws KafkaError if that failed: then only the checkpoint is known. Open another writer.
   */
  commit(progress: readonly ProducerRecord[]): Promise<void>;
  /** Why it failed, as the reports of the records say it: a call says only that the transaction did. */
  causeOf(error: unknown): Promise<unknown>;
  /** Gives up what is not committed. Never rejects. */
  close(): Promise<void>;
}

export interface WriterOptions {
  readonly clock: Clock;
  readonly run: RunState;
  /** Time limit of one try, ms. */
  readonly tryMs: number;
  /** Tries of one delivery; -1: no end. */
  readonly maxRetries: number;
  /** The target did not accept something within one try's time, and gets another one. */
  readonly onRetry: (cause: KafkaFault) => void;
  /** librdkafka did not take a record. */
  readonly onThrown: (tag: unknown, error: unknown) => void;
  /** The queue was full. */
  readonly onBlocked: () => void;
}

/** Pause before a full queue is tried again, ms. */
const roomMs = 2;
/** How much later than a call's error the report of its cause may come, ms. */
const reportMs = 50;
/** The longest wait for librdkafka, ms: the stop signal may come at its beginning. */
const sliceMs = 500;

/** What both kinds of writer share: the producer, its first failure, and waiting for space in its queue. */
export class RecordWriter {
  readonly producer: Producer;
  readonly options: WriterOptions;
  readonly #failure: () => KafkaFault | undefined;
  pending = 0;

  constructor(producer: Producer, failure: () => KafkaFault | undefined, options: WriterOptions) {
    this.producer = producer;
    this.#failure = failure;
    this.options = options;
  }

  write(record: ProducerRecord, tag?: unknown): undefined | Promise<void> {
    if (!this.#tryWrite(record, tag)) return this.#writeWhenRoom(record, tag);
    this.pending += 1;
    return undefined;
  }

  /** @throws KafkaError that the producer reported since it was opened */
  check(): void {
    const failure = this.#failure();
    if (failure) throw new KafkaError(failure);
  }

  /** What the first report of a failure says, which may come a moment after the error of a call; else the error. */
  async causeOf(error: unknown): Promise<unknown> {
    if (!this.#failure()) await this.producer.flush(reportMs);
    const failure = this.#failure();
    return failure ? new KafkaError(failure) : error;
  }

  /** Time limit of one wait for librdkafka, ms. */
  get slice(): number {
    return Math.max(1, this.options.run.allow(Math.min(sliceMs, this.options.tryMs)));
  }

  /**
   * To be called while something is still pending.
   * @returns a function that throws KafkaError after one try too many, and when the time to stop is over
   */
  patience(): (cause: KafkaFault) => void {
    const { maxRetries, run, clock, tryMs, onRetry } = this.options;
    let since = clock.monotonic();
    let tries = 0;
    return (cause) => {
      if (run.allow(1) === 0) throw new KafkaError(cause);
      if (clock.monotonic() - since < tryMs) return;
      since = clock.monotonic();
      tries += 1;
      if (maxRetries >= 0 && tries > maxRetries) throw new KafkaError(cause);
      onRetry(cause);
    };
  }

  #tryWrite(record: ProducerRecord, tag: unknown): boolean {
    try {
      this.producer.produce(record, tag);
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.code === KafkaCode.queueFull) return false;
      this.options.onThrown(tag, error);
      throw error;
    }
  }

  async #writeWhenRoom(record: ProducerRecord, tag: unknown): Promise<void> {
    this.options.onBlocked();
    const stillWaiting = this.patience();
    do {
      this.check();
      stillWaiting(late);
      await sleep(this.options.clock, roomMs);
    } while (!this.#tryWrite(record, tag));
    this.pending += 1;
  }
}

/** The target does not accept what it is sent. */
export const late: KafkaFault = {
  code: KafkaCode.timedOut,
  message: 'the target does not take what is written in time',
  fatal: false,
  retriable: true,
  abortable: false,
};
