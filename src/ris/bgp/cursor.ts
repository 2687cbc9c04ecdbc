// Reads fields from a byte sequence, and detects a premature end.
import { addressText } from '../feed/address.js';

/** Thrown only by {@link Cursor}, and caught where reading a message began. */
class Truncated extends Error {
  constructor(wanted: number, left: number) {
    super(`${wanted} more octets were announced, ${left} are left`);
    this.name = 'Truncated';
  }
}

export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.bytes(1)[0]!;
  }

  u16(): number {
    return this.bytes(2).readUInt16BE();
  }

  u32(): number {
    return this.bytes(4).readUInt32BE();
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw new Truncated(count, this.left);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** The next octets as a cursor of their own. */
  part(count: number): Cursor {
    return new Cursor(this.bytes(count));
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  /** An address of 4 or 16 octets, as text. */
  address(length: 4 | 16): string {
    return addressText(this.bytes(length));
  }

  /** Reads until nothing is left. */
  all<T>(read: (cursor: Cursor) => T): T[] {
    const out: T[] = [];
    while (this.left > 0) out.push(read(this));
    return out;
  }
}
