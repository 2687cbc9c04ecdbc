// What CLIENT INFO and CLIENT LIST show of one connection.
import type { ConnectionStatus } from '../command/context.js';
import type { Dispatcher } from './dispatcher.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

export class ClientStatus implements ConnectionStatus {
  readonly createdAt: number;
  libraryName = '';
  libraryVersion = '';
  isMonitor = false;
  /** The last error that was answered, and when, ms since the epoch. */
  lastError: { readonly text: string; readonly at: number } | undefined;
  readonly #reader: Reader;
  readonly #dispatcher: Dispatcher;
  readonly #writer: Writer;

  constructor(reader: Reader, dispatcher: Dispatcher, writer: Writer) {
    this.#reader = reader;
    this.#dispatcher = dispatcher;
    this.#writer = writer;
    this.createdAt = reader.activeAt;
  }

  get activeAt(): number {
    return this.#reader.activeAt;
  }

  get lastCommand(): string {
    return this.#dispatcher.last?.fullName ?? 'NULL';
  }

  get isWaiting(): boolean {
    return this.#dispatcher.isWaiting;
  }

  get queryBytes(): number {
    return this.#reader.heldBytes;
  }

  get outputBytes(): number {
    return this.#writer.unreadBytes;
  }
}
