/** What one check of a source shows of a topic: by partition the first and the next offset. */
export interface SourceView {
  readonly low: ReadonlyMap<number, number>;
  readonly high: ReadonlyMap<number, number>;
}

/** Next offsets to read by partition; negative: from the beginning. */
export type Offsets = ReadonlyMap<number, number>;
