// Reads an answer by its schema and says where each field lies.
import type { Schema } from './schemas.js';

export interface Spot {
  readonly kind: 'number' | 'error' | 'text' | 'array' | 'null';
  readonly at: number;
  /** Of a number the whole of it, of the others their length or count, bytes. */
  readonly size: number;
  /** Of a text its own bytes, behind its length. */
  readonly content: number;
  readonly flexible: boolean;
}

/** An answer that its schema does not fit: the broker speaks a version that the test does not know. */
class UnknownAnswer extends Error {}

const widths: Readonly<Record<string, number>> = { b: 1, h: 2, e: 2, i: 4, l: 8, u: 16 };
/** Compact in flexible answers, else this many bytes: lengths of texts, of bytes, and counts. */
const lengthBytes: Readonly<Record<string, number>> = { s: 2, y: 4, r: 4 };

/** @param body behind the correlation id. @throws UnknownAnswer */
export function spotsOf(schema: Schema, body: Buffer): Spot[] {
  const walk = new Walk(schema, body);
  // The header's tagged fields; this one answer has none, so that old clients can read it.
  if (schema.flexible && schema.name !== 'ApiVersions') walk.tags();
  walk.fields(schema.fields, 0, schema.fields.length);
  if (schema.flexible) walk.tags();
  if (walk.at !== body.length) throw new UnknownAnswer(`${schema.name} ${schema.version}: ${body.toString('hex')}`);
  return walk.spots;
}

class Walk {
  readonly spots: Spot[] = [];
  at = 0;
  readonly #schema: Schema;
  readonly #body: Buffer;

  constructor(schema: Schema, body: Buffer) {
    this.#schema = schema;
    this.#body = body;
  }

  tags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint();
      this.#skip(this.#varint());
    }
  }

  /** The fields that stand between two places of the schema. */
  fields(text: string, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const letter = text[i]!;
      if (letter === '[' || letter === '{' || letter === '<') {
        const end = closing(text, i);
        this.#nested(text, i, end);
        i = end;
      } else if (letter !== '?') this.#field(letter);
    }
  }

  #nested(text: string, from: number, end: number): void {
    if (text[from] === '{') {
      if (text[from - 1] === '?') {
        this.#spot('null', 1);
        if (this.#body.readInt8(this.at - 1) < 0) return;
      }
      this.#structure(text, from, end);
      return;
    }
    for (let left = this.#length('array', 4); left > 0; left--) {
      if (text[from] === '<') this.fields(text, from + 1, end);
      else this.#structure(text, from, end);
    }
  }

  #structure(text: string, from: number, end: number): void {
    this.fields(text, from + 1, end);
    if (this.#schema.flexible) this.tags();
  }

  #field(letter: string): void {
    const width = widths[letter];
    if (width === undefined) this.#length('text', lengthBytes[letter]!);
    else this.#spot(letter === 'e' ? 'error' : 'number', width);
  }

  /** @returns the length or count; of a text its bytes are passed over. */
  #length(kind: 'text' | 'array', width: number): number {
    const at = this.at;
    const value = this.#schema.flexible ? this.#varint() - 1 : this.#fixed(width);
    const content = kind === 'text' ? Math.max(value, 0) : 0;
    this.spots.push({ kind, at, size: this.at - at, content, flexible: this.#schema.flexible });
    this.#skip(content);
    return value;
  }

  #spot(kind: Spot['kind'], size: number): void {
    this.spots.push({ kind, at: this.at, size, content: 0, flexible: false });
    this.#skip(size);
  }

  #fixed(width: number): number {
    this.#skip(width);
    return this.#body.readIntBE(this.at - width, width);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      this.#skip(1);
      const byte = this.#body[this.at - 1]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  #skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.#body.length)
      throw new UnknownAnswer(`${this.#schema.name} ${this.#schema.version}: ${this.#body.toString('hex')}`);
  }
}

/** Where the bracket at this place closes. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if ('[{<'.includes(text[i]!)) depth += 1;
    if (']}>'.includes(text[i]!)) depth -= 1;
    if (depth === 0) return i;
  }
  throw new Error(`${text}: a bracket is not closed`);
}
