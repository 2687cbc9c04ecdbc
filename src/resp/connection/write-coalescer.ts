// WriteCoalescer: replies of one turn of the event loop to all connections, written when it ends. See docs/decisions/0008.
import { TurnQueue } from '../../io/turn-queue.js';
import type { Encoder } from '../wire/encoder.js';

/** One connection's part. */
export interface DueWriter {
  /** Writes what is due. Data that the system has not taken stays in the encoder's memory. */
  write(): void;
  /** Writing failed: a defect. */
  failed(error: unknown): void;
}

/** A connection that was the only one answered in this many turns in a row does not wait for others. */
const turnsAlone = 8;

/**
 * As Redis does: everything received is read and run before the first reply leaves. A client on the same machine that is woken by each
 * reply takes turns with the server, at a context switch a request. With a single client, waiting for others gains nothing, and the
 * client can work while the turn ends.
 */
export class WriteCoalescer {
  readonly #due: TurnQueue<DueWriter>;
  /** The only connection answered in the last turns, and in how many. */
  #lone: DueWriter | undefined;
  #turns = 0;

  /** @param encoder the source of the replies. */
  constructor(encoder: Encoder) {
    this.#due = new TurnQueue({
      handle: (writer) => writer.write(),
      failed: (writer, error) => writer.failed(error),
      ended: (due) => {
        encoder.rewind();
        this.#count(due);
      },
    });
  }

  /** Whether no other connection was answered recently: data that is due can be written at once. */
  isAlone(writer: DueWriter): boolean {
    return this.#lone === writer && this.#turns >= turnsAlone && this.#due.isEmpty;
  }

  add(writer: DueWriter): void {
    this.#due.add(writer);
  }

  #count(due: readonly DueWriter[]): void {
    const lone = due.length === 1 ? due[0] : undefined;
    this.#turns = lone === this.#lone ? this.#turns + 1 : 1;
    this.#lone = lone;
  }
}
