// Bytes of one client in, its commands out, one at a time: frames are found by the guard and taken apart by redis-parser.
import RedisParser from 'redis-parser';
import { FrameGuard, type FrameLimits, Step } from './frame-guard.js';
import { splitInline } from './inline.js';
import { sliceable } from './slices.js';

/** Redis' limit for a line without its end. */
const INLINE_LIMIT_BYTES = 64 * 1024;
const LF = 0x0a;
const CR = 0x0d;
/** How many commands redis-parser takes apart at once, and of how many bytes: a call of its own for each takes a quarter longer. */
const COMMANDS_AHEAD = 16;
const BYTES_AHEAD = 16 * 1024;
const nothing: Buffer = Buffer.alloc(0);

/** A client broke the protocol: it is told and its connection closed. */
export class ProtocolFault {
  /** @param text Redis' words, without `ERR Protocol error: `. */
  constructor(readonly text: string) {}
}

/** A command was thrown away because no broker would take a bulk of its size. */
export const refusedBySize = Symbol('refused by size');

export type Decoded = readonly Buffer[] | ProtocolFault | typeof refusedBySize | undefined;

/**
 * What was not asked for yet stays as raw bytes, but for a few commands, so that a client that pipelines behind a waiting command costs
 * what it sent and no more. The arguments are slices of what came in: who keeps one keeps its neighbours.
 */
export class Decoder {
  readonly #guard: FrameGuard;
  readonly #parser: RedisParser;
  /** Taken apart; those before `#taken` were given out. */
  readonly #ready: (readonly Buffer[])[] = [];
  #taken = 0;
  /** The bytes that they are slices of. */
  #readyIn: Buffer = nothing;
  /** What the guard found behind them, if it can't be asked again. */
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
      // Null and empty for a command of no words (`*-1`, `*0`): there is nothing to run.
      if (Array.isArray(argv) && argv.length > 0) this.#ready.push(argv);
    };
    // The guard lets only whole, well-formed commands through: there is nothing left to complain about.
    this.#parser = new RedisParser({ returnBuffers: true, returnReply: take, returnError: take });
  }

  /** Memory held for bytes that are not decoded yet. */
  get heldBytes(): number {
    const raw = this.#end > this.#start ? this.#buffer.length : 0;
    return raw > 0 && this.#readyIn === this.#buffer ? raw : raw + this.#readyIn.length;
  }

  /** Redis' smaller limits hold while this is false. */
  set authenticated(value: boolean) {
    this.#guard.authenticated = value;
  }

  /** Adds what came in. The chunk is not copied when nothing was left of the ones before. */
  push(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#guard.shift(this.#start);
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
    } else this.#append(chunk);
  }

  /** The next command; undefined when more bytes are needed. After a fault nothing more may be asked. */
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

  /** Forgets everything, at the end of the connection. */
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

  /** Takes the command that ends here apart, and a few small ones behind it that are there as well. */
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

  /** Lets go of what was decoded: a few bytes left over must not keep a whole chunk alive. */
  #settle(): void {
    // Of a command that is thrown away nothing needs to be kept but the place where the next header will be.
    if (this.#guard.refused) this.#start = Math.min(this.#end, this.#guard.position);
    if (this.#start === 0) return;
    const left = Buffer.from(this.#buffer.subarray(this.#start, this.#end));
    this.#guard.shift(this.#start);
    this.#searched = Math.max(0, this.#searched - this.#start);
    this.#start = 0;
    this.#end = left.length;
    this.#buffer = left.length === 0 ? nothing : left;
  }

  /** Grows by doubling, so that a command that comes byte by byte is copied a few times only. */
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
