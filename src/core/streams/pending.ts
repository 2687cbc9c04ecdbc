// A pending entry: handed to a member of a group and not acknowledged yet.
import { messageBytes } from '../message-bytes.js';
import type { Message } from '../ports.js';

/** Times are milliseconds since the epoch. */
export interface Pending {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  /** The name of the member that has it. */
  member: string;
  deliveredAt: number;
  deliveries: number;
  /** Kept while the partition's byte budget lasts; read again from Kafka otherwise. */
  message: Message | undefined;
}

/** An entry on its way to a member. */
export interface Handed {
  readonly entry: Pending;
  /** Absent: to be read from Kafka. */
  readonly message: Message | undefined;
}

/** Ascending by id: timestamp, then offset, then partition. */
export function byId(a: Pending, b: Pending): number {
  return Math.max(0, a.timestamp) - Math.max(0, b.timestamp) || a.offset - b.offset || a.partition - b.partition;
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

  /** Keeps a message with its entry if there is room. */
  keep(entry: Pending, message: Message): void {
    const bytes = messageBytes(message);
    if (bytes > this.#left) return;
    this.#left -= bytes;
    entry.message = message;
  }

  /** Lets go of what an entry keeps. */
  free(entry: Pending): void {
    if (!entry.message) return;
    this.#left += messageBytes(entry.message);
    entry.message = undefined;
  }
}
