// A pending entry: handed to a member of a group and not acknowledged yet.
import type { Message } from '../../ports.js';
import { timeOf } from '../log/place.js';
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

/** The first of these entries, as many as one reply may have; at least one. */
export function firstOfReply(entries: readonly Pending[]): Pending[] {
  const room = new ReplyRoom();
  const first: Pending[] = [];
  for (const entry of entries) {
    if (room.isFull) break;
    room.take(entry);
    first.push(entry);
  }
  return first;
}

/** How many entries each member has. */
export function countByMember(entries: readonly Pending[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { member } of entries) counts.set(member, (counts.get(member) ?? 0) + 1);
  return counts;
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
