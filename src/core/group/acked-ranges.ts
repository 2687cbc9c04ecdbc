// Acknowledged offsets of a partition: a base, below which all are acknowledged, and ranges above it.
import { decodeRanges, encodeRanges, type Range } from './out-of-order-acks.js';

/** The broker's default limit for a commit's metadata (`offset.metadata.max.bytes`). */
const maxMetadata = 4096;

/** Half-open: [from, to). */
interface Span {
  from: number;
  to: number;
}

export class AckedRanges {
  #base: number;
  /** Ascending; they neither overlap nor touch each other or the base. */
  #spans: Span[] = [];

  /** @param base the lowest offset that is not acknowledged. */
  constructor(base: number) {
    this.#base = base;
  }

  /**
   * Adopts the ranges that an earlier owner of the partition wrote into its commit.
   * @throws Error when the text has another format, or contains offsets from `end` on.
   */
  static decode(base: number, metadata: string, end = Number.MAX_SAFE_INTEGER): AckedRanges {
    const acked = new AckedRanges(base);
    acked.#spans = decodeRanges(metadata).map(([from, to]) => ({ from: base + Number(from), to: base + Number(to) }));
    const last = acked.#spans.at(-1);
    if (last && last.to > end) throw new Error(`bad range: it ends at ${last.to}, the partition at ${end}`);
    return acked;
  }

  get base(): number {
    return this.#base;
  }

  /** @returns false if the offset was acknowledged before. */
  add(offset: number): boolean {
    if (offset < this.#base) return false;
    const index = this.#firstEndingFrom(offset);
    const next = this.#spans[index];
    if (next && next.from <= offset && offset < next.to) return false;
    if (offset === this.#base) this.#advance(offset + 1);
    else this.#insert(offset, index);
    return true;
  }

  /** Marks all of [from, to) as acknowledged. */
  addAll(from: number, to: number): void {
    if (from <= this.#base) this.raise(to);
    else if (from < to) {
      const first = this.#firstEndingFrom(from);
      let next = first;
      const span = { from, to };
      for (; next < this.#spans.length && this.#spans[next]!.from <= to; next++) {
        span.from = Math.min(span.from, this.#spans[next]!.from);
        span.to = Math.max(span.to, this.#spans[next]!.to);
      }
      this.#spans.splice(first, next - first, span);
    }
  }

  copy(): AckedRanges {
    const copy = new AckedRanges(this.#base);
    copy.#spans = this.#spans.map((span) => ({ ...span }));
    return copy;
  }

  /** All ranges fit into a commit's metadata. */
  get fits(): boolean {
    return encodeRanges(this.#relative()).length <= maxMetadata;
  }

  has(offset: number): boolean {
    return this.nextOpen(offset) !== offset;
  }

  /** The first offset at or after the given one that is not acknowledged. */
  nextOpen(offset: number): number {
    if (offset < this.#base) return this.#base;
    const span = this.#spans[this.#firstEndingFrom(offset + 1)];
    return span && span.from <= offset ? span.to : offset;
  }

  /** Marks everything below `base` as acknowledged. */
  raise(base: number): void {
    if (base > this.#base) this.#advance(base);
  }

  /** Relative to the base, for display: `1-2,9-11`. */
  toString(): string {
    return this.#spans.map(({ from, to }) => `${from - this.#base}-${to - this.#base}`).join(',');
  }

  /** For a commit's metadata; empty without ranges. Ranges that do not fit are left out: their messages are redelivered. */
  encode(): string {
    return encodeRanges(this.#relative(), maxMetadata);
  }

  #relative(): Range[] {
    return this.#spans.map(({ from, to }) => [BigInt(from - this.#base), BigInt(to - this.#base)]);
  }

  /** Moves the base up through a range that it touches. */
  #advance(base: number): void {
    let kept = 0;
    this.#base = base;
    while (kept < this.#spans.length && this.#spans[kept]!.from <= this.#base) {
      this.#base = Math.max(this.#base, this.#spans[kept]!.to);
      kept++;
    }
    if (kept > 0) this.#spans.splice(0, kept);
  }

  /** @param index of the first span that ends at or after the offset. */
  #insert(offset: number, index: number): void {
    const span = this.#spans[index];
    if (span?.to === offset) {
      span.to++;
      const next = this.#spans[index + 1];
      if (next?.from === span.to) {
        span.to = next.to;
        this.#spans.splice(index + 1, 1);
      }
    } else if (span?.from === offset + 1) span.from = offset;
    else this.#spans.splice(index, 0, { from: offset, to: offset + 1 });
  }

  #firstEndingFrom(offset: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle]!.to < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
