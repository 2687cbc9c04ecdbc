// Collects lines for MONITOR: a command takes a bounded number of bytes, written once for all monitors.

/** Bytes shown of an argument: monitors are for people. */
const ARGUMENT_BYTES = 4 * 1024;
/** Bytes shown of all arguments of a command. */
const SHOWN_BYTES = 16 * 1024;
const SHOWN_ARGUMENTS = 128;
/** A byte takes at most four (`\x00`); each argument adds quotes, a space and the note of omitted bytes. */
const LINE_BYTES = SHOWN_BYTES * 4 + (SHOWN_ARGUMENTS + 1) * 64 + 512;
/** Maximum lines collected before they are sent. */
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

/** The range of arguments that are hidden. */
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

  /** No more lines fit before these are taken. */
  get isFull(): boolean {
    return this.#used >= BATCH_BYTES;
  }

  /** Adds `+<seconds.micros> [0 <host:port>] "CMD" "arg" ...`. Omissions are counted: `... (n more bytes)`, `... (n more arguments)`. */
  add(address: string, argv: readonly Buffer[], hidden: Hidden, nowMicros: number): void {
    const micros = String(Math.floor(nowMicros % 1e6)).padStart(6, '0');
    // The path of a unix socket has at most 108 bytes.
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

  /** The collected lines, in memory of their own. */
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
