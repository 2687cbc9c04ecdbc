// Places: positions of entries in a stream. See docs/decisions/0012.
//
// A partition is ordered by offset, whatever the times of its records. An entry's level is the largest time up to it in its partition:
// levels never decrease along a partition, and the first offset whose level is ms or later is Kafka's answer
// for the first record of ms or later. Entries are ordered by level, then offset, then partition: one order for the whole
// stream that keeps each partition's, in which every place is found in every partition without reading.
import type { Message } from '../../ports.js';

/** What an id contains: the record's time and its location. */
export interface Place {
  readonly ms: number;
  readonly offset: number;
  readonly partition: number;
}

/** An entry with its level, ms. */
export interface Placed {
  readonly message: Message;
  readonly level: number;
}

/** The time of a record as ids show it. Time 0 is before everything: a record of that time, or without one, has time 1. */
export const timeOf = ({ timestamp }: { readonly timestamp: number }): number => Math.max(1, timestamp);

/** The order of a stream. */
export const comparePlaced = (a: Placed, b: Placed): number =>
  a.level - b.level || a.message.offset - b.message.offset || a.message.partition - b.message.partition;

/** Messages of one partition, ascending, with their levels. @param level the minimum level: that of the entry before */
export function withLevels(messages: readonly Message[], level: number): Placed[] {
  let current = level;
  return messages.map((message) => {
    current = Math.max(current, timeOf(message));
    return { message, level: current };
  });
}
