// The reader of one connection: reads as fast as commands run, with bounds while one waits, taking turns with other connections.
import type { Socket } from 'node:net';
import type { MemoryBudget, Spender } from '../../core/memory-budget.js';
import { type Decoded, Decoder } from '../wire/decoder.js';
import type { FrameLimits } from '../wire/frame-guard.js';
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

/** What an inbox needs of the server. */
export interface InboxHost {
  readonly limits: FrameLimits;
  readonly budget: MemoryBudget;
  readonly coarseNow: number;
}

/** The owner of an inbox. */
export interface InboxOwner {
  /** Nothing may run now. */
  readonly isHeld: boolean;
  take(decoded: Exclude<Decoded, undefined>): void;
  /** The turn is over: write the replies. @param emptied all received commands were run. */
  turnEnds(commands: number, emptied: boolean): void;
  /** Unread requests take more memory than allowed. */
  outgrown(bytes: number): void;
  /** A failure that answers no command: a defect. It costs this connection only. */
  failed(error: unknown): void;
}

export class Inbox implements Spender {
  readonly #host: InboxHost;
  readonly #owner: InboxOwner;
  readonly #socket: Socket;
  readonly #decoder: Decoder;
  readonly #maxBytes: number;
  /** Its turn is over; the next one comes with the next round of the event loop. */
  #yielding = false;
  #paused = false;
  /** When it was paused, or last probed. */
  #pausedAt = 0;

  /** @param maxBytes limit of this connection's requests that wait to run. */
  constructor(host: InboxHost, owner: InboxOwner, socket: Socket, maxBytes: number) {
    this.#host = host;
    this.#owner = owner;
    this.#socket = socket;
    this.#maxBytes = maxBytes;
    this.#decoder = new Decoder(host.limits);
  }

  /** Memory of requests that wait to run. */
  get heldBytes(): number {
    return this.#decoder.heldBytes;
  }

  get isYielding(): boolean {
    return this.#yielding;
  }

  /** Redis' smaller limits hold while this is false. */
  set authenticated(value: boolean) {
    this.#decoder.authenticated = value;
  }

  received(chunk: Buffer): void {
    this.#decoder.push(chunk);
    if (this.#owner.isHeld) this.#hold();
    // A read that was filled: more is waiting.
    else this.run(chunk.length >= READ_BYTES);
  }

  /** Runs received commands until one waits. @param yieldAfter more will follow: other connections get a turn first. */
  run(yieldAfter = false): void {
    const owner = this.#owner;
    let ran = 0;
    let emptied = false;
    let deadline = 0;
    while (ran < TURN_COMMANDS && !owner.isHeld) {
      const decoded = this.#decoder.next();
      if (decoded === undefined) {
        emptied = true;
        break;
      }
      owner.take(decoded);
      if (++ran % CLOCK_COMMANDS !== 0) continue;
      const now = performance.now();
      if (deadline === 0) deadline = now + TURN_MS;
      else if (now > deadline) break;
    }
    owner.turnEnds(ran, emptied);
    if (owner.isHeld) this.#hold();
    else if (!emptied || yieldAfter) this.#yield();
    else this.#settle();
  }

  /** Checks a client that is not read; called about once a second. */
  sweep(now: number): void {
    if (this.#paused && !this.#yielding && now - this.#pausedAt > PROBE_MS) this.#resume();
  }

  /** Nothing will run any more. The socket's owner drops what still arrives. */
  close(): void {
    this.#decoder.clear();
    this.#host.budget.release(this);
    // Unread bytes would make the system reset the connection, including the last replies.
    if (this.#paused) this.#resume();
  }

  evict(): void {
    this.#owner.outgrown(this.heldBytes);
  }

  #settle(): void {
    this.#host.budget.settle(this);
    if (this.#paused) this.#resume();
  }

  /** Limits what accumulates behind a waiting command. */
  #hold(): void {
    this.#host.budget.settle(this);
    if (this.heldBytes > this.#maxBytes) this.evict();
    else if (this.heldBytes > HIGH_WATER_BYTES) this.#pause();
  }

  #yield(): void {
    this.#host.budget.settle(this);
    this.#yielding = true;
    this.#pause();
    setImmediate(this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#yielding = false;
    try {
      if (this.#owner.isHeld) this.#hold();
      else this.run();
    } catch (error) {
      this.#owner.failed(error);
    }
  };

  #pause(): void {
    this.#pausedAt = this.#host.coarseNow;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }
}
