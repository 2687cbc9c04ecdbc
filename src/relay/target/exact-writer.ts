// Exactly once: records and progress in one transaction. See docs/decisions/0007.
import { sleep } from '../../core/clock.js';
import { KafkaError, type Producer, type ProducerRecord } from '../../core/ports.js';
import type { RecordWriter, Writer } from './writer.js';

/** Pause between two tries of a commit, ms. */
const pauseMs = 20;
/** Time limit of an abort when the writer closes, ms. */
const abortMs = 2_000;

/** A transaction is always open; commit() ends it and begins the next (an empty one costs the broker nothing). */
export class ExactWriter implements Writer {
  readonly #recordWriter: RecordWriter;

  private constructor(recordWriter: RecordWriter) {
    this.#recordWriter = recordWriter;
  }

  /** @param recordWriter of a producer whose initTransactions() has succeeded */
  static async open(recordWriter: RecordWriter): Promise<ExactWriter> {
    await recordWriter.producer.beginTransaction();
    return new ExactWriter(recordWriter);
  }

  get pending(): number {
    return this.#recordWriter.pending;
  }

  write(record: ProducerRecord, tag?: unknown): undefined | Promise<void> {
    return this.#recordWriter.write(record, tag);
  }

  async commit(progress: readonly ProducerRecord[]): Promise<void> {
    for (const record of progress) await this.#recordWriter.write(record);
    this.#recordWriter.check();
    await this.#commitTransaction();
    this.#recordWriter.pending = 0;
    await this.#recordWriter.producer.beginTransaction();
  }

  /** Aborts the open transaction at once: until it has ended it hides other records of the checkpoint topic. */
  async close(): Promise<void> {
    const { producer, options } = this.#recordWriter;
    const limitMs = options.run.allow(Math.min(abortMs, options.tryMs));
    if (limitMs >= 1) await producer.abortTransaction(limitMs).catch(notAborted);
    await producer.close(0);
  }

  /** An attempt that timed out may be repeated: librdkafka continues it. */
  async #commitTransaction(): Promise<void> {
    const { producer, options } = this.#recordWriter;
    const stillWaiting = this.#recordWriter.patience();
    for (;;) {
      try {
        return await producer.commitTransaction(this.#recordWriter.slice);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (!canRepeat(error)) throw await this.causeOf(error);
        stillWaiting(error);
        // Not every retriable error has used up its time.
        await sleep(options.clock, pauseMs);
      }
    }
  }

  causeOf(error: unknown): Promise<unknown> {
    return this.#recordWriter.causeOf(error);
  }
}

/** A producer that was fenced, has failed, or has lost its target: the broker ends the transaction after its time-out. */
function notAborted(error: unknown): void {
  if (!(error instanceof KafkaError)) throw error;
}

const canRepeat = (error: KafkaError): boolean => error.retriable && !error.fatal && !error.abortable;

/** Ends the transaction of the previous owner of the transactional id, and fences it. @throws KafkaError */
export async function initTransactions(producer: Producer, timeoutMs: number, stopping: () => boolean): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await producer.initTransactions(timeoutMs);
    } catch (error) {
      if (!(error instanceof KafkaError) || !canRepeat(error) || tries >= 5 || stopping()) throw error;
    }
  }
}
