// Order per peer: holds each message for a short while, so that messages that overtook others leave in the order of their times.

/** What ordering needs of an item; {@link RisMessage} has it. */
export interface Ordered {
  /** `collector peer` */
  readonly peerKey: string;
  readonly id: string | null;
  readonly seconds: number;
  readonly micros: number;
  readonly sequence: number;
}

/** One released item's place: seconds, microseconds, sequence, id. */
type Place = readonly [seconds: number, micros: number, sequence: number, id: string | null];

/** What is remembered of each peer's past (`collector peer` -> places, oldest first, the last one the furthest): small JSON. */
export type OrderSnapshot = Readonly<Record<string, readonly Place[]>>;

export interface ReorderOptions {
  /** How long an item is held, in ms. */
  readonly windowMs: number;
  /** An item whose place has passed: dropped, or released at once, out of order. */
  readonly late: 'drop' | 'publish';
  /** Above this many held items the oldest leave early. */
  readonly maxHeld: number;
}

/**
 * `held`: will be released; `duplicate`: its id was seen at this place; `late`: its place has passed (dropped, or released at
 * once with `late: publish`).
 */
export type Verdict = 'held' | 'duplicate' | 'late';

interface Held<T> {
  readonly item: T;
  readonly arrival: number;
  readonly line: PeerLine<T>;
  released: boolean;
}

/** One peer: items in order, and recently released places. */
interface PeerLine<T> {
  readonly key: string;
  waiting: Held<T>[];
  past: Place[];
}

/** A pure reorder window: time is passed in (ms, any steady origin). Order is (time, sequence, arrival) per collector and peer. */
export class Reorder<T extends Ordered> {
  readonly #options: ReorderOptions;
  readonly #lines = new Map<string, PeerLine<T>>();
  /** All held items, by arrival; the head index avoids shifting the array for each item. */
  #arrivals: Held<T>[] = [];
  #head = 0;
  #held = 0;
  #early: T[] = [];

  constructor(options: ReorderOptions) {
    this.#options = options;
  }

  /** Items held now. */
  get held(): number {
    return this.#held;
  }

  /** The held item with the earliest time; null if nothing is held. */
  oldest(): T | null {
    let oldest: T | null = null;
    for (const { waiting } of this.#lines.values()) {
      const first = waiting[0]?.item;
      if (first !== undefined && (oldest === null || compareItems(first, oldest) < 0)) oldest = first;
    }
    return oldest;
  }

  /** Takes one item that arrived at `now`. */
  push(item: T, now: number): Verdict {
    const line = this.#line(item.peerKey);
    const last = line.past.at(-1);
    if (last !== undefined && comparePlaces(item, last) <= 0) {
      if (isAmong(item, line.past)) return 'duplicate';
      // The place of the last released item has not passed yet: among equals arrival decides.
      if (comparePlaces(item, last) < 0) {
        if (this.#options.late === 'publish') {
          this.#early.push(item);
          line.past.splice(-1, 0, placeOf(item));
        }
        return 'late';
      }
    }
    const at = placeIn(line.waiting, item);
    if (at < 0) return 'duplicate';
    const held: Held<T> = { item, arrival: now, line, released: false };
    if (at === line.waiting.length) line.waiting.push(held);
    else line.waiting.splice(at, 0, held);
    this.#arrivals.push(held);
    this.#held++;
    return 'held';
  }

