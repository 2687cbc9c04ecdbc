// Slices of one chunk of bytes at half of what Node's own cost: `Buffer.slice` asks the runtime for the memory behind the Buffer each time.

/** A Buffer in all but the class that made it. */
class Slice extends Uint8Array<ArrayBuffer> {}
Object.setPrototypeOf(Slice.prototype, Buffer.prototype);

/** A part of a chunk that is going to be cut into slices. */
class Sliceable extends Slice {
  readonly #memory: ArrayBuffer;
  readonly #offset: number;

  constructor(memory: ArrayBuffer, offset: number, length: number) {
    super(memory, offset, length);
    this.#memory = memory;
    this.#offset = offset;
  }

  override slice(start: number, end: number): Slice {
    return new Slice(this.#memory, this.#offset + start, end - start);
  }
}

/** The bytes of a chunk from start to end as a Buffer whose `slice`, of two numbers that lie within it, is cheap; no bytes are copied. */
export function sliceable(chunk: Buffer, start: number, end: number): Buffer {
  return new Sliceable(chunk.buffer as ArrayBuffer, chunk.byteOffset + start, end - start) as unknown as Buffer;
}
