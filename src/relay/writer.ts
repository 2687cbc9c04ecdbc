// What a mapping writes through: records go out, and with commit() also the record of how far the source was read.
import { sleep } from '../core/clock.js';
import {
  type Clock,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Producer,
  type ProducerRecord,
} from '../core/ports.js';
import type { RunState } from './run-state.js';

export interface Writer {
  /** Records written since the last commit. */
  readonly pending: number;
  /** Queues a record. A promise when the queue is full: wait for it. @throws KafkaError when the writer is of no more use. */
  write(record: ProducerRecord): undefined | Promise<void>;
  /**
   * Delivers everything written, and records progress: together, or progress afterwards.
   * @throws KafkaError when that failed: nothing is known then but what the checkpoint says. Open another writer.
   */
  commit(progress: readonly ProducerRecord[]): Promise<void>;
  /** Gives up what is not committed. Never rejects. */
  close(): Promise<void>;
}

export interface WriterOptions {
  readonly clock: Clock;
  readonly run: RunState;
  /** One try's time, ms. */
  readonly sessionTimeoutMs: number;
  /** Tries of one delivery; -1: no end. */
  readonly maxRetries: number;
  /** A delivery was tried again. */
  readonly onRetry: () => void;
  /** The queue was full. */
  readonly onBlocked: () => void;
}

/** How soon a full queue is tried again, ms. */
const roomMs = 2;

/** What both kinds of writer share: the producer, its first failure, and waiting for room in its queue. */
export class Outlet {
  readonly producer: Producer;
  readonly options: WriterOptions;
  readonly #failure: () => KafkaFault | undefined;
  pending = 0;

  constructor(producer: Producer, failure: () => KafkaFault | undefined, options: WriterOptions) {
    this.producer = producer;
    this.#failure = failure;
    this.options = options;
  }

  write(record: ProducerRecord): undefined | Promise<void> {
    if (!this.#tryWrite(record)) return this.#writeWhenRoom(record);
    this.pending += 1;
    return undefined;
  }

  /** @throws KafkaError what the producer reported since it was opened */
  check(): void {
    const failure = this.#failure();
    if (failure) throw new KafkaError(failure);
  }

  /** Throws for one try too many, and when the time to stop is over. */
  checkTries(tries: number, cause: KafkaFault): void {
    const { maxRetries, run } = this.options;
    if (run.allow(1) === 0 || (maxRetries >= 0 && tries > maxRetries)) throw new KafkaError(cause);
    this.options.onRetry();
  }

  #tryWrite(record: ProducerRecord): boolean {
    try {
      this.producer.produce(record);
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.code === KafkaCode.queueFull) return false;
      throw error;
    }
  }

  async #writeWhenRoom(record: ProducerRecord): Promise<void> {
    this.options.onBlocked();
    do {
      this.check();
      if (this.options.run.allow(1) === 0) throw new KafkaError(stopped);
      await sleep(this.options.clock, roomMs);
    } while (!this.#tryWrite(record));
    this.pending += 1;
  }
}

export const stopped: KafkaFault = {
  code: KafkaCode.timedOut,
  message: 'the target did not take everything before the time to stop was over',
  fatal: false,
  retriable: false,
  abortable: false,
};
