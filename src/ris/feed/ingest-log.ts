// What a collector's input has to report: a sample a minute of each kind, because a bad feed must not fill the log.
import type { Clock } from '../../core/ports.js';
import type { Log } from '../../log.js';
import type { LineEnvelope } from './envelope.js';
import { timeOf } from './feed.js';
import type { MalformedReason } from './message.js';

/** How often a sample of each kind is logged, ms. */
const sampleMs = 60_000;
/** How often a full buffer is logged, ms. */
const overflowMs = 1_000;
/** Characters of a line in the log. */
const sampleLength = 400;

/** The log lines of one collector's input. */
export class IngestLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #reasonsTold = new Set<MalformedReason>();
  readonly #odd: Rarely;
  readonly #ahead: Rarely;
  readonly #late: Rarely;
  readonly #full: Rarely;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#odd = new Rarely(clock, sampleMs);
    this.#ahead = new Rarely(clock, sampleMs);
    this.#late = new Rarely(clock, sampleMs);
    this.#full = new Rarely(clock, overflowMs);
  }

  /** A line was skipped: once for each reason. */
  malformed(reason: MalformedReason): void {
    if (this.#reasonsTold.has(reason)) return;
    this.#reasonsTold.add(reason);
    this.#log.warn({ reason }, 'A line of RIS Live was skipped; the next ones are only counted');
  }

  /** A message was published although these of its JSON are unusable. */
  odd(reasons: readonly MalformedReason[], line: string): void {
    this.#odd.add(1);
    if (!this.#odd.take()) return;
    this.#log.warn(
      { reasons, line: line.slice(0, sampleLength) },
      'Part of the JSON of a line is unusable: its raw PDU was published; more within a minute are only counted',
    );
  }

  ahead(line: LineEnvelope): void {
    this.#ahead.add(1);
    if (!this.#ahead.take()) return;
    const aheadMs = Math.round(timeOf(line) / 1_000 - this.#clock.now());
    this.#log.warn(
      { peer: line.peerKey, id: line.id, aheadMs },
      'A message is dated ahead of the clock; more within a minute are only counted',
    );
  }

  /** @param behindUs how far it is behind the feed's latest message */
  late(line: LineEnvelope, behindUs: number, isDropped: boolean): void {
    this.#late.add(1);
    const late = this.#late.take();
    if (!late) return;
    this.#log.warn(
      { late, peer: line.peerKey, id: line.id, behindMs: Math.round(behindUs / 1_000) },
      isDropped
        ? 'Messages came after the reorder window and were dropped; more within a minute are only counted'
        : 'Messages came after the reorder window and are published out of order; more within a minute are only counted',
    );
  }

  /** Called again with 0, so that the last drops are logged too. @param limit bytes of the buffer */
  full(dropped: number, limit: number): void {
    this.#full.add(dropped);
    const sum = this.#full.take();
    if (!sum) return;
    this.#log.error(
      { dropped: sum, limit },
      'Kafka is slower than the feed and the buffer is full: messages were dropped',
    );
  }
}

/** Sums what happens until it may be logged. */
class Rarely {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #sum = 0;
  #next = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  add(count: number): void {
    this.#sum += count;
  }

  /** @returns what has happened since the last line; 0: nothing, or it is too early for a line. */
  take(): number {
    const now = this.#clock.monotonic();
    if (this.#sum === 0 || now < this.#next) return 0;
    this.#next = now + this.#everyMs;
    const sum = this.#sum;
    this.#sum = 0;
    return sum;
  }
}
