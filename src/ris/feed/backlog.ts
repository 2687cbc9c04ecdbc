// What a replica has received, in order, until Kafka is known to have it; bounded by bytes.

import type { LineEnvelope } from './envelope.js';
import { timeOf } from './feed.js';

/** One message, or (message null) a position of a gap in the feed. */
export interface Entry {
  message: LineEnvelope | null;
  readonly bytes: number;
  /** Feed time, us. At a beginning of the feed: everything after it was received. */
  readonly time: number;
  /** Whether the feed began (again) here. */
  readonly start: boolean;
  /** Whether messages may be missing before those from here to the next beginning. */
  readonly doubt: boolean;
  /** Feed time (us) up to which nothing more follows this entry, if known. */
  floor: number | undefined;
}

/** A message that was dropped: its peer has a hole up to here. */
export interface Lost {
  readonly message: LineEnvelope;
  readonly count: number;
}

/**
 * Memory of a held line beside its text: string headers, the envelope with its id and peer, the entry and its slot. Measured: 328
 * bytes of heap a line.
 */
export const lineOverhead = 328;

/** How far below the limit an overflow goes, so that the next message does not overflow again. */
const relief = 0.9;

/**
 * A queue with a cursor: next() reads on, release() forgets what was committed, rewind() returns to the first entry that was not.
 * Times are feed time in us.
 */
export class Backlog {
  readonly #limit: number;
  #entries: Entry[] = [];
  #head = 0;
  #cursor = 0;
  /** Entries released since the beginning: turns an index into a permanent position. */
  #released = 0;
  #bytes = 0;
  #since: number | null = null;
  #lost = new Map<string, Lost>();
  #lostUntil = 0;

  /** @param limit in bytes of memory: text of received lines, and {@link lineOverhead} for each. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Entries not yet released. */
  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** The position of next(), for release(). */
  get cursor(): number {
    return this.#released + this.#cursor - this.#head;
  }

  /** Entries that next() has not returned. */
  get unread(): number {
    return this.#entries.length - this.#cursor;
  }

  get isRead(): boolean {
    return this.#cursor === this.#entries.length;
  }

  /** Everything received after this time is here or was released; null before the feed's first beginning. */
  get since(): number | null {
    return this.#since;
  }

  /** Until when single messages were dropped (us); 0: none. */
  get lostUntil(): number {
    return this.#lostUntil;
  }

  push(message: LineEnvelope): void {
    const bytes = message.line.length + lineOverhead;
    this.#entries.push({ message, bytes, time: timeOf(message), start: false, doubt: false, floor: undefined });
    this.#bytes += bytes;
  }

  /**
   * The feed begins (again): everything after `since` follows.
   * @param held what waited in the reorder window when the feed ended: the gap may have taken what belongs before it, so only a
   * leader that crosses the hole publishes it.
   */
  start(since: number, held: readonly LineEnvelope[] = []): void {
    const place = { message: null, bytes: 0, time: since, floor: undefined };
    if (held.length > 0) this.#entries.push({ ...place, start: false, doubt: true });
    for (const message of held) this.push(message);
    this.#entries.push({ ...place, start: true, doubt: false });
  }

  /** Records that nothing at or before a feed time follows what is here now. */
  settle(floor: number): void {
    const last = this.#entries.at(-1);
    if (last && last !== vacant) last.floor = floor;
  }

  /** The entry at the cursor; undefined at the end. */
  peek(): Entry | undefined {
    return this.#entries[this.#cursor];
  }

  /** The entry at the cursor, which advances; undefined at the end. */
  next(): Entry | undefined {
    const entry = this.#entries[this.#cursor];
    if (entry) this.#cursor++;
    return entry;
  }

  /** Returns to the first entry that was not released. */
  rewind(): void {
    this.#cursor = this.#head;
  }

  /** Forgets everything before a position of `cursor`. */
  release(place: number): void {
    while (this.#released < place && this.#head < this.#entries.length) this.#shift();
    this.#compact();
  }

  /** Forgets from the front what is at or before a feed time (for a standby, when the leader has committed this far). */
  trim(time: number): void {
    while (this.#head < this.#entries.length && this.#entries[this.#head]!.time <= time) this.#shift();
    this.#compact();
  }

  /** A standby over its limit drops the oldest. @returns how many messages. */
  dropOldest(): number {
    let dropped = 0;
    if (this.#bytes <= this.#limit) return 0;
    while (this.#bytes > this.#limit * relief && this.#head < this.#entries.length) {
      const { message } = this.#entries[this.#head]!;
      if (message) {
        this.#lose(message);
        dropped++;
      }
      this.#shift();
    }
    this.#compact();
    return dropped;
  }

  /**
   * A leader over its limit drops the oldest unread messages of the peers that fill it most, so that few peers have a hole.
   * @returns how many messages.
   */
  dropByPeer(): number {
    let dropped = 0;
    while (this.#bytes > this.#limit * (dropped > 0 ? relief : 1)) {
      const peer = this.#fullest();
      if (peer === null) break;
      dropped += this.#dropFrom(peer);
    }
    if (dropped > 0) this.#closeRanks();
    return dropped;
  }

  /** Peers with a hole since the last call. */
  takeLost(): Lost[] {
    if (this.#lost.size === 0) return [];
    const lost = [...this.#lost.values()];
    this.#lost.clear();
    return lost;
  }

  #lose(message: LineEnvelope): void {
    const count = (this.#lost.get(message.peerKey)?.count ?? 0) + 1;
    this.#lost.set(message.peerKey, { message, count });
    this.#lostUntil = Math.max(this.#lostUntil, timeOf(message));
  }

  #fullest(): string | null {
    const sizes = new Map<string, number>();
    let fullest: string | null = null;
    let most = 0;
    for (let i = this.#cursor; i < this.#entries.length; i++) {
      const { message, bytes } = this.#entries[i]!;
      if (!message) continue;
      const size = (sizes.get(message.peerKey) ?? 0) + bytes;
      sizes.set(message.peerKey, size);
      if (size > most) {
        most = size;
        fullest = message.peerKey;
      }
    }
    return fullest;
  }

  #dropFrom(peer: string): number {
    let dropped = 0;
    for (let i = this.#cursor; i < this.#entries.length && this.#bytes > this.#limit * relief; i++) {
      const entry = this.#entries[i]!;
      if (entry.message?.peerKey !== peer) continue;
      this.#lose(entry.message);
      this.#bytes -= entry.bytes;
      entry.message = null;
      dropped++;
    }
    return dropped;
  }

  /** Removes unread dropped entries: while Kafka is unavailable nothing else would. */
  #closeRanks(): void {
    const unread = this.#entries.slice(this.#cursor);
    this.#entries.length = this.#cursor;
    for (const entry of unread) if (entry.message || entry.start || entry.doubt) this.#entries.push(entry);
  }

  #shift(): void {
    const entry = this.#entries[this.#head]!;
    if (entry.start) this.#since = entry.time;
    if (entry.message) this.#bytes -= entry.bytes;
    this.#entries[this.#head] = vacant;
    this.#head++;
    this.#released++;
    if (this.#cursor < this.#head) this.#cursor = this.#head;
  }

  #compact(): void {
    if (this.#head < 4096 || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#cursor -= this.#head;
    this.#head = 0;
  }
}

/** Replaces a released entry until the array is cut. */
const vacant: Entry = Object.freeze({
  message: null,
  bytes: 0,
  time: 0,
  start: false,
  doubt: false,
  floor: undefined,
});
