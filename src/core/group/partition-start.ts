// Where a queue consumer starts to read an assigned partition. Pure.
import { AckedRanges } from './acked-ranges.js';

/** Where a group that never committed begins. */
export type InitialOffset = 'newest' | 'oldest';

export interface PartitionStart {
  readonly acked: AckedRanges;
  /** The position to fetch from: above the base only behind acknowledged ranges, below it if the base lies beyond the end. */
  readonly readFrom: number;
  /** The base differs from the committed offset: commit it at once. */
  readonly adjusted: boolean;
  /** Metadata that was left out, with the reason. */
  readonly ignored?: string;
}

/** Values that a commit of Kafka-Pixy may hold instead of an offset. */
export const OFFSET_NEWEST = -1;
const OFFSET_OLDEST = -2;

/**
 * @param committed the group's commit; undefined without one.
 * @param marks the partition's low and high watermark. A commit below the low one moves up to it; one beyond the high one
 * stays, and messages are skipped until it is reached.
 */
export function partitionStart(
  committed: { offset: number; metadata: string } | undefined,
  marks: { low: number; high: number },
  initial: InitialOffset,
): PartitionStart {
  const offset = committed?.offset ?? OFFSET_NEWEST;
  if (offset < 0) {
    const first = offset === OFFSET_OLDEST || (committed === undefined && initial === 'oldest');
    const base = first ? marks.low : marks.high;
    return { acked: new AckedRanges(base), readFrom: base, adjusted: true };
  }
  const { acked, ignored } = readAcked(offset, committed?.metadata ?? '', marks.high);
  const skipped = ignored === undefined ? {} : { ignored };
  if (offset > marks.high) return { acked, readFrom: marks.high, adjusted: false, ...skipped };
  acked.raise(marks.low);
  return { acked, readFrom: acked.base, adjusted: acked.base !== offset, ...skipped };
}

/** Metadata of another program is not parsed: it counts as none. */
function readAcked(base: number, metadata: string, end: number): { acked: AckedRanges; ignored?: string } {
  try {
    return { acked: AckedRanges.decode(base, metadata, end) };
  } catch (error) {
    return { acked: new AckedRanges(base), ignored: (error as Error).message };
  }
}
