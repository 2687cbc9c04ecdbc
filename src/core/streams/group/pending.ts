// A pending entry: handed to a member of a group and not acknowledged yet.
import type { Message } from '../../ports.js';
import { type Place, timeOf } from '../log/place.js';
import { requestBytes } from '../log/range-reader.js';

/** Times are milliseconds since the epoch. */
export interface Pending {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  /** Approximate size of its message, bytes. */
  readonly bytes: number;
  /** The name of the member that holds it. */
  member: string;
  deliveredAt: number;
  deliveries: number;
  /** Kept while the partition's byte budget lasts; else read from Kafka again. */
  message: Message | undefined;
}

/** An entry on its way to a member. */
export interface Handed {
  readonly entry: Pending;
  /** Absent: read it from Kafka. */
  readonly message: Message | undefined;
}

/** Its place in the stream, which is its id. */
export const placeOf = (entry: Pending): Place => ({
  ms: timeOf(entry),
  offset: entry.offset,
  partition: entry.partition,
});

/** Ascending by id: timestamp, then offset, then partition. */
export function byId(a: Pending, b: Pending): number {
  return timeOf(a) - timeOf(b) || a.offset - b.offset || a.partition - b.partition;
}

/** Limits the entries of a reply: large ones make it shorter, so that it can be read from Kafka and held in memory. */
export class ReplyRoom {
  #left = requestBytes;

  get isFull(): boolean {
    return this.#left <= 0;
  }

  /** An entry goes into the reply: the last one may be larger than the remaining space. */
  take({ bytes }: Pending): void {
    this.#left -= bytes;
  }
}

/** The first of these entries, at most max. */
export function firstOf(entries: Iterable<Pending>, max: number): Pending[] {
  const first: Pending[] = [];
  if (max === 0) return first;
  for (const entry of entries) if (first.push(entry) >= max) break;
  return first;
}

/** Bytes that pending entries of one partition may keep. */
export class PayloadBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Keeps a message with its entry if there is space. */
  keep(entry: Pending, message: Message): void {
    if (entry.bytes > this.#left) return;
    this.#left -= entry.bytes;
    entry.message = message;
  }

  /** Releases what an entry keeps. */
  free(entry: Pending): void {
    if (!entry.message) return;
    this.#left += entry.bytes;
    entry.message = undefined;
  }
}
