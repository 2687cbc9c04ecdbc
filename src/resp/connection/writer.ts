// The writer of one connection: the replies of a turn in one write, and pushes.
import type { Socket } from 'node:net';
import type { MemoryBudget, Spender } from '../../core/memory-budget.js';
import type { ReplyMode } from '../command/context.js';
import type { Encoder, Protocol } from '../wire/encoder.js';
import { ErrorReply, type Reply } from '../wire/reply.js';
import type { TurnWrites, Writer } from './write-coalescer.js';

/** Replies are written when this many bytes are collected, and at the end of a turn. */
const BATCH_BYTES = 64 * 1024;

/** What an outbox needs of the server. */
export interface OutboxHost {
  /** Shared by all connections: it is empty at the start of every connection's turn. */
  readonly encoder: Encoder;
  readonly turnWrites: TurnWrites;
  /** The common memory budget of all clients. */
  readonly budget: MemoryBudget;
  readonly coarseNow: number;
}

/** A reply up to this size is made whatever other clients have taken. */
const SMALL_BYTES = 1024 * 1024;

export class Outbox implements Writer, Spender {
  readonly #host: OutboxHost;
  readonly #socket: Socket;
  readonly #onEvicted: (bytes: number) => void;
  #mode: ReplyMode = 'on';
  /** Replies to omit, by CLIENT REPLY SKIP. */
  #skips = 0;
  /** Since when replies wait to be read; 0: none. */
  #blockedAt = 0;
  /** The socket holds data that the client has not read. */
  #isBehind = false;
  /** Due when the turn ends. */
  #due: Buffer[] = [];
  #dueBytes = 0;

  /** @param onEvicted unread replies of this client are the largest share of an exhausted budget. */
  constructor(host: OutboxHost, socket: Socket, onEvicted: (bytes: number) => void) {
    this.#host = host;
    this.#onEvicted = onEvicted;
    this.#socket = socket;
  }

  /** Replies wait to be read: no more commands may run. */
  get isBlocked(): boolean {
    return this.#blockedAt > 0;
  }

  /** Bytes that the client has not taken yet. */
  get unreadBytes(): number {
    return this.#socket.writableLength + this.#dueBytes;
  }

  /** CLIENT REPLY. */
  setMode(mode: ReplyMode): void {
    if (mode !== 'skip') this.#mode = mode;
    // Its own answer, and the next command's.
    else if (this.#mode === 'on') this.#skips = 2;
  }

  reset(): void {
    this.#mode = 'on';
    this.#skips = 0;
  }

  answer(reply: Reply, protocol: Protocol): void {
    if (this.#skips > 0) this.#skips--;
    else if (this.#mode === 'on') {
      this.#append(reply, protocol);
      if (this.#host.encoder.size >= BATCH_BYTES) this.flush();
    }
  }

  /**
   * Takes the replies so far; they are written when the turn of the event loop ends. Call it before another connection's turn.
   * @param isLast no reply is pending now: it may leave at once if no other connection is answered.
   */
  flush(isLast = false): void {
    const { encoder, turnWrites } = this.#host;
    if (encoder.size === 0) return;
    const isAtOnce = isLast && turnWrites.isAlone(this);
    if (this.#due.length === 0 && !isAtOnce) turnWrites.add(this);
    this.#dueBytes += encoder.size;
    encoder.moveTo(this.#due);
    if (isAtOnce || this.#dueBytes >= BATCH_BYTES) this.write();
    if (isAtOnce) encoder.rewind();
  }

  write(): void {
    const socket = this.#socket;
    let due = this.#due;
    if (due.length === 0) return;
    const bytes = this.#dueBytes;
    this.#due = [];
    this.#dueBytes = 0;
    if (socket.destroyed || socket.writableEnded) return;
    // It may wait long behind unread data: a few bytes must not retain a whole block of the encoder's memory each time.
    const isBehind = socket.writableLength > 0;
    if (isBehind) due = [copied(due, bytes)];
    let flowing = true;
    if (due.length === 1) flowing = socket.write(due[0]!);
    else {
      socket.cork();
      for (const piece of due) flowing = socket.write(piece);
      socket.uncork();
    }
    if (!flowing) {
      this.#blockedAt = this.#host.coarseNow;
      this.#fallBehind();
    }
    if (!isBehind && socket.writableLength > 0) this.#host.encoder.keep();
  }

  failed(error: unknown): void {
    this.#socket.destroy(error as Error);
  }

  /** The client has read: commands may run again. */
  drained(): void {
    this.#blockedAt = 0;
    this.#isBehind = false;
    this.#host.budget.settle(this);
  }

  /** Memory that waits for a client that does not read; 0 for one that does. */
  get heldBytes(): number {
    return this.#isBehind ? this.unreadBytes : 0;
  }

  evict(): void {
    this.#onEvicted(this.unreadBytes);
  }

  /** Nothing will be read any more. */
  close(): void {
    this.#blockedAt = 0;
    this.#isBehind = false;
    this.#host.budget.release(this);
  }

  /** Writes pushes and monitor lines, which answer no command. Whole replies only. */
  aside(bytes: Buffer): void {
    this.write();
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (!this.#socket.write(bytes)) this.#fallBehind();
  }

  #append(reply: Reply, protocol: Protocol): void {
    const { encoder, budget } = this.#host;
    if (typeof reply !== 'object' || reply === null || reply instanceof Buffer) encoder.append(reply, protocol);
    else if (!encoder.appendWithin(reply, protocol, Math.max(budget.left, SMALL_BYTES)))
      encoder.append(new ErrorReply(budget.exceeded().resp), protocol);
  }

  #fallBehind(): void {
    this.#isBehind = true;
    this.#host.budget.settle(this);
  }

  /** Whether the client has left its replies unread for longer than this. */
  isStuck(now: number, ms: number): boolean {
    return this.#blockedAt > 0 && now - this.#blockedAt > ms;
  }
}

/** The pieces, `bytes` in all, in memory of their own. */
function copied(pieces: readonly Buffer[], bytes: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const piece of pieces) at += piece.copy(whole, at);
  return whole;
}
