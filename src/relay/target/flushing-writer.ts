// At least once: each batch is flushed, then its progress is written. After a crash a batch may come twice; none is skipped.
import type { ProducerRecord } from '../../core/ports.js';
import { late, type RecordWriter, type Writer } from './writer.js';

export class FlushingWriter implements Writer {
  readonly #recordWriter: RecordWriter;

  constructor(recordWriter: RecordWriter) {
    this.#recordWriter = recordWriter;
  }

  get pending(): number {
    return this.#recordWriter.pending;
  }

  write(record: ProducerRecord, tag?: unknown): undefined | Promise<void> {
    return this.#recordWriter.write(record, tag);
  }

  /** Progress is written behind the batch and awaited with the next one: losing it costs a repetition only. */
  async commit(progress: readonly ProducerRecord[]): Promise<void> {
    await this.#flush();
    this.#recordWriter.pending = 0;
    for (const record of progress) await this.#recordWriter.write(record);
    this.#recordWriter.pending = 0;
  }

  causeOf(error: unknown): Promise<unknown> {
    return this.#recordWriter.causeOf(error);
  }

  async close(): Promise<void> {
    const { producer, options } = this.#recordWriter;
    await producer.close(options.run.allow(options.tryMs));
  }

  async #flush(): Promise<void> {
    const stillWaiting = this.#recordWriter.patience();
    while (!(await this.#recordWriter.producer.flush(this.#recordWriter.slice))) {
      this.#recordWriter.check();
      stillWaiting(late);
    }
    this.#recordWriter.check();
  }
}
