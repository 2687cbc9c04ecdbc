// Messages dated ahead of the clock: which they are, and the place they get instead.
import type { LineEnvelope } from './envelope.js';

/** Messages in a row, and peers among them, that all are ahead: then it is this machine's clock that is wrong. */
const manyInARow = 100;
const severalPeers = 3;
/** This many in a row decide, even if they are from one peer. */
const farTooMany = 1_000;

/** Judges messages of one feed by this machine's clock, for as long as that is right. Times are us since the epoch. */
export class AheadOfTime {
  readonly #mostUs: number;
  readonly #now: () => number;
  readonly #onWrongClock: (behindMs: number) => void;
  /** How far this clock is taken to be behind. */
  #behindUs = 0;
  #inARow = 0;
  readonly #peers = new Set<string>();

  /** @param mostMs how far ahead a message may be @param now ms since the epoch @param onWrongClock the whole feed is ahead */
  constructor(mostMs: number, now: () => number, onWrongClock: (behindMs: number) => void) {
    this.#mostUs = mostMs * 1_000;
    this.#now = now;
    this.#onWrongClock = onWrongClock;
  }

  has(line: LineEnvelope, time: number): boolean {
    const now = this.#now() * 1_000;
    // The clock was set right.
    if (time <= now + this.#mostUs) this.#behindUs = 0;
    if (time <= now + this.#behindUs + this.#mostUs) {
      if (this.#inARow > 0) this.#peers.clear();
      this.#inARow = 0;
      return false;
    }
    this.#inARow += 1;
    if (this.#peers.size < severalPeers) this.#peers.add(line.peerKey);
    const isFeed = this.#inARow >= manyInARow && this.#peers.size >= severalPeers;
    if (!isFeed && this.#inARow < farTooMany) return true;
    this.#behindUs = time - now;
    this.#onWrongClock(Math.round(this.#behindUs / 1_000));
    return false;
  }
}

/** The same line just behind a feed time. */
export function placedBehind(line: LineEnvelope, time: number): LineEnvelope {
  const seconds = Math.floor((time + 1) / 1_000_000);
  return { ...line, kind: 'ahead', seconds, micros: time + 1 - seconds * 1_000_000 };
}
