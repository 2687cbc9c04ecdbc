// TurnWrites: what all connections are answered in one turn of the event loop, written when it ends.
import type { Encoder } from './encoder.js';

/** One connection's part. */
export interface Writer {
  /** Writes what is due. @returns whether the system has taken it all. */
  write(): boolean;
}

/**
 * As Redis does it: everything that came in is read and run before the first reply leaves. A client on the same machine that is woken by each
 * reply takes turns with the server, at a context switch a request.
 */
export class TurnWrites {
  readonly #encoder: Encoder;
  #due: Writer[] = [];

  /** @param encoder the one that the replies come from. */
  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  add(writer: Writer): void {
    if (this.#due.length === 0) setImmediate(this.#write);
    this.#due.push(writer);
  }

  readonly #write = (): void => {
    const due = this.#due;
    this.#due = [];
    let taken = true;
    for (const writer of due) taken = writer.write() && taken;
    if (taken) this.#encoder.rewind();
  };
}
