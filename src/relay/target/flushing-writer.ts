// At least once: each batch is flushed, then its progress is written. After a crash a batch may come twice; none is skipped.
import type { ProducerRecord } from '../../core/ports.js';
import { late, type Outlet, type Writer } from './writer.js';

export class FlushingWriter implements Writer {
  readonly #outlet: Outlet;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  get pending(): number {
    return this.#outlet.pending;
  }

  write(record: ProducerRecord): undefined | Promise<void> {
    return this.#outlet.write(record);
  }

  /** Progress is written behind the batch and awaited with the next one: losing it costs a repetition only. */
  async commit(progress: readonly ProducerRecord[]): Promise<void> {
    await this.#flush();
    this.#outlet.pending = 0;
    for (const record of progress) await this.#outlet.write(record);
    this.#outlet.pending = 0;
  }

  async close(): Promise<void> {
    const { producer, options } = this.#outlet;
    await producer.close(options.run.allow(options.tryMs));
  }

  async #flush(): Promise<void> {
    const stillWaiting = this.#outlet.patience();
    while (!(await this.#outlet.producer.flush(this.#outlet.slice))) {
      this.#outlet.check();
      stillWaiting(late);
    }
    this.#outlet.check();
  }
}
