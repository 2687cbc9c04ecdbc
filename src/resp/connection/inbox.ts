// What comes in on one connection: read as fast as it is run, bounded while something waits, in turns with the others.
import type { Socket } from 'node:net';
import type { MemoryBudget, Spender } from '../../core/memory-budget.js';
import { type Decoded, Decoder } from '../wire/decoder.js';
import type { FrameLimits } from '../wire/frame-guard.js';
import { READ_BYTES } from './shared-reads.js';

/** Commands in a row, and milliseconds, before others get their turn. */
const TURN_COMMANDS = 2048;
const TURN_MS = 2;
/** How often the clock is looked at: once in so many commands, a power of two. */
const CLOCK_COMMANDS = 16;
/** A client that sends more than this behind a command that waits is not read any more. */
const HIGH_WATER_BYTES = 256 * 1024;
/** A client that is not read is read once in so long all the same, to notice that it is gone. */
const PROBE_MS = 5000;

/** What an inbox needs of the server. */
export interface InboxHost {
  readonly limits: FrameLimits;
  readonly budget: MemoryBudget;
  readonly coarseNow: number;
}

/** Whose inbox it is. */
export interface InboxOwner {
  /** Nothing may be run for now. */
  readonly isHeld: boolean;
  take(decoded: Exclude<Decoded, undefined>): void;
  /** The turn is over: replies are to be written. @param emptied everything that came in was run. */
  turnEnds(commands: number, emptied: boolean): void;
  /** What waits to be run takes more memory than it may. */
  outgrown(bytes: number): void;
  /** Something failed that is nobody's answer: a bug. It costs this connection only. */
  failed(error: unknown): void;
}

export class Inbox implements Spender {
  readonly #host: InboxHost;
  readonly #owner: InboxOwner;
  readonly #socket: Socket;
  readonly #decoder: Decoder;
  readonly #maxBytes: number;
  /** Its turn is over, the next one comes with the next round of the event loop. */
  #yielding = false;
  #paused = false;
  /** When it was paused, or probed last. */
  #pausedAt = 0;

  /** @param maxBytes what may wait to be run, of this connection. */
  constructor(host: InboxHost, owner: InboxOwner, socket: Socket, maxBytes: number) {
    this.#host = host;
    this.#owner = owner;
    this.#socket = socket;
    this.#maxBytes = maxBytes;
    this.#decoder = new Decoder(host.limits);
  }

  /** Memory that what waits to be run takes. */
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

  /** Runs what has come in until something waits. @param yieldAfter more is known to come: others get a turn first. */
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

  /** Looks after a client that is not read; called about once a second. */
  sweep(now: number): void {
    if (this.#paused && !this.#yielding && now - this.#pausedAt > PROBE_MS) this.#resume();
  }

  /** Nothing will be run any more. What still comes is thrown away by whoever owns the socket. */
  close(): void {
    this.#decoder.clear();
    this.#host.budget.release(this);
    // Unread bytes would make the system reset the connection, last replies and all.
    if (this.#paused) this.#resume();
  }

  evict(): void {
    this.#owner.outgrown(this.heldBytes);
  }

  #settle(): void {
    this.#host.budget.settle(this);
    if (this.#paused) this.#resume();
  }

  /** Bounds what piles up behind a command that waits. */
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
