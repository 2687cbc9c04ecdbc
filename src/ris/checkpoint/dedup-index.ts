// The dedup index: what has been published, per peer: enough to decide whether a held message was published by a predecessor.
import { timeOf } from '../feed/feed.js';
import type { Ordered } from '../feed/order.js';

/** A message's place within its peer: seconds, microseconds, sequence; and the ids published with exactly that place. */
export type Place = readonly [seconds: number, micros: number, sequence: number, ...ids: string[]];

/** An id published at a feed time (us). */
export type PublishedId = readonly [time: number, id: string];

/** What one transaction adds, by peer (`collector address`): small enough to be written with it. */
export interface Delta {
  /** Each peer's last place. */
  readonly places: ReadonlyMap<string, Place>;
  /** Each peer's ids of this transaction. */
  readonly ids: ReadonlyMap<string, readonly PublishedId[]>;
}

interface PeerPast {
  last: Place;
  /** Id -> feed time (us), oldest first, for at least one window before the last. */
  readonly ids: Map<string, number>;
  /** How many ids are searched for old ones. */
  enough: number;
  /** The last feed time (us) published before this term; messages up to it may have been published then. */
  readonly before: number;
}

/** Settings of the decision. */
export interface PublishedOptions {
  /** The reorder window, us: ids are remembered for this long. */
  readonly windowUs: number;
  /** Whether a message whose place has passed is published nevertheless. */
  readonly late: 'drop' | 'publish';
}

/** One term's knowledge of what is in Kafka (or in the open transaction). */
export class Published {
  readonly #options: PublishedOptions;
  readonly #peers = new Map<string, PeerPast>();
  #places = new Map<string, Place>();
  #ids = new Map<string, PublishedId[]>();

  constructor(options: PublishedOptions, before: Delta) {
    this.#options = options;
    for (const [peer, last] of before.places) {
      const [, , , ...lastIds] = last;
      const time = timeOfPlace(last);
      // There may be far more: searching them blocks everything else, including the renewal of the lease.
      const known = (before.ids.get(peer) ?? []).filter(([at]) => at >= time - options.windowUs);
      known.sort((a, b) => a[0] - b[0]);
      const ids = new Map(known.map(([at, id]) => [id, at]));
      for (const id of lastIds) ids.set(id, time);
      this.#peers.set(peer, { last, ids, enough: Math.max(fewIds, ids.size * 2), before: time });
    }
  }

  /** Ids remembered now. */
  get remembered(): number {
    let count = 0;
    for (const { ids } of this.#peers.values()) count += ids.size;
    return count;
  }

  /** Whether just this id was published lately, wherever the message stands. */
  knows(message: Ordered): boolean {
    return message.id !== null && (this.#peers.get(message.peerKey)?.ids.has(message.id) ?? false);
  }

  /** Whether a message was published before, or its place has passed and it must not be published. */
  has(message: Ordered): boolean {
    const past = this.#peers.get(message.peerKey);
    if (!past) return false;
    const order = compare(message, past.last);
    if (order > 0) return false;
    if (message.id !== null && past.ids.has(message.id)) return true;
    const time = timeOf(message);
    // Without an id only the time shows whether it may have been published in another term.
    if (order === 0) return message.id === null && time <= past.before;
    return this.#options.late === 'drop' || time < past.before - this.#options.windowUs;
  }

  /** Records a message that is being published (or dropped for good). */
  add(message: Ordered): void {
    const time = timeOf(message);
    let past = this.#peers.get(message.peerKey);
    if (!past) {
      past = { last: placeOf(message), ids: new Map(), enough: fewIds, before: 0 };
      this.#peers.set(message.peerKey, past);
    } else {
      const order = compare(message, past.last);
      if (order > 0) past.last = placeOf(message);
      else if (order === 0 && message.id !== null) past.last = [...past.last, message.id];
    }
    this.#places.set(message.peerKey, past.last);
    if (message.id === null) return;
    past.ids.set(message.id, time);
    if (past.ids.size > past.enough) this.#forget(past);
    const ids = this.#ids.get(message.peerKey);
    if (ids) ids.push([time, message.id]);
    else this.#ids.set(message.peerKey, [[time, message.id]]);
  }

  /** What was added since the last call. */
  takeDelta(): Delta {
    const delta = { places: this.#places, ids: this.#ids };
    this.#places = new Map();
    this.#ids = new Map();
    return delta;
  }

  /** All that is known, as far as another term needs it. */
  all(): Delta {
    const places = new Map<string, Place>();
    const ids = new Map<string, PublishedId[]>();
    for (const [peer, past] of this.#peers) {
      places.set(peer, past.last);
      const from = timeOfPlace(past.last) - this.#options.windowUs;
      const known = [...past.ids].flatMap(([id, time]): PublishedId[] => (time >= from ? [[time, id]] : []));
      if (known.length > 0) ids.set(peer, known);
    }
    return { places, ids };
  }

  /** Drops ids from before the window; the map is in publishing order, which is nearly the order of time. */
  #forget(past: PeerPast): void {
    const from = timeOfPlace(past.last) - this.#options.windowUs;
    for (const [id, time] of past.ids) {
      if (time >= from) break;
      past.ids.delete(id);
    }
    past.enough = Math.max(fewIds, past.ids.size * 2);
  }
}

const fewIds = 16;

const placeOf = ({ seconds, micros, sequence, id }: Ordered): Place =>
  id === null ? [seconds, micros, sequence] : [seconds, micros, sequence, id];
const timeOfPlace = (place: Place): number => place[0] * 1_000_000 + place[1];
const compare = (message: Ordered, place: Place): number =>
  message.seconds - place[0] || message.micros - place[1] || message.sequence - place[2];
