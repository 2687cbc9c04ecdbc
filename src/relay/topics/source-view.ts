/** What one look at a source showed of one topic: per partition the first and the next offset. */
export interface SourceView {
  readonly low: ReadonlyMap<number, number>;
  readonly high: ReadonlyMap<number, number>;
}

/** Next offsets to read by partition; negative: from the beginning. */
export type Offsets = ReadonlyMap<number, number>;
