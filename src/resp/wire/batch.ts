// Bytes on their way to a socket: small pieces copied together, large ones passed along, all of it in one write.

/** Small on purpose: a client that does not read retains the block of its reply. */
const SLAB_BYTES = 16 * 1024;
/** Pieces from this size on are passed along instead of copied. */
const LARGE_BYTES = 4 * 1024;
/** Up to this length copying byte by byte is cheaper than a call. */
const SHORT = 48;
/** The longest number that is written digit by digit; doubles are exact up to here. */
const DIGITS = 15;
const MAX_DIGITS_VALUE = 10 ** DIGITS;

/** Overhead of a piece that is passed along. */
const PIECE_BYTES = 128;

/** A saved state of the batch; reused at each mark, which every array sets. */
interface Mark {
  slab: Buffer;
  start: number;
  end: number;
  pieces: number;
  pieceBytes: number;
  isKept: boolean;
}

export class Batch {
  #slab: Buffer;
  /** Range of the unsent bytes in the slab. */
  #start = 0;
  #end = 0;
  /** Pieces before the slab's content. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** Handed-over bytes of this slab may still be read. */
  #isKept = false;
  readonly #marked: Mark;
  /** Added since mark(). */
  #slabs = 0;

  /** @param firstBytes size of the first block of memory. */
  constructor(firstBytes = SLAB_BYTES) {
    this.#slab = Buffer.allocUnsafeSlow(firstBytes);
    this.#marked = { slab: this.#slab, start: 0, end: 0, pieces: 0, pieceBytes: 0, isKept: false };
  }

  /** Bytes collected and not handed over. */
  get size(): number {
    return this.#pieceBytes + this.#end - this.#start;
  }

  /** A type byte, a whole number and a line end: `:1`, `$100`, `*8`. */
  header(type: number, value: number): void {
    this.#reserve(DIGITS + 3);
    this.#slab[this.#end++] = type;
    this.#digits(value);
    this.lineEnd();
  }

  lineEnd(): void {
    this.#reserve(2);
    this.#slab[this.#end++] = 0x0d;
    this.#slab[this.#end++] = 0x0a;
  }

  /** Raw bytes. */
  bytes(bytes: Buffer): void {
    const { length } = bytes;
    if (length >= LARGE_BYTES) {
      this.#cut();
      this.#piece(bytes);
      return;
    }
    this.#reserve(length);
    if (length > SHORT) this.#slab.set(bytes, this.#end);
    else for (let i = 0; i < length; i++) this.#slab[this.#end + i] = bytes[i]!;
    this.#end += length;
  }

  /** A short text if it is ASCII. @returns false, with nothing written, for any other text. */
  ascii(text: string): boolean {
    const { length } = text;
    if (length > SHORT) return false;
    this.#reserve(length);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      this.#slab[this.#end + i] = code;
    }
    this.#end += length;
    return true;
  }

  /** Any text, as UTF-8. */
  text(text: string): void {
    if (this.ascii(text)) return;
    // A UTF-16 unit is at most three bytes.
    const most = text.length * 3;
    if (most > LARGE_BYTES) {
      this.bytes(Buffer.from(text));
      return;
    }
    this.#reserve(most);
    this.#end += this.#slab.write(text, this.#end);
  }

  /** What is collected from here on can be reverted, until something is handed over. */
  mark(): void {
    const marked = this.#marked;
    marked.slab = this.#slab;
    marked.start = this.#start;
    marked.end = this.#end;
    marked.pieces = this.#pieces.length;
    marked.pieceBytes = this.#pieceBytes;
    marked.isKept = this.#isKept;
    this.#slabs = 0;
  }

  /** Approximate memory of what was collected since mark(), bytes: large pieces existed before. */
  get takenBytes(): number {
    return this.#slabs * SLAB_BYTES + (this.#pieces.length - this.#marked.pieces) * PIECE_BYTES;
  }

  /** Reverts to mark(). */
  takeBack(): void {
    const marked = this.#marked;
    this.#pieces.length = marked.pieces;
    this.#pieceBytes = marked.pieceBytes;
    this.#slab = marked.slab;
    this.#start = marked.start;
    this.#end = marked.end;
    this.#isKept = marked.isKept;
  }

  /** Drops what was collected. */
  clear(): void {
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#start = this.#end;
  }

  /** Hands over what was collected, in order. */
  moveTo(pieces: Buffer[]): void {
    for (const piece of this.#pieces) pieces.push(piece);
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#pieceBytes = 0;
    if (this.#end > this.#start) pieces.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** What was handed over is read later: its memory may not be reused. */
  keep(): void {
    this.#isKept = true;
  }

  /** What was handed over has been read, except for what is kept: its memory is reused. */
  rewind(): void {
    if (this.size === 0 && !this.#isKept) this.#start = this.#end = 0;
  }

  /** A whole number, without a string in between where possible. */
  #digits(value: number): void {
    if (value >= 0 && value < 10) {
      this.#slab[this.#end++] = 0x30 + value;
      return;
    }
    if (value < 0 || value >= MAX_DIGITS_VALUE) {
      this.text(String(value));
      this.#reserve(2);
      return;
    }
    let length = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) length++;
    let rest = value;
    for (let i = this.#end + length - 1; i >= this.#end; i--) {
      const tens = Math.floor(rest / 10);
      this.#slab[i] = rest - tens * 10 + 0x30;
      rest = tens;
    }
    this.#end += length;
  }

  /** Makes space in the slab, if need be in a new one. */
  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#slabs++;
    this.#start = this.#end = 0;
    this.#isKept = false;
  }

  /** Turns the slab's content into a piece. */
  #cut(): void {
    if (this.#end === this.#start) return;
    this.#piece(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #piece(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
  }
}
