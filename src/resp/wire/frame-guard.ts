// Finds where commands end in a stream of bytes, and refuses what redis-parser must never see.

/** Limits of one client's input. */
export interface FrameLimits {
  readonly maxBulkBytes: number;
  readonly maxArgs: number;
  /** A command with a bulk above this is dropped as it arrives and answered with an error: no broker would accept it. */
  readonly refuseBulkBytes: number;
}

/** What {@link FrameGuard.step} found. */
export const Step = {
  /** More bytes are needed. */
  starved: 0,
  /** A command ends at `position`; `refused` says whether to drop it. */
  frame: 1,
  /** A line begins at `position`: an inline command. */
  inline: 2,
  /** The client broke the protocol: `fault` has Redis' text. */
  fault: 3,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/** Redis' limits for a client that has not authenticated. */
const PRE_AUTH_ARGS = 10;
const PRE_AUTH_BULK_BYTES = 16_384;
/** No number in a header is longer (Redis waits for 64 KB of digits and then refuses them too). */
const HEADER_BYTES = 32;

const STAR = 0x2a;
const DOLLAR = 0x24;
const CR = 0x0d;

/** Results of reading a header that are not lengths. */
const INCOMPLETE = -2;
const MALFORMED = -3;

/** Keeps its position between calls, so that no byte is examined twice, however small the chunks are. */
export class FrameGuard {
  readonly #limits: FrameLimits;
  /** Index of the next header; beyond the buffer while a bulk is still coming. */
  position = 0;
  /** The current command has a bulk above `refuseBulkBytes`. */
  refused = false;
  fault = '';
  /** Redis' smaller limits apply until AUTH. */
  authenticated = true;
  #inFrame = false;
  #argsLeft = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** Reads headers from `position` to the end of the next command. The buffer's bytes end at `length`. */
  step(buffer: Buffer, length: number): Step {
    for (;;) {
      if (this.#inFrame && this.#argsLeft === 0) {
        if (this.position > length) return Step.starved;
        this.#inFrame = false;
        return Step.frame;
      }
      if (this.position >= length) return Step.starved;
      const type = buffer[this.position]!;
      if (!this.#inFrame && type !== STAR) return Step.inline;
      if (this.#inFrame && type !== DOLLAR) return this.#fail(`expected '$', got '${printable(type)}'`);
      const value = this.#header(buffer, length);
      if (value === INCOMPLETE) return Step.starved;
      const fault = this.#inFrame ? this.#beginBulk(value) : this.#beginFrame(value);
      if (fault) return this.#fail(fault);
    }
  }

  /** Checks that apply to inline commands too. */
  get argumentLimits(): { readonly maxArgs: number; readonly maxArgBytes: number } {
    const { maxArgs, maxBulkBytes } = this.#limits;
    return this.authenticated
      ? { maxArgs, maxArgBytes: maxBulkBytes }
      : { maxArgs: Math.min(maxArgs, PRE_AUTH_ARGS), maxArgBytes: Math.min(maxBulkBytes, PRE_AUTH_BULK_BYTES) };
  }

  /** Redis' text for a command that exceeds a limit. */
  overLimit(which: 'too-many' | 'too-long'): string {
    if (which === 'too-many')
      return this.authenticated ? 'invalid multibulk length' : 'unauthenticated multibulk length';
    return this.authenticated ? 'invalid bulk length' : 'unauthenticated bulk length';
  }

  /** The first `bytes` of the buffer were cut off. */
  shift(bytes: number): void {
    this.position -= bytes;
  }

  /** @returns Redis' text for an invalid count. */
  #beginFrame(count: number): string | undefined {
    if (count === MALFORMED || count > this.#limits.maxArgs) return 'invalid multibulk length';
    if (count > PRE_AUTH_ARGS && !this.authenticated) return 'unauthenticated multibulk length';
    this.refused = false;
    this.#inFrame = true;
    this.#argsLeft = Math.max(0, count);
    return undefined;
  }

  #beginBulk(bytes: number): string | undefined {
    if (bytes < 0 || bytes > this.#limits.maxBulkBytes) return 'invalid bulk length';
    if (bytes > PRE_AUTH_BULK_BYTES && !this.authenticated) return 'unauthenticated bulk length';
    if (bytes > this.#limits.refuseBulkBytes) this.refused = true;
    this.#argsLeft--;
    this.position += bytes + 2;
    return undefined;
  }

  /** Reads the number behind the type byte and moves behind its line end. */
  #header(buffer: Buffer, length: number): number {
    const first = this.position + 1;
    let value = 0;
    for (let i = first; i < length; i++) {
      const digit = buffer[i]! - 0x30;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        continue;
      }
      if (digit !== CR - 0x30) return this.#oddHeader(buffer, length);
      if (i + 1 >= length) return INCOMPLETE;
      this.position = i + 2;
      // A leading zero is not a number in Redis, nor is an empty one.
      return i === first || (buffer[first] === 0x30 && i > first + 1) ? MALFORMED : value;
    }
    return length - first > HEADER_BYTES ? MALFORMED : INCOMPLETE;
  }

  /** A header with something other than digits: negative, or malformed once its line is complete. */
  #oddHeader(buffer: Buffer, length: number): number {
    const first = this.position + 1;
    const end = buffer.subarray(0, length).indexOf(CR, first);
    if (end < 0) return length - first > HEADER_BYTES ? MALFORMED : INCOMPLETE;
    if (end + 1 >= length) return INCOMPLETE;
    this.position = end + 2;
    return /^-[1-9][0-9]{0,17}$/.test(buffer.toString('latin1', first, end)) ? -1 : MALFORMED;
  }

  #fail(fault: string): Step {
    this.fault = fault;
    return Step.fault;
  }
}

/** As C's %c in a text whose line breaks became spaces and that ends at NUL. */
function printable(byte: number): string {
  if (byte === 0) return '';
  return byte === 0x0a || byte === CR ? ' ' : String.fromCharCode(byte);
}
