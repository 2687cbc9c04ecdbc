// The records of a checkpoint topic merged to the progress that they hold: the last snapshot, and what was written after it.

import { addIds, inFull, type StoredIds } from './checkpoint-ids.js';
import type { Delta, Place, PublishedId } from './dedup-index.js';

/** Everything that a new leader needs. */
export interface Progress {
  /** Feed time (us) up to which everything received is published; null: nothing ever was. */
  readonly mark: number | null;
  /** Counts the collector's transactions, over all terms. */
  readonly turn: number;
  readonly published: Delta;
  /** The encoder's state of each peer (session and OPENs). */
  readonly states: ReadonlyMap<string, unknown>;
  /** Topics that lack records and whose peers are not marked yet; absent: none. */
  readonly unmarked?: readonly string[];
}

/** Takes the records one by one, then gives the progress. Later records replace most: only what remains is parsed. */
export class ProgressReading {
  /** The latest record of each key since the snapshot. */
  readonly #latest = new Map<string, Buffer>();
  /** The parts of the last whole snapshot. */
  #snapshot: readonly Buffer[] | undefined;
  /** A snapshot that is being read. */
  #begun: { readonly parts: Buffer[]; readonly of: number } | undefined;

  /** Whether a whole snapshot was read: what precedes it is not needed. */
  get hasSnapshot(): boolean {
    return this.#snapshot !== undefined;
  }

  /** @returns the term that a term record begins. */
  take(key: string, value: Buffer): string | undefined {
    if (key === 'snapshot') this.#begun = { parts: [], of: (parse(value) as { parts: number }).parts };
    else if (key.startsWith('snapshot.')) this.#takePart(Number(key.slice('snapshot.'.length)), value);
    else this.#latest.set(key, value);
    return key === 'term' ? (parse(value) as { term: string }).term : undefined;
  }

  /** Parts are in one transaction, in order; where compaction has left a part of an older snapshot they are not. */
  #takePart(index: number, value: Buffer): void {
    const begun = this.#begun;
    if (!begun) return;
    if (index !== begun.parts.length) {
      this.#begun = undefined;
      return;
    }
    begun.parts.push(value);
    if (begun.parts.length < begun.of) return;
    this.#snapshot = begun.parts;
    this.#begun = undefined;
    this.#latest.clear();
  }

  progress(): Progress {
    const draft = new Draft();
    for (const part of this.#snapshot ?? []) {
      for (const [key, value] of parse(part) as [string, unknown][]) draft.add(key, value);
    }
    for (const [key, value] of this.#latest) draft.add(key, parse(value));
    return draft.progress();
  }
}

class Draft {
  #mark: { time: number | null; turn: number } = { time: null, turn: 0 };
  readonly #places = new Map<string, Place>();
  readonly #ids = new Map<string, PublishedId[]>();
  readonly #states = new Map<string, unknown>();
  #unmarked: readonly string[] = [];

  add(key: string, value: unknown): void {
    const space = key.indexOf(' ');
    const name = space < 0 ? key : key.slice(0, space);
    const rest = space < 0 ? '' : key.slice(space + 1);
    if (name === 'mark') this.#mark = value as { time: number | null; turn: number };
    else if (name === 'at') {
      const [seconds, micros, sequence, ...ids] = value as Place;
      this.#places.set(rest, [seconds, micros, sequence, ...ids.map((id) => inFull(rest, id))]);
    } else if (name === 'unmarked') this.#unmarked = value as string[];
    else if (name === 'peer') this.#states.set(rest, value);
    else if (name === 'ids') addIds(this.#ids, value as StoredIds);
  }

  progress(): Progress {
    const { time, turn } = this.#mark;
    const published = { places: this.#places, ids: this.#ids };
    return { mark: time, turn, published, states: this.#states, unmarked: this.#unmarked };
  }
}

const parse = (value: Buffer): unknown => JSON.parse(value.toString());