  /** What may leave at `now`, in order per peer: everything held for windowMs, and what precedes it. */
  take(now: number): T[] {
    const out = this.#early;
    this.#early = [];
    const due = now - this.#options.windowMs;
    for (; this.#head < this.#arrivals.length; this.#head++) {
      const oldest = this.#arrivals[this.#head]!;
      if (oldest.released) continue;
      if (oldest.arrival > due && this.#held <= this.#options.maxHeld) break;
      this.#release(oldest, out);
    }
    if (this.#head > 1024 && this.#head * 2 > this.#arrivals.length) {
      this.#arrivals = this.#arrivals.slice(this.#head);
      this.#head = 0;
    }
    return out;
  }

  /** Everything held, in order per peer. */
  flush(): T[] {
    return this.take(Number.POSITIVE_INFINITY);
  }

  /** Forgets held items and, unless kept, the past. */
  clear(keepPast: boolean): void {
    for (const line of this.#lines.values()) line.waiting = [];
    if (!keepPast) this.#lines.clear();
    this.#arrivals = [];
    this.#early = [];
    this.#head = 0;
    this.#held = 0;
  }

  /** The past of these peers (`collector peer`), or of all. */
  snapshot(keys: Iterable<string> = this.#lines.keys()): OrderSnapshot {
    const out: Record<string, readonly Place[]> = {};
    for (const key of keys) {
      const past = this.#lines.get(key)?.past;
      if (past !== undefined && past.length > 0) out[key] = past.slice();
    }
    return out;
  }

  /** Replaces the past of the named peers; held items that are no longer due are dropped. @returns dropped. */
  restore(snapshot: OrderSnapshot): number {
    let dropped = 0;
    for (const [key, past] of Object.entries(snapshot)) {
      const line = this.#line(key);
      line.past = past.slice();
      const last = past.at(-1);
      if (last === undefined) continue;
      line.waiting = line.waiting.filter((held) => {
        const order = comparePlaces(held.item, last);
        if (order > 0 || (order === 0 && !isAmong(held.item, past))) return true;
        held.released = true;
        this.#held--;
        dropped++;
        return false;
      });
    }
    return dropped;
  }

  #line(key: string): PeerLine<T> {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { key, waiting: [], past: [] };
      this.#lines.set(key, line);
    }
    return line;
  }

  /** Releases one item, after all that precede it. */
  #release(held: Held<T>, out: T[]): void {
    const { line } = held;
    const count = line.waiting.indexOf(held) + 1;
    const leaving = count === line.waiting.length ? line.waiting : line.waiting.slice(0, count);
    line.waiting = count === line.waiting.length ? [] : line.waiting.slice(count);
    for (const one of leaving) {
      one.released = true;
      out.push(one.item);
      line.past.push(placeOf(one.item));
    }
    this.#held -= count;
    this.#forget(line);
  }

  /** The past is kept for one window before its last place: an overlapping feed may repeat it. */
  #forget(line: PeerLine<T>): void {
    const last = line.past.at(-1)!;
    const from = last[0] * 1000 + last[1] / 1000 - this.#options.windowMs;
    let old = 0;
    while (line.past[old]![0] * 1000 + line.past[old]![1] / 1000 < from) old++;
    // In blocks: a shift for each message would make a busy peer's window quadratic.
    if (old > 16 && old * 2 > line.past.length) line.past = line.past.slice(old);
  }
}

const placeOf = (item: Ordered): Place => [item.seconds, item.micros, item.sequence, item.id];

function comparePlaces(item: Ordered, place: Place): number {
  return item.seconds - place[0] || item.micros - place[1] || item.sequence - place[2];
}

function compareItems(a: Ordered, b: Ordered): number {
  return a.seconds - b.seconds || a.micros - b.micros || a.sequence - b.sequence;
}

/** Recognized by its id; without one, by its place if that has a sequence. */
function isAmong(item: Ordered, past: readonly Place[]): boolean {
  if (item.id === null) return false;
  for (let i = past.length - 1; i >= 0; i--) if (past[i]![3] === item.id) return true;
  return false;
}

/** The item's index, searched from the end, where it nearly always belongs; -1 if its id is there already. */
function placeIn<T extends Ordered>(waiting: readonly Held<T>[], item: T): number {
  let at = waiting.length;
  while (at > 0) {
    const order = compareItems(waiting[at - 1]!.item, item);
    if (order < 0) break;
    if (order === 0) {
      for (let i = at - 1; i >= 0 && compareItems(waiting[i]!.item, item) === 0; i--) {
        if (item.id !== null && waiting[i]!.item.id === item.id) return -1;
      }
      break;
    }
    at--;
  }
  return at;
}
