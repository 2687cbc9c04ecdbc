// A leader's work within one term: batches from the backlog into transactions, until the lease ends, the feed has a gap, or the worker stops.
import { setImmediate } from 'node:timers/promises';
import { within } from '../../core/clock.js';
import type { Clock } from '../../core/ports.js';
import type { Log } from '../../log.js';
import type { Backlog } from '../feed/backlog.js';
import type { Election } from './elector.js';
import type { Batch, Publisher } from './publisher.js';
import type { Term } from './term.js';

export interface LeaderOptions {
  /** A transaction is committed after this time, ms, or with this many messages. */
  readonly commitMs: number;
  readonly commitMessages: number;
  readonly election: Election;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly log: Log;
  /** Feed time (us) since which the feed is complete; null: there is no feed now. */
  readonly since: () => number | null;
  /** Feed time (us) up to which nothing will follow what is in the backlog; null before the first message. */
  readonly floor: () => number | null;
  /** `no`; `handing over`: another replica continues; `ending`: none does. */
  readonly stopping: () => 'no' | 'handing over' | 'ending';
  /** @param records those that Kafka took */
  readonly onWrote: (batch: Batch, records: number) => void;
  readonly onStepDown: () => void;
}

/** State that the parts of the loop share. */
interface Round {
  /** The last batch on its way to Kafka. */
  writing: Promise<void>;
  isWriting: boolean;
  /** Another replica is more complete. */
  stepDown: boolean;
}

/** Entries read at a time, before the sockets get their turn. */
export const readEntries = 1_000;
/** How long a leader without messages waits before it commits its progress alone, ms. */
const idleMarkMs = 1_000;
/** The shortest wait, ms. */
const waitMs = 20;

/** One leader's term; made for it, run() once. */
export class Leader {
  readonly #options: LeaderOptions;
  readonly #term: Term;
  readonly #publisher: Publisher;
  #gapped: boolean;
  #committed: number | null;
  #wake: () => void = () => {};

  constructor(options: LeaderOptions, term: Term, publisher: Publisher) {
    this.#options = options;
    this.#term = term;
    this.#publisher = publisher;
    this.#committed = publisher.mark;
    // Gaps before the term are in the backlog, and handled there.
    this.#gapped = options.since() === null;
  }

  /** Something to do, or a reason to stop. */
  wake(): void {
    this.#wake();
  }

  /** The feed has a gap: nothing more is published before it is known whether another replica is more complete. */
  noteGap(): void {
    this.#gapped = true;
    this.#wake();
  }

  /**
   * Reads and encodes the next batch while the last one is being committed.
   * @throws KafkaError, TermOver: then only a new term can find out what was committed.
   */
  async run(): Promise<void> {
    const { election, clock } = this.#options;
    const publisher = this.#publisher;
    let lastWrite = Number.NEGATIVE_INFINITY;
    const round: Round = { writing: Promise.resolve(), isWriting: false, stepDown: false };
    while (election.leads() && !round.stepDown) {
      await this.#fill(round);
      await round.writing;
      if (this.#gapped && this.#isGoingOn()) {
        // Not even messages from before the gap: missing ones may belong before them.
        this.#gapped = false;
        round.stepDown = election.hasBetter(this.#options.since());
        if (round.stepDown) break;
      }
      const batch = publisher.take(clock.monotonic() - lastWrite >= idleMarkMs, this.#term.wantsSnapshot);
      if (batch) {
        lastWrite = clock.monotonic();
        this.#write(batch, round);
      }
      // Without a feed we lead only until another replica has one.
      const isIdle = this.#options.backlog.isRead && this.#isGoingOn();
      if (this.#options.since() === null && isIdle && election.hasBetter(null)) round.stepDown = true;
      if (!this.#isGoingOn() && !batch) break;
    }
    await round.writing;
    if (this.#options.stopping() === 'ending' && !round.stepDown && election.leads()) await this.#end();
    if (round.stepDown || !this.#isGoingOn()) await this.#handOver(round.stepDown);
  }

  /** Reads until a batch is due: it is full, or its time has come and the last one is written. */
  async #fill(round: Round): Promise<void> {
    const { election, clock, backlog, commitMs, commitMessages } = this.#options;
    const publisher = this.#publisher;
    const due = clock.monotonic() + commitMs;
    const crossHole = (since: number): boolean => {
      round.stepDown = election.hasBetter(since);
      return !round.stepDown;
    };
    while (election.leads() && !round.stepDown && !(this.#gapped && this.#isGoingOn())) {
      const isReadOut = publisher.read(readEntries, this.#options.floor(), crossHole);
      if (publisher.pending >= commitMessages) return;
      if (!isReadOut) {
        await setImmediate();
        continue;
      }
      const left = due - clock.monotonic();
      const isBlocked = !backlog.isRead;
      if ((left <= 0 || isBlocked || !this.#isGoingOn()) && !round.isWriting) return;
      await this.#woken(Math.max(left, waitMs));
    }
  }

  /** A failure is thrown where `round.writing` is awaited. */
  #write(batch: Batch, round: Round): void {
    round.isWriting = true;
    round.writing = this.#term
      .commit(batch)
      .then((records) => this.#wrote(batch, records))
      .finally(() => {
        round.isWriting = false;
        this.#wake();
      });
    round.writing.catch(() => {});
  }

  /** No other replica continues. */
  async #end(): Promise<void> {
    this.#publisher.end();
    const batch = this.#publisher.take(false, this.#term.wantsSnapshot);
    if (batch) await this.#term.commit(batch).then((records) => this.#wrote(batch, records));
  }

  async #handOver(gap: boolean): Promise<void> {
    if (gap) {
      this.#options.onStepDown();
      this.#options.log.warn('Stepping down: another replica has no gap in its feed');
    }
    await this.#options.election.release(this.#committed);
  }

  #wrote(batch: Batch, records: number): void {
    this.#options.backlog.release(batch.place);
    this.#committed = batch.step.mark;
    this.#options.onWrote(batch, records);
  }

  #isGoingOn(): boolean {
    return this.#options.stopping() === 'no';
  }

  /** Waits for a wake-up, at most ms. */
  async #woken(ms: number): Promise<void> {
    await within(
      this.#options.clock,
      ms,
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    );
    this.#wake = () => {};
  }
}
