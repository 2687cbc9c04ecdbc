// The writer of one connection: the replies of a turn in one write, and pushes.
import type { Socket } from 'node:net';
import type { Spender } from '../../core/memory/memory-budget.js';
import type { ReplyMode } from '../command/context.js';
import type { Protocol } from '../wire/encoder.js';
import { ErrorReply, type Reply } from '../wire/reply.js';
import type { ServerParts } from './server-parts.js';
import type { DueWriter } from './write-coalescer.js';

/** Replies are written when this many bytes are collected, and at the end of a turn. */
const BATCH_BYTES = 64 * 1024;

/** How long the last replies of a closing connection may take, ms. */
const LINGER_MS = 2000;

/** A reply up to this size is made whatever other clients have taken. */
const SMALL_BYTES = 1024 * 1024;

/** The last stage of a connection; made by it, and called by its dispatcher. */
export class Writer implements DueWriter, Spender {
  readonly #server: ServerParts;
  readonly #socket: Socket;
  readonly #expel: (why: string, bytes?: number) => void;
  #mode: ReplyMode = 'on';
  /** Replies to omit, by CLIENT REPLY SKIP. */
  #skips = 0;
  /** Since when replies wait to be read; 0: none. */
  #blockedAt = 0;
  /** The socket holds data that the client has not read. */
  #isBehind = false;
  /** Since when the connection is closing; 0: it is not. */
  #closingAt = 0;
  #closed = false;
  /** Due when the turn ends. */
  #due: Buffer[] = [];
  #dueBytes = 0;

  /** @param expel closes the connection of a client that does not read. */
  constructor(server: ServerParts, socket: Socket, expel: (why: string, bytes?: number) => void) {
    this.#server = server;
    this.#socket = socket;
    this.#expel = expel;
  }

  /** False while replies wait to be read, and once the connection is closing: no more commands may run. */
  get isReady(): boolean {
    return this.#blockedAt === 0 && this.#closingAt === 0 && !this.#closed;
  }

  /** Only commands that were run are still answered. */
  get isClosing(): boolean {
    return this.#closingAt > 0;
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
      if (this.#server.encoder.size >= BATCH_BYTES) this.flush();
    }
  }

  /**
   * Takes the replies so far; they are written when the turn of the event loop ends. Call it before another connection's turn.
   * @param isLast no reply is pending now: it may leave at once if no other connection is answered.
   */
  flush(isLast = false): void {
    const { encoder, writeCoalescer } = this.#server;
    if (encoder.size === 0) return;
    const isAtOnce = isLast && writeCoalescer.isAlone(this);
    if (this.#due.length === 0 && !isAtOnce) writeCoalescer.add(this);
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
      this.#blockedAt = this.#server.coarseNow;
      this.#fallBehind();
    }
    if (!isBehind && socket.writableLength > 0) this.#server.encoder.keep();
  }

  failed(error: unknown): void {
    this.#socket.destroy(error as Error);
  }

  /** The client has read: commands may run again. */
  drained(): void {
    this.#blockedAt = 0;
    this.#isBehind = false;
    this.#server.budget.settle(this);
  }

  /** Memory that waits for a client that does not read; 0 for one that does. */
  get heldBytes(): number {
    return this.#isBehind ? this.unreadBytes : 0;
  }

  evict(): void {
    this.#expel('output buffer limit', this.unreadBytes);
  }

  /** The connection is gone: nothing will be read any more. */
  close(): void {
    this.#closed = true;
    this.#blockedAt = 0;
    this.#isBehind = false;
    this.#server.budget.release(this);
  }

  /** Writes pushes and monitor lines, which answer no command. Whole replies only. */
  aside(bytes: Buffer): void {
    if (this.isClosing) return;
    this.write();
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (!this.#socket.write(bytes)) this.#fallBehind();
    if (this.unreadBytes > this.#server.settings.outputBufferBytes) this.#expel('output buffer limit');
  }

  /** The connection closes once the replies so far are written. */
  closeAfterReply(): void {
    if (this.#closingAt === 0) this.#closingAt = this.#server.coarseNow;
  }

  /** No more replies; the client gets the pending ones, and a moment to read them. */
  end(): void {
    this.write();
    if (!this.#closed) this.#socket.end();
  }

  /** Ends a connection whose client does not read; called about once a second. @returns whether it did. */
  sweep(now: number): boolean {
    const isOver = this.isClosing && now - this.#closingAt > LINGER_MS;
    const isStuck = this.#blockedAt > 0 && now - this.#blockedAt > this.#server.settings.drainTimeoutMs;
    if (isOver) this.#socket.destroy();
    else if (isStuck) this.#expel('replies not read');
    return isOver || isStuck;
  }

  #append(reply: Reply, protocol: Protocol): void {
    const { encoder, budget } = this.#server;
    if (typeof reply !== 'object' || reply === null || reply instanceof Buffer) encoder.append(reply, protocol);
    else if (!encoder.appendWithin(reply, protocol, Math.max(budget.left, SMALL_BYTES)))
      encoder.append(new ErrorReply(budget.exceeded().resp), protocol);
  }

  #fallBehind(): void {
    this.#isBehind = true;
    this.#server.budget.settle(this);
  }
}

/** The pieces, `bytes` in all, in memory of their own. */
function copied(pieces: readonly Buffer[], bytes: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const piece of pieces) at += piece.copy(whole, at);
  return whole;
}
