// LeftRecords: what recently closed connections still hold or have lost, for DUMP on a later connection of the same client.
import type { Clock } from '../ports.js';

/** What a producer of a closed connection knows of its records. */
export interface LeftProducer {
  /** Records that may still be in flight. */
  readonly inFlight: number;
  /** Records that failed without a report to the client. */
  readonly failed: number;
}

/** State of one closed connection; plain data. */
export interface Left {
  /** Unique among the processes of a server. */
  readonly id: string;
  readonly held: number;
  readonly lost: number;
}

interface Entry {
  readonly id: string;
  /** The connection's, until they are closed. */
  producers: readonly LeftProducer[];
  lost: number;
  /** When it is forgotten, ms (monotonic); Infinity while its producers close. */
  until: number;
}

/** How long losses of a closed connection are reported, ms: a client that reconnects silently does so within seconds. */
const keptMs = 60_000;
/** Closed connections listed separately for one owner; beyond this the oldest are merged. */
const mostOfOwner = 64;
/** Maximum number of owners: the one whose connection closed first is dropped. */
const mostOwners = 10_000;

/** An owner is a user at an address: a client that reconnects is the same owner. */
export class LeftRecords {
  readonly #clock: Clock;
  readonly #prefix: string;
  /** Ordered by the time of the last closed connection, the latest last. */
  readonly #owners = new Map<string, Entry[]>();
  /** Owners that another process has entries for, until when. */
  readonly #elsewhere = new Map<string, number>();
  #next = 1;

  /** @param prefix of the ids, different in each process of a server */
  constructor(clock: Clock, prefix = '') {
    this.#clock = clock;
    this.#prefix = prefix;
  }

  /**
   * A connection of an owner is closing.
   * @returns a function to call when its producers are closed.
   */
  add(owner: string, producers: readonly LeftProducer[]): () => void {
    this.#forgetOld();
    const entry: Entry = {
      id: `${this.#prefix}${this.#next++}`,
      producers,
      lost: 0,
      until: Number.POSITIVE_INFINITY,
    };
    const entries = this.#owners.get(owner) ?? [];
    this.#owners.delete(owner);
    this.#owners.set(owner, entries);
    entries.push(entry);
    if (this.#owners.size > mostOwners) this.#owners.delete(this.#owners.keys().next().value!);
    return () => this.#closed(owner, entry);
  }

  /** Whether the owner has entries: otherwise nothing need be asked. */
  has(owner: string): boolean {
    return this.#owners.has(owner);
  }

  /** What the owner's closed connections hold and have lost. @param except producers of the connection that asks */
  of(owner: string, except: readonly LeftProducer[] = []): Left[] {
    const now = this.#clock.monotonic();
    return (this.#owners.get(owner) ?? [])
      .filter(({ until, producers }) => until > now && !producers.some((each) => except.includes(each)))
      .map(({ id, producers, lost }) => ({
        id,
        held: producers.reduce((sum, { inFlight }) => sum + inFlight, 0),
        lost: lost + producers.reduce((sum, { failed }) => sum + failed, 0),
      }))
      .filter(({ held, lost }) => held + lost > 0);
  }

  /** Another process has entries for this owner. */
  noteElsewhere(owner: string): void {
    this.#elsewhere.delete(owner);
    this.#elsewhere.set(owner, this.#clock.monotonic() + keptMs);
    if (this.#elsewhere.size > mostOwners) this.#elsewhere.delete(this.#elsewhere.keys().next().value!);
  }

  /** Whether another process has reported entries for this owner. */
  isElsewhere(owner: string): boolean {
    const until = this.#elsewhere.get(owner);
    if (until === undefined) return false;
    if (until > this.#clock.monotonic()) return true;
    this.#elsewhere.delete(owner);
    return false;
  }

  #closed(owner: string, entry: Entry): void {
    // Shared producers live on, and are reported as long as they do.
    const goOn = entry.producers.filter(({ inFlight }) => inFlight > 0);
    entry.lost = entry.producers
      .filter((producer) => !goOn.includes(producer))
      .reduce((sum, { failed }) => sum + failed, 0);
    entry.producers = goOn;
    entry.until = this.#clock.monotonic() + keptMs;
    const entries = this.#owners.get(owner);
    if (!entries?.includes(entry)) return;
    if (entry.lost === 0 && goOn.length === 0) entries.splice(entries.indexOf(entry), 1);
    if (entries.length === 0) this.#owners.delete(owner);
    else if (entries.length > mostOfOwner) this.#mergeOldest(entries);
  }

  /** Merges two closed connections under the later one's id: a loss may be reported twice, and none is hidden. */
  #mergeOldest(entries: Entry[]): void {
    const [one, other] = entries.filter(({ until }) => until !== Number.POSITIVE_INFINITY);
    if (!one || !other) return;
    other.lost += one.lost;
    other.producers = [...other.producers, ...one.producers];
    entries.splice(entries.indexOf(one), 1);
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [owner, entries] of this.#owners) {
      const kept = entries.filter(({ until }) => until > now);
      if (kept.length === entries.length) return;
      if (kept.length === 0) this.#owners.delete(owner);
      else entries.splice(0, entries.length, ...kept);
    }
  }
}
