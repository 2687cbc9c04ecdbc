// Decodes one client's bytes into commands, one at a time: the guard finds frames and redis-parser splits them.
import RedisParser from 'redis-parser';
import { FrameGuard, type FrameLimits, Step } from './frame-guard.js';
import { splitInline } from './inline.js';
import { sliceable } from './slices.js';

/** Redis' limit for a line without its end. */
const INLINE_LIMIT_BYTES = 64 * 1024;
const LF = 0x0a;
const CR = 0x0d;
/** How many commands redis-parser splits at once, and their total size: a call for each takes a quarter longer. */
const COMMANDS_AHEAD = 16;
const BYTES_AHEAD = 16 * 1024;
const nothing: Buffer = Buffer.alloc(0);

/** A client broke the protocol: it gets an error and its connection is closed. */
export class ProtocolFault {
  /** @param text Redis' words, without `ERR Protocol error: `. */
  constructor(readonly text: string) {}
}

/** A command was dropped because no broker would accept a bulk of its size. */
export const refusedBySize = Symbol('refused by size');

export type Decoded = readonly Buffer[] | ProtocolFault | typeof refusedBySize | undefined;

/**
 * Bytes that were not asked for yet stay raw, except for a few commands, so that a client that pipelines behind a waiting command costs
 * what it sent and no more. Arguments are slices of received chunks: keeping one keeps its neighbours.
 */
export class Decoder {
  readonly #guard: FrameGuard;
  readonly #parser: RedisParser;
  /** Decoded; those before `#taken` were returned. */
  readonly #ready: (readonly Buffer[])[] = [];
  #taken = 0;
  /** The bytes that they are slices of. */
  #readyIn: Buffer = nothing;
  /** What the guard found behind them, if it cannot be asked again. */
  #behind: Step | undefined;
  /** Bytes from `#start` to `#end` are not decoded yet. */
  #buffer: Buffer = nothing;
  #start = 0;
  #end = 0;
  /** How far an unfinished line was searched for its end. */
  #searched = 0;

  constructor(limits: FrameLimits) {
    this.#guard = new FrameGuard(limits);
    const take = (argv: unknown) => {
      // Null and empty for a command without words (`*-1`, `*0`): there is nothing to run.
      if (Array.isArray(argv) && argv.length > 0) this.#ready.push(argv);
    };
    // The guard passes only whole, well-formed commands: redis-parser finds no errors.
    this.#parser = new RedisParser({ returnBuffers: true, returnReply: take, returnError: take });
  }

  /** Memory of bytes that are not decoded yet. */
  get heldBytes(): number {
    const raw = this.#end > this.#start ? this.#buffer.length : 0;
    return raw > 0 && this.#readyIn === this.#buffer ? raw : raw + this.#readyIn.length;
  }

  /** Redis' smaller limits apply while this is false. */
  set authenticated(value: boolean) {
    this.#guard.authenticated = value;
  }

  /** Adds a chunk. It is not copied if nothing was left of the previous ones. */
  push(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#guard.shift(this.#start);
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
    } else this.#append(chunk);
  }

  /** The next command; undefined if more bytes are needed. After a fault it must not be called. */
  next(): Decoded {
    for (;;) {
      if (this.#ready.length > 0) return this.#giveOut();
      const found = this.#behind ?? this.#guard.step(this.#buffer, this.#end);
      this.#behind = undefined;
      switch (found) {
        case Step.starved:
          this.#settle();
          return undefined;
        case Step.fault:
          return new ProtocolFault(this.#guard.fault);
        case Step.inline: {
          const argv = this.#inline();
          if (!Array.isArray(argv) || argv.length > 0) return argv;
          break;
        }
        default:
          if (this.#guard.refused) return this.#refuse();
          this.#takeApart();
      }
    }
  }

  /** Drops everything, at the end of the connection. */
  clear(): void {
    this.#buffer = nothing;
    this.#start = this.#end = this.#searched = 0;
    this.#forgetReady();
    this.#behind = undefined;
  }

  #giveOut(): readonly Buffer[] {
    const argv = this.#ready[this.#taken++]!;
    if (this.#taken === this.#ready.length) this.#forgetReady();
    return argv;
  }

  #forgetReady(): void {
    this.#ready.length = this.#taken = 0;
    this.#readyIn = nothing;
  }

  #refuse(): typeof refusedBySize {
    this.#guard.refused = false;
    this.#start = this.#guard.position;
    return refusedBySize;
  }

  /** Splits the command that ends here, and a few small ones behind it that are complete. */
  #takeApart(): void {
    const most = this.#guard.authenticated ? COMMANDS_AHEAD : 1;
    let end = this.#guard.position;
    for (let count = 1; count < most; count++) {
      const found = this.#guard.step(this.#buffer, this.#end);
      if (found !== Step.frame || this.#guard.refused || this.#guard.position - this.#start > BYTES_AHEAD) {
        if (found === Step.frame || found === Step.fault) this.#behind = found;
        break;
      }
      end = this.#guard.position;
    }
    this.#readyIn = this.#buffer;
    this.#parser.execute(sliceable(this.#buffer, this.#start, end));
    this.#start = end;
    if (this.#ready.length === 0) this.#readyIn = nothing;
  }

  #inline(): Decoded {
    const from = Math.max(this.#start, this.#searched);
    const found = this.#buffer.subarray(0, this.#end).indexOf(LF, from);
    const length = (found < 0 ? this.#end : found) - this.#start;
    if (length > INLINE_LIMIT_BYTES) return new ProtocolFault('too big inline request');
    if (found < 0) {
      this.#settle();
      this.#searched = this.#end;
      return undefined;
    }
    const end = found > this.#start && this.#buffer[found - 1] === CR ? found - 1 : found;
    const argv = splitInline(this.#buffer.subarray(this.#start, end), this.#guard.argumentLimits);
    this.#start = this.#guard.position = found + 1;
    this.#searched = 0;
    if (argv === 'unbalanced') return new ProtocolFault('unbalanced quotes in request');
    return typeof argv === 'string' ? new ProtocolFault(this.#guard.overLimit(argv)) : argv;
  }

  /** Releases what was decoded: a few remaining bytes must not keep a whole chunk alive. */
  #settle(): void {
    // Of a dropped command only the position of the next header matters.
    if (this.#guard.refused) this.#start = Math.min(this.#end, this.#guard.position);
    if (this.#start === 0) return;
    const left = Buffer.from(this.#buffer.subarray(this.#start, this.#end));
    this.#guard.shift(this.#start);
    this.#searched = Math.max(0, this.#searched - this.#start);
    this.#start = 0;
    this.#end = left.length;
    this.#buffer = left.length === 0 ? nothing : left;
  }

  /** Grows by doubling, so that a command that arrives byte by byte is copied a few times only. */
  #append(chunk: Buffer): void {
    const needed = this.#end + chunk.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#buffer.length * 1.5)));
      this.#buffer.copy(grown, 0, 0, this.#end);
      this.#buffer = grown;
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end = needed;
  }
}
