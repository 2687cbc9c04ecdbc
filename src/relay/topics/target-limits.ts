/** What the target topic accepts. */
export interface TargetLimits {
  /** Bytes of one record (batch overhead included). */
  readonly maxRecordBytes: number;
  /** How far a record's own time may lie behind and ahead of now, ms. */
  readonly timestampBeforeMs: number;
  readonly timestampAheadMs: number;
}
