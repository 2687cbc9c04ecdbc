// Lines for MONITOR, gathered: a command takes a bounded number of bytes, written once for all who listen.

/** Of an argument so many bytes are shown: a monitor is for people. */
const ARGUMENT_BYTES = 4 * 1024;
/** Of all arguments of a command. */
const SHOWN_BYTES = 16 * 1024;
const SHOWN_ARGUMENTS = 128;
/** A byte is written as four at most (`\x00`); beside an argument stand its quotes, a space and what says how much is left out. */
const LINE_BYTES = SHOWN_BYTES * 4 + (SHOWN_ARGUMENTS + 1) * 64 + 512;
/** Lines gathered before they are sent, at most. */
const BATCH_BYTES = 64 * 1024;

const names: Readonly<Record<number, string>> = {
  10: '\\n',
  13: '\\r',
  9: '\\t',
  7: '\\a',
  8: '\\b',
  34: '\\"',
  92: '\\\\',
};
/** How each byte is shown, as Redis' sdscatrepr. */
const shown: readonly Buffer[] = Array.from({ length: 256 }, (_, byte) => Buffer.from(repr(byte), 'latin1'));
const redacted = '(redacted)';

/** From which argument to which one nothing is shown. */
export interface Hidden {
  readonly from: number;
  readonly to: number;
}

export class MonitorLines {
  readonly #bytes = Buffer.allocUnsafeSlow(BATCH_BYTES + LINE_BYTES);
  #used = 0;

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  /** No line more may be added before these are taken. */
  get isFull(): boolean {
    return this.#used >= BATCH_BYTES;
  }

  /** Adds `+<seconds.micros> [0 <host:port>] "CMD" "arg" ...`. What is left out is counted: `... (n more bytes)`, `... (n more arguments)`. */
  add(address: string, argv: readonly Buffer[], hidden: Hidden, nowMicros: number): void {
    const micros = String(Math.floor(nowMicros % 1e6)).padStart(6, '0');
    // The path of a unix socket has 108 bytes at most.
    this.#text(`+${Math.floor(nowMicros / 1e6)}.${micros} [0 ${address.slice(0, 256)}]`);
    let left = SHOWN_BYTES;
    let i = 0;
    for (; i < argv.length && i < SHOWN_ARGUMENTS && left > 0; i++) {
      if (i >= hidden.from && i < hidden.to) this.#text(` "${redacted}"`);
      else left -= this.#quoted(argv[i]!, Math.min(ARGUMENT_BYTES, left));
    }
    if (i < argv.length) this.#text(` "... (${argv.length - i} more arguments)"`);
    this.#text('\r\n');
  }

  /** What was gathered, in memory of its own. */
  take(): Buffer {
    const lines = Buffer.from(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
    return lines;
  }

  /** @returns how many bytes of it are shown. */
  #quoted(arg: Buffer, most: number): number {
    const length = Math.min(arg.length, most);
    this.#text(' "');
    for (let i = 0; i < length; i++) {
      const bytes = shown[arg[i]!]!;
      for (let k = 0; k < bytes.length; k++) this.#bytes[this.#used++] = bytes[k]!;
    }
    this.#text(length < arg.length ? `... (${arg.length - length} more bytes)"` : '"');
    return length;
  }

  #text(text: string): void {
    this.#used += this.#bytes.write(text, this.#used, 'latin1');
  }
}

function repr(byte: number): string {
  const name = names[byte];
  if (name !== undefined) return name;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}
