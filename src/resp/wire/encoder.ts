// Appends replies to a batch of bytes, RESP2 or RESP3.
import { Batch } from './batch.js';
import {
  BooleanReply,
  Double,
  Encoded,
  ErrorReply,
  MapReply,
  noReply,
  nullArray,
  PushReply,
  type Reply,
  SetReply,
  Simple,
  type SpecialReply,
  Verbatim,
} from './reply.js';

export type Protocol = 2 | 3;

/** A reply that is encoded alone is mostly small. */
const ALONE_BYTES = 512;

/** The type bytes of RESP. */
const Type = { array: 0x2a, bulk: 0x24, integer: 0x3a, map: 0x25, push: 0x3e, set: 0x7e, verbatim: 0x3d } as const;

/** Thrown out of the middle of a reply. */
const tooMuch = Symbol('too much memory');

/** One reply as bytes of its own, for writes outside the batches. */
export function encodeAlone(reply: Reply, protocol: Protocol): Buffer {
  const encoder = new Encoder(ALONE_BYTES);
  const pieces: Buffer[] = [];
  encoder.append(reply, protocol);
  encoder.moveTo(pieces);
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

/** One batch of replies. It is empty between batches, so one encoder serves all connections of a server. */
export class Encoder {
  readonly #batch: Batch;
  #mostBytes = Number.POSITIVE_INFINITY;

  /** @param firstBytes size of the first block of memory. */
  constructor(firstBytes?: number) {
    this.#batch = new Batch(firstBytes);
  }

  /** Bytes collected and not handed over. */
  get size(): number {
    return this.#batch.size;
  }

  append(reply: Reply, protocol: Protocol): void {
    if (typeof reply === 'number') this.#integer(reply);
    else if (typeof reply === 'string') this.#text(reply, Type.bulk);
    else if (reply === null) this.#batch.text(protocol === 3 ? '_\r\n' : '$-1\r\n');
    else if (reply instanceof Buffer) this.#bulk(reply);
    else if (Array.isArray(reply)) this.#items(Type.array, reply.length, reply, protocol);
    else this.#special(reply as SpecialReply, protocol);
  }

  /** Appends a reply of any size, unless it takes more memory than this: then nothing is appended. @returns whether it was. */
  appendWithin(reply: Reply, protocol: Protocol, mostBytes: number): boolean {
    this.#batch.mark();
    this.#mostBytes = mostBytes;
    try {
      this.append(reply, protocol);
      return true;
    } catch (error) {
      if (error !== tooMuch) throw error;
      this.#batch.takeBack();
      return false;
    } finally {
      this.#mostBytes = Number.POSITIVE_INFINITY;
    }
  }

  /** Drops what was collected, for a client that is gone. */
  clear(): void {
    this.#batch.clear();
  }

  /** Hands over what was collected, in order. The bytes stay unchanged until rewind(). */
  moveTo(pieces: Buffer[]): void {
    this.#batch.moveTo(pieces);
  }

  /** Handed-over bytes are still to be read: their memory may not be reused. */
  keep(): void {
    this.#batch.keep();
  }

  /** All other handed-over bytes have been read: their memory may be reused. */
  rewind(): void {
    this.#batch.rewind();
  }

  #special(reply: SpecialReply, protocol: Protocol): void {
    if (reply instanceof Simple) this.#line('+', reply.text);
    else if (reply instanceof ErrorReply) this.#line('-', onOneLine(reply.text));
    else if (reply instanceof Encoded) this.#batch.bytes(reply.bytes);
    else if (reply === nullArray) this.#batch.text(protocol === 3 ? '_\r\n' : '*-1\r\n');
    else if (reply === noReply) return;
    else if (reply instanceof MapReply) this.#map(reply.items, protocol);
    else if (reply instanceof SetReply) this.#collection(Type.set, reply.items, protocol);
    else if (reply instanceof PushReply) this.#collection(Type.push, reply.items, protocol);
    else if (reply instanceof Verbatim) this.#verbatim(reply.text, protocol);
    else if (reply instanceof Double) this.#double(reply.value, protocol);
    else if (reply instanceof BooleanReply) this.#boolean(reply.value, protocol);
    else reply satisfies never;
  }

  #line(type: string, text: string): void {
    this.#batch.text(type);
    this.#batch.text(text);
    this.#batch.lineEnd();
  }

  #integer(value: number): void {
    this.#batch.header(Type.integer, value);
  }

  #text(text: string, type: number): void {
    this.#batch.header(type, Buffer.byteLength(text));
    this.#batch.text(text);
    this.#batch.lineEnd();
  }

  #bulk(bytes: Buffer): void {
    this.#batch.header(Type.bulk, bytes.length);
    this.#batch.bytes(bytes);
    this.#batch.lineEnd();
  }

  #items(type: number, count: number, items: readonly Reply[], protocol: Protocol): void {
    this.#batch.header(type, count);
    for (const item of items) {
      this.append(item, protocol);
      if (this.#batch.takenBytes > this.#mostBytes) throw tooMuch;
    }
  }

  #collection(type: number, items: readonly Reply[], protocol: Protocol): void {
    this.#items(protocol === 3 ? type : Type.array, items.length, items, protocol);
  }

  #map(items: readonly Reply[], protocol: Protocol): void {
    if (protocol === 3) this.#items(Type.map, items.length / 2, items, protocol);
    else this.#items(Type.array, items.length, items, protocol);
  }

  #verbatim(text: string, protocol: Protocol): void {
    if (protocol === 3) this.#text(`txt:${text}`, Type.verbatim);
    else this.#text(text, Type.bulk);
  }

  #double(value: number, protocol: Protocol): void {
    const text = value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value);
    if (protocol === 3) this.#line(',', text);
    else this.#text(text, Type.bulk);
  }

  #boolean(value: boolean, protocol: Protocol): void {
    if (protocol === 3) this.#line('#', value ? 't' : 'f');
    else this.#integer(value ? 1 : 0);
  }
}

/** An error must not break the framing, whatever its text contains. */
const onOneLine = (text: string): string => text.replace(/[\r\n]+$/, '').replace(/[\r\n]/g, ' ');
