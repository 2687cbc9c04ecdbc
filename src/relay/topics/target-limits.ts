/** What the target topic accepts. */
export interface TargetLimits {
  /** Bytes of one record (batch overhead included). */
  readonly maxRecordBytes: number;
  /** Bytes of one batch, also of the checkpoint topic: no larger one is made of several records. */
  readonly maxBatchBytes: number;
  /** It is compacted: a record without a key is refused. */
  readonly needsKey: boolean;
  /** How far a record's own time may lie behind and ahead of now, ms. */
  readonly timestampBeforeMs: number;
  readonly timestampAheadMs: number;
  /** The topic deletes what is older, by the record's own time, ms. */
  readonly retentionMs: number;
}
