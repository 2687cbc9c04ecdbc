// Appends replies to a batch of bytes, RESP2 or RESP3, and hands the batch over in one write.
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

/** Small on purpose: a client that doesn't read keeps the piece it was written from. */
const SLAB_BYTES = 16 * 1024;
/** Bulks from this size on are passed along instead of copied. */
const LARGE_BULK_BYTES = 4 * 1024;
/** A reply that is encoded alone is mostly small. */
const ALONE_BYTES = 512;
const CRLF = 0x0a0d;

/** What the encoder needs of a socket. */
export interface ByteSink {
  write(bytes: Buffer): boolean;
  cork(): void;
  uncork(): void;
  /** Bytes accepted but not yet taken by the system. */
  readonly writableLength: number;
}

/** One reply as bytes of its own, for what is written beside the batches. */
export function encodeAlone(reply: Reply, protocol: Protocol): Buffer {
  const encoder = new Encoder(ALONE_BYTES);
  const pieces: Buffer[] = [];
  encoder.append(reply, protocol);
  encoder.flush({ write: (bytes) => pieces.push(bytes) > 0, cork() {}, uncork() {}, writableLength: 1 });
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

/** One batch of replies. It is empty between batches, so that one encoder serves all connections of a server. */
export class Encoder {
  #slab: Buffer;
  /** Where the unsent bytes of the slab begin and end. */
  #start = 0;
  #end = 0;
  /** Pieces before what is in the slab. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;

  /** @param firstBytes size of the first piece of memory. */
  constructor(firstBytes = SLAB_BYTES) {
    this.#slab = Buffer.allocUnsafeSlow(firstBytes);
  }

  /** Bytes gathered since the last flush. */
  get size(): number {
    return this.#pieceBytes + this.#end - this.#start;
  }

  append(reply: Reply, protocol: Protocol): void {
    if (typeof reply === 'number') this.#integer(reply);
    else if (typeof reply === 'string') this.#text(reply);
    else if (reply === null) this.#latin1(protocol === 3 ? '_\r\n' : '$-1\r\n');
    else if (reply instanceof Buffer) this.#bulk(reply);
    else if (Array.isArray(reply)) this.#items('*', reply.length, reply, protocol);
    else this.#special(reply as SpecialReply, protocol);
  }

  /** Throws away what was gathered, for a client that is gone. */
  clear(): void {
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#start = this.#end;
  }

  /** Writes what was gathered. @returns what the sink's write returned. */
  flush(sink: ByteSink): boolean {
    const last = this.#end > this.#start ? this.#slab.subarray(this.#start, this.#end) : undefined;
    this.#start = this.#end;
    if (this.#pieces.length > 0) return this.#flushPieces(sink, last);
    if (!last) return true;
    const flowing = sink.write(last);
    // All taken at once: nobody looks at the slab any more.
    if (sink.writableLength === 0) this.#start = this.#end = 0;
    return flowing;
  }

  #flushPieces(sink: ByteSink, last: Buffer | undefined): boolean {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#pieceBytes = 0;
    if (last) pieces.push(last);
    let flowing = true;
    sink.cork();
    for (const piece of pieces) flowing = sink.write(piece);
    sink.uncork();
    return flowing;
  }

  #special(reply: SpecialReply, protocol: Protocol): void {
    if (reply instanceof Simple) this.#latin1(`+${reply.text}\r\n`);
    else if (reply instanceof ErrorReply)
      this.#utf8(`-${reply.text.replace(/[\r\n]+$/, '').replace(/[\r\n]/g, ' ')}\r\n`);
    else if (reply instanceof Encoded) this.#raw(reply.bytes);
    else if (reply === nullArray) this.#latin1(protocol === 3 ? '_\r\n' : '*-1\r\n');
    else if (reply === noReply) return;
    else if (reply instanceof MapReply) this.#map(reply, protocol);
    else if (reply instanceof SetReply)
      this.#items(protocol === 3 ? '~' : '*', reply.items.length, reply.items, protocol);
    else if (reply instanceof PushReply)
      this.#items(protocol === 3 ? '>' : '*', reply.items.length, reply.items, protocol);
    else if (reply instanceof Verbatim)
      this.#text(protocol === 3 ? `txt:${reply.text}` : reply.text, protocol === 3 ? '=' : '$');
    else if (reply instanceof Double) this.#double(reply.value, protocol);
    else if (reply instanceof BooleanReply) this.#boolean(reply.value, protocol);
    else reply satisfies never;
  }

  #map(reply: MapReply, protocol: Protocol): void {
    const { items } = reply;
    if (protocol === 3) this.#items('%', items.length / 2, items, protocol);
    else this.#items('*', items.length, items, protocol);
  }

  #double(value: number, protocol: Protocol): void {
    const text = value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value);
    if (protocol === 3) this.#latin1(`,${text}\r\n`);
    else this.#text(text);
  }

  #boolean(value: boolean, protocol: Protocol): void {
    if (protocol === 3) this.#latin1(value ? '#t\r\n' : '#f\r\n');
    else this.#integer(value ? 1 : 0);
  }

  #items(type: string, count: number, items: readonly Reply[], protocol: Protocol): void {
    this.#latin1(`${type}${count}\r\n`);
    for (const item of items) this.append(item, protocol);
  }

  #integer(value: number): void {
    // The answers of producing, acking and counting: four bytes without a string in between.
    if (value >= 0 && value < 10 && Number.isInteger(value)) {
      this.#reserve(4);
      const slab = this.#slab;
      slab[this.#end] = 0x3a;
      slab[this.#end + 1] = 0x30 + value;
      slab[this.#end + 2] = 0x0d;
      slab[this.#end + 3] = 0x0a;
      this.#end += 4;
    } else this.#latin1(`:${value}\r\n`);
  }

  #text(text: string, type = '$'): void {
    this.#utf8(`${type}${Buffer.byteLength(text)}\r\n${text}\r\n`);
  }

  #bulk(bytes: Buffer): void {
    this.#latin1(`$${bytes.length}\r\n`);
    this.#raw(bytes);
    this.#reserve(2);
    this.#end = this.#slab.writeUInt16LE(CRLF, this.#end);
  }

  /** Bytes as they are: small ones copied, large ones passed along. */
  #raw(bytes: Buffer): void {
    if (bytes.length >= LARGE_BULK_BYTES) {
      this.#cut();
      this.#piece(bytes);
      return;
    }
    this.#reserve(bytes.length);
    this.#end += bytes.copy(this.#slab, this.#end);
  }

  #latin1(text: string): void {
    if (text.length > LARGE_BULK_BYTES) {
      this.#raw(Buffer.from(text, 'latin1'));
      return;
    }
    this.#reserve(text.length);
    this.#end += this.#slab.write(text, this.#end, 'latin1');
  }

  #utf8(text: string): void {
    // A UTF-16 unit is at most three bytes.
    const most = text.length * 3;
    if (most > SLAB_BYTES) {
      this.#raw(Buffer.from(text));
      return;
    }
    this.#reserve(most);
    this.#end += this.#slab.write(text, this.#end);
  }

  /** Makes room for bytes in the slab, if need be in a new one. */
  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#start = this.#end = 0;
  }

  /** Turns what is in the slab into a piece. */
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
