// PendingIndex: the entries of one partition that members hold, by id: all of them, and each member's. A page of them costs no more than
// its length.
import type { Place } from '../log/place.js';
import { byId, type Pending, placeOf } from './pending.js';

/** Removed entries at the front that are kept at most, unless they are the smaller part. */
const mostRemoved = 1_024;

export class PendingIndex {
  readonly all = new SortedEntries();
  readonly #byMember = new Map<string, SortedEntries>();

  /** Members that hold entries, with their entries. */
  get byMember(): ReadonlyMap<string, SortedEntries> {
    return this.#byMember;
  }

  /** Adds an entry under its member. */
  add(entry: Pending): void {
    this.all.add(entry);
    this.#addToMember(entry);
  }

  /** Removes an entry; does nothing if it is not there. */
  remove(entry: Pending): void {
    this.all.remove(entry);
    this.#removeFromMember(entry);
  }

  /** Gives an entry to another member. */
  move(entry: Pending, member: string): void {
    this.#removeFromMember(entry);
    entry.member = member;
    this.#addToMember(entry);
  }

  #addToMember(entry: Pending): void {
    let entries = this.#byMember.get(entry.member);
    if (!entries) {
      entries = new SortedEntries();
      this.#byMember.set(entry.member, entries);
    }
    entries.add(entry);
  }

  #removeFromMember(entry: Pending): void {
    const entries = this.#byMember.get(entry.member);
    entries?.remove(entry);
    if (entries?.size === 0) this.#byMember.delete(entry.member);
  }
}

/** Entries in ascending order. Adding at the end and removing at the front, as groups mostly do, costs O(1). */
export class SortedEntries {
  #entries: Pending[] = [];
  /** Entries in front of it are removed. */
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  at(index: number): Pending | undefined {
    return this.#entries[this.#head + index];
  }

  get last(): Pending | undefined {
    return this.size > 0 ? this.#entries.at(-1) : undefined;
  }

  add(entry: Pending): void {
    const { last } = this;
    if (!last || byId(last, entry) < 0) this.#entries.push(entry);
    else this.#entries.splice(this.#head + this.indexFrom(placeOf(entry)), 0, entry);
  }

  remove(entry: Pending): void {
    const index = this.#head + this.indexFrom(placeOf(entry));
    if (this.#entries[index] !== entry) return;
    if (index > this.#head) {
      this.#entries.splice(index, 1);
      return;
    }
    this.#head++;
    if (this.#head < mostRemoved || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }

  /** Index of the first entry at this place or behind it. */
  indexFrom({ ms, offset, partition }: Place): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const place = placeOf(this.#entries[middle]!);
      const order = place.ms - ms || place.offset - offset || place.partition - partition;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low - this.#head;
  }
}

/** Merges the entries of several partitions, from a place on. The lists must not change while it is read. */
export function* mergedFrom(lists: readonly SortedEntries[], from: Place): Generator<Pending> {
  const lanes = lists.map((entries) => ({ entries, at: entries.indexFrom(from) }));
  for (;;) {
    let first: (typeof lanes)[number] | undefined;
    for (const lane of lanes) {
      const entry = lane.entries.at(lane.at);
      if (entry && (!first || byId(entry, first.entries.at(first.at)!) < 0)) first = lane;
    }
    if (!first) return;
    yield first.entries.at(first.at++)!;
  }
}
