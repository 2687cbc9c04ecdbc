// The reader of one connection: reads as fast as commands run, with bounds while one waits, taking turns with other connections.
import type { Socket } from 'node:net';
import type { Spender } from '../../core/memory/memory-budget.js';
import { Decoder } from '../wire/decoder.js';
import type { Dispatcher } from './dispatcher.js';
import type { ServerParts } from './server-parts.js';
import { READ_BYTES } from './shared-reads.js';

/** Commands in a row, and milliseconds, before other connections get their turn. */
const TURN_COMMANDS = 2048;
const TURN_MS = 2;
/** How often the clock is read: once in this many commands, a power of two. */
const CLOCK_COMMANDS = 16;
/** A client that sends more than this behind a waiting command is not read any more. */
const HIGH_WATER_BYTES = 256 * 1024;
/** A client that is not read is probed at this interval, to notice that it is gone. */
const PROBE_MS = 5000;

/** The first stage of a connection: chunks become commands for the dispatcher. */
export class Reader implements Spender {
  readonly #server: ServerParts;
  readonly #dispatcher: Dispatcher;
  readonly #socket: Socket;
  readonly #decoder: Decoder;
  readonly #expel: (why: string, bytes?: number) => void;
  readonly #failed: (error: unknown) => void;
  /** When bytes last arrived, milliseconds since the epoch, within about a second. */
  activeAt: number;
  /** Its turn is over; the next one comes with the next round of the event loop. */
  #yielding = false;
  #paused = false;
  /** When it was paused, or last probed. */
  #pausedAt = 0;

  /**
   * @param expel closes the connection of a client whose unread requests exceed the limit
   * @param failed called for a failure that answers no command: a defect, which costs this connection only
   */
  constructor(
    server: ServerParts,
    dispatcher: Dispatcher,
    socket: Socket,
    expel: (why: string, bytes?: number) => void,
    failed: (error: unknown) => void,
  ) {
    this.#server = server;
    this.#dispatcher = dispatcher;
    this.#socket = socket;
    this.#expel = expel;
    this.#failed = failed;
    this.#decoder = new Decoder(server.limits);
    this.activeAt = server.coarseNow;
  }

  /** Memory of requests that wait to run. */
  get heldBytes(): number {
    return this.#decoder.heldBytes;
  }

  /** Redis' smaller limits hold while this is false. */
  set authenticated(value: boolean) {
    this.#decoder.authenticated = value;
  }

  received(chunk: Buffer): void {
    // Bytes after the last command are dropped.
    if (this.#dispatcher.isClosing) return;
    this.activeAt = this.#server.coarseNow;
    try {
      this.#decoder.push(chunk);
      // A read that was filled: more is waiting.
      if (this.#isReady) this.#run(chunk.length >= READ_BYTES);
      else this.#buffer();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Commands may run again: replies have left or were read, or the client has ended its side. */
  resume(): void {
    if (this.#isReady) this.#run();
    else this.#endTurn(0, false);
  }

  get #isReady(): boolean {
    return !this.#yielding && this.#dispatcher.isReady;
  }

  /** Runs received commands until one waits. @param yieldAfter more will follow: other connections get a turn first. */
  #run(yieldAfter = false): void {
    const dispatcher = this.#dispatcher;
    let ran = 0;
    let emptied = false;
    let deadline = 0;
    while (ran < TURN_COMMANDS && dispatcher.isReady) {
      const decoded = this.#decoder.next();
      if (decoded === undefined) {
        emptied = true;
        break;
      }
      dispatcher.take(decoded);
      if (++ran % CLOCK_COMMANDS !== 0) continue;
      const now = performance.now();
      if (deadline === 0) deadline = now + TURN_MS;
      else if (now > deadline) break;
    }
    this.#endTurn(ran, emptied);
    if (!dispatcher.isReady) this.#buffer();
    else if (!emptied || yieldAfter) this.#yield();
    else this.#settle();
  }

  #endTurn(commands: number, emptied: boolean): void {
    this.#dispatcher.endTurn(commands, emptied);
    if (this.#dispatcher.isClosing) this.close();
  }

  /** Checks a client that is not read; called about once a second. */
  sweep(now: number): void {
    if (this.#paused && !this.#yielding && now - this.#pausedAt > PROBE_MS) this.#resume();
  }

  /** Nothing will run any more. The socket's owner drops what still arrives. */
  close(): void {
    this.#decoder.clear();
    this.#server.budget.release(this);
    // Unread bytes would make the system reset the connection, including the last replies.
    if (this.#paused) this.#resume();
  }

  evict(): void {
    this.#expel('query buffer limit', this.heldBytes);
  }

  #settle(): void {
    this.#server.budget.settle(this);
    if (this.#paused) this.#resume();
  }

  /** Limits what accumulates behind a waiting command. */
  #buffer(): void {
    this.#server.budget.settle(this);
    if (this.heldBytes > this.#server.settings.clientQueryBufferBytes) this.evict();
    else if (this.heldBytes > HIGH_WATER_BYTES) this.#pause();
  }

  #yield(): void {
    this.#server.budget.settle(this);
    this.#yielding = true;
    this.#pause();
    setImmediate(this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#yielding = false;
    try {
      if (this.#dispatcher.isReady) this.#run();
      else this.#buffer();
    } catch (error) {
      this.#failed(error);
    }
  };

  #pause(): void {
    this.#pausedAt = this.#server.coarseNow;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }
}
