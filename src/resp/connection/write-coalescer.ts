// TurnWrites: what all connections are answered in one turn of the event loop, written when it ends.
import type { Encoder } from '../wire/encoder.js';

/** One connection's part. */
export interface Writer {
  /** Writes what is due. What the system has not taken of it is kept in the encoder's memory. */
  write(): void;
  /** Writing failed: a bug. */
  failed(error: unknown): void;
}

/** A connection that alone was answered in so many turns in a row does not wait for others. */
const turnsAlone = 8;

/**
 * As Redis does it: everything that came in is read and run before the first reply leaves. A client on the same machine that is woken by each
 * reply takes turns with the server, at a context switch a request. Where there is one client only, waiting for others gains nothing, and the
 * client can work while the turn ends.
 */
export class TurnWrites {
  readonly #encoder: Encoder;
  #due: Writer[] = [];
  /** Who alone was answered in the last turns, and in how many. */
  #lone: Writer | undefined;
  #turns = 0;

  /** @param encoder the one that the replies come from. */
  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  /** Whether nobody else is answered these days: what is due can be written at once. */
  isAlone(writer: Writer): boolean {
    return this.#lone === writer && this.#turns >= turnsAlone && this.#due.length === 0;
  }

  add(writer: Writer): void {
    if (this.#due.length === 0) setImmediate(this.#write);
    this.#due.push(writer);
  }

  readonly #write = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const writer of due) {
      try {
        writer.write();
      } catch (error) {
        writer.failed(error);
      }
    }
    this.#encoder.rewind();
    this.#count(due);
  };

  #count(due: readonly Writer[]): void {
    const lone = due.length === 1 ? due[0] : undefined;
    this.#turns = lone === this.#lone ? this.#turns + 1 : 1;
    this.#lone = lone;
  }
}
