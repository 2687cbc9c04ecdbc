// LeftRecords: what connections that closed a short while ago still hold or have lost, for whoever asks in their place.
import type { Clock } from '../ports.js';

/** What a producer of a closed connection knows of its records. */
export interface LeftProducer {
  /** Records that may still be on their way. */
  readonly inFlight: number;
  /** Records that failed and that nobody was told of. */
  readonly failed: number;
}

/** Of one closed connection; plain data. */
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

/** How long what a closed connection has lost is told of, ms: a client that connects again in silence does so within seconds. */
const keptMs = 60_000;
/** Closed connections that are told apart for one owner; of more the oldest are one. */
const mostOfOwner = 64;
/** Owners at a time: the one whose connection closed first gives way. */
const mostOwners = 10_000;

/** An owner is a user at an address: a client that has connected again is the same one there. */
export class LeftRecords {
  readonly #clock: Clock;
  readonly #prefix: string;
  /** The owner whose connection closed last stands last. */
  readonly #owners = new Map<string, Entry[]>();
  /** Owners that another process has something of, until when. */
  readonly #elsewhere = new Map<string, number>();
  #next = 1;

  /** @param prefix of the ids, another one in each process of a server */
  constructor(clock: Clock, prefix = '') {
    this.#clock = clock;
    this.#prefix = prefix;
  }

  /**
   * The connection of an owner is closing.
   * @returns to be called when its producers are closed.
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

  /** Whether anything is known of an owner's closed connections: nothing else need be asked where not. */
  has(owner: string): boolean {
    return this.#owners.has(owner);
  }

  /** What its closed connections hold and have lost. @param except producers of the connection that asks */
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

  /** Another process has something of this owner. */
  noteElsewhere(owner: string): void {
    this.#elsewhere.delete(owner);
    this.#elsewhere.set(owner, this.#clock.monotonic() + keptMs);
    if (this.#elsewhere.size > mostOwners) this.#elsewhere.delete(this.#elsewhere.keys().next().value!);
  }

  /** Whether another process has said that it has something of this owner. */
  isElsewhere(owner: string): boolean {
    const until = this.#elsewhere.get(owner);
    if (until === undefined) return false;
    if (until > this.#clock.monotonic()) return true;
    this.#elsewhere.delete(owner);
    return false;
  }

  #closed(owner: string, entry: Entry): void {
    // What is shared with others goes on, and is told of as long.
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

  /** Two that are closed become one with the later one's id: what was told of the other may be told again, and nothing is hidden. */
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
