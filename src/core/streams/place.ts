// Places: where an entry stands in a stream, in the order of ids.
import type { Message } from '../ports.js';

/** A place in the order of entries: by timestamp, then offset, then partition. */
export interface Place {
  readonly ms: number;
  readonly offset: number;
  readonly partition: number;
}

export const placeOf = ({ timestamp, offset, partition }: Message): Place => ({
  ms: Math.max(0, timestamp),
  offset,
  partition,
});

export const comparePlaces = (a: Place, b: Place): number =>
  a.ms - b.ms || a.offset - b.offset || a.partition - b.partition;
