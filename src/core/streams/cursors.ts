// Cursors: where XREADs have come to, so that an id they answered means the same place in every partition, whatever came since.
import type { Cut } from './log/time-line.js';

interface Cursor {
  readonly id: string;
  /** Of the topic, when it was kept. */
  readonly life: number;
  readonly next: Cut;
}

/** Streams remembered for one connection. */
const maxStreams = 64;
/** Places remembered for all: pools send each call on another connection. */
const maxShared = 2_000;

/** Deleted topics remembered. */
const maxLives = 1_000;

export class Cursors {
  /** By topic and id, the one that was answered longest ago first. */
  readonly #shared = new Map<string, Cut>();
  /** Numbers of topics that were deleted, each time another one. */
  readonly #lives = new Map<string, number>();
  #ended = 0;

  /** Where any connection has come to. Other connections may have read less or more than this one: it may not know all entries in front of it. */
  ofAny(topic: string, id: string): Cut | undefined {
    return this.#shared.get(keyOf(topic, id));
  }

  /** A connection has come so far. */
  keep(topic: string, id: string, next: Cut): void {
    const key = keyOf(topic, id);
    this.#shared.delete(key);
    if (this.#shared.size >= maxShared) this.#shared.delete(this.#shared.keys().next().value!);
    this.#shared.set(key, next);
  }

  /** A topic was deleted: places in it mean nothing in another one of its name. */
  end(topic: string): void {
    if (this.#lives.size >= maxLives && !this.#lives.has(topic)) this.#lives.delete(this.#lives.keys().next().value!);
    this.#lives.set(topic, ++this.#ended);
    for (const key of this.#shared.keys()) if (key.startsWith(`${topic} `)) this.#shared.delete(key);
  }

  /** Another number each time that the topic was deleted. */
  lifeOf(topic: string): number {
    return this.#lives.get(topic) ?? 0;
  }
}

/** Where the XREADs of one connection have come to. */
export class ConnectionCursors {
  readonly #all: Cursors;
  readonly #byTopic = new Map<string, Cursor>();

  constructor(all: Cursors) {
    this.#all = all;
  }

  /** The place behind the entries that this connection got last, if that was up to this id. */
  find(topic: string, id: string): Cut | undefined {
    const cursor = this.#byTopic.get(topic);
    return cursor?.id === id && cursor.life === this.#all.lifeOf(topic) ? cursor.next : undefined;
  }

  keep(topic: string, id: string, next: Cut): void {
    this.#byTopic.delete(topic);
    if (this.#byTopic.size >= maxStreams) this.#byTopic.delete(this.#byTopic.keys().next().value!);
    this.#byTopic.set(topic, { id, next, life: this.#all.lifeOf(topic) });
    this.#all.keep(topic, id, next);
  }
}

const keyOf = (topic: string, id: string): string => `${topic} ${id}`;
