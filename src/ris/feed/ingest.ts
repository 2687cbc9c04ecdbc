// What one replica receives of a collector: the feed, in order, into the backlog; and since when it is complete.
import type { Clock } from '../../core/ports.js';
import type { LabelledName, Stats } from '../../core/stats/stats.js';
import type { Log } from '../../log.js';
import { Backlog } from './backlog.js';
import type { LineEnvelope } from './envelope.js';
import { Feed, type FeedEvents, type FeedOptions, timeOf } from './feed.js';
import { IngestLog } from './ingest-log.js';
import type { MalformedReason } from './message.js';
import { Reorder, type ReorderOptions } from './order.js';

export type RisCounter = Extract<LabelledName, `ris.${string}`>;

/** The settings of the `ris` section for receiving a collector's messages. */
interface IngestSettings
  extends Omit<FeedOptions, 'collector' | 'disorderUs' | 'clock' | 'random' | 'log'>,
    Pick<ReorderOptions, 'late'> {
  /** How long a message may wait for one that belongs before it, ms. */
  readonly reorderMs: number;
  readonly bufferBytes: number;
}

export interface IngestOptions {
  readonly collector: string;
  readonly config: IngestSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stats: Stats;
  readonly log: Log;
  /** What this replica does with the backlog: `standby` keeps it, `elected` is about to publish, `publishing` does. */
  readonly role: () => 'standby' | 'elected' | 'publishing';
  /** Whether another receiving replica is known. */
  readonly hasOthers: () => boolean;
  readonly onGap: () => void;
  /** The backlog has grown. */
  readonly onBacklog: () => void;
}

/** Interval of releasing due messages from the reorder window, ms. */
const releaseMs = 20;
/** A standby forgets what the leader has committed only when it is older than this by feed time, us. */
const trimSlackUs = 10_000_000;
const maxHeld = 200_000;

/** Owned by its collector; start() once, close() once. */
export class Ingest {
  readonly backlog: Backlog;
  readonly #options: IngestOptions;
  readonly #feed: Feed;
  readonly #reorder: Reorder<LineEnvelope>;
  readonly #log: IngestLog;
  #late = 0;
  #dropped = 0;
  /** When the feed ended or was first waited for, ms of the steady clock; null: it is there. */
  #awaySince: number | null = null;
  #windowTime = 0;
  #received = 0;
  /** Received and not yet counted: counting each would cost as much as reading the envelope. */
  #uncounted = 0;
  #cancelRelease: () => void = () => {};

  constructor(options: IngestOptions) {
    const { config, collector } = options;
    this.#options = options;
    this.#log = new IngestLog(options.clock, options.log);
    this.backlog = new Backlog(config.bufferBytes);
    this.#reorder = new Reorder({ windowMs: config.reorderMs, late: config.late, maxHeld });
    const disorderUs = config.reorderMs * 1000;
    this.#feed = new Feed({ ...config, ...options, collector, disorderUs }, this.#feedEvents());
  }

  /** Messages received, those of a second socket included. */
  get received(): number {
    return this.#received;
  }

  /** Messages that came later than the reorder window. */
  get late(): number {
    return this.#late;
  }

  /** Messages that a full buffer had no room for. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How long there has been no feed, ms; 0 with one. */
  get awayMs(): number {
    return this.#awaySince === null ? 0 : this.#options.clock.monotonic() - this.#awaySince;
  }

  /** Feed time (us) since which the feed is complete; null: there is no feed now. */
  get feedSince(): number | null {
    return this.#feed.since;
  }

  /** Feed time (us) since which this replica is complete; null: there is no feed now. */
  get since(): number | null {
    return this.#feed.since === null ? null : Math.max(this.#feed.since, this.backlog.lostUntil);
  }

  /** The latest feed time (us) seen; 0 before the first message. */
  get latest(): number {
    return this.#feed.latest;
  }

  start(): void {
    this.#awaySince = this.#options.clock.monotonic();
    this.#feed.start();
    this.#releaseLater();
  }

  /** Stops receiving. @param flush also releases everything in the reorder window. */
  async close(flush: boolean): Promise<void> {
    // First of all: while the sockets close nothing is received any more, and missed messages may belong before held ones.
    this.#cancelRelease();
    await this.#feed.close();
    this.#countReceived();
    if (flush) this.#take(this.#reorder.flush());
  }

  /** A standby's backlog need not hold what is committed. @param progress feed time, us */
  trim(progress: number): void {
    this.backlog.trim(progress - trimSlackUs);
  }

  /** Counts a line that was skipped. */
  malformed(reason: MalformedReason): void {
    this.#count('ris.malformed', 1, reason);
    this.#log.malformed(reason);
  }

  /** A message was published although these of its JSON are unusable. */
  odd(reasons: readonly MalformedReason[], line: string): void {
    this.#log.odd(reasons, line);
  }

  #feedEvents(): FeedEvents {
    const { log, onGap } = this.#options;
    return {
      onLine: (line) => this.#receive(line),
      onStart: (since) => {
        this.#awaySince = null;
        this.backlog.start(since, this.#reorder.flush());
        this.#bound();
      },
      onGap: (reason) => {
        this.#awaySince = this.#options.clock.monotonic();
        this.#count('ris.gaps');
        log.warn({ reason }, 'The feed has a gap');
        onGap();
      },
      onAhead: (line) => {
        this.#count('ris.ahead');
        this.#log.ahead(line);
      },
      onMalformed: (reason) => this.malformed(reason),
      onServerError: () => this.#count('ris.errors'),
      onDisconnect: () => this.#count('ris.disconnects'),
    };
  }

  #receive(line: LineEnvelope): void {
    this.#received++;
    this.#uncounted++;
    const verdict = this.#reorder.push(line, this.#windowTime);
    if (verdict === 'late') this.#noteLate(line);
    else if (verdict === 'duplicate') this.#count('ris.duplicates');
  }

  #noteLate(line: LineEnvelope): void {
    this.#count('ris.late');
    this.#late++;
    this.#log.late(line, this.latest - timeOf(line), this.#options.config.late === 'drop');
  }

  /**
   * The window's time advances only as fast as the socket is read: after a pause of the process the timer fires before the socket's
   * data is read, and messages that are late within the window would be skipped.
   */
  #releaseLater(before = this.#options.clock.monotonic()): void {
    this.#cancelRelease = this.#options.clock.after(releaseMs, () => {
      const now = this.#options.clock.monotonic();
      if (!this.#isFrozen()) this.#windowTime += Math.min(now - before, releaseMs * 2);
      this.#releaseLater(now);
      this.#countReceived();
      this.#take(this.#reorder.take(this.#windowTime));
      this.#log.full(0, this.#options.config.bufferBytes);
    });
  }

  /**
   * In a gap nothing leaves the window while another replica receives: missing messages may belong before held ones, and the next
   * leader has both.
   */
  #isFrozen(): boolean {
    return this.#feed.since === null && this.#options.hasOthers();
  }

  /** Ordered messages go to the backlog; over its limit something must be dropped. */
  #take(messages: readonly LineEnvelope[]): void {
    if (messages.length === 0) return;
    for (const message of messages) this.backlog.push(message);
    this.backlog.settle(this.floor() ?? 0);
    this.#bound();
    this.#options.onBacklog();
  }

  #bound(): void {
    const role = this.#options.role();
    const dropped = role === 'publishing' ? this.backlog.dropByPeer() : this.backlog.dropOldest();
    // The leader has published most of what a standby drops.
    if (dropped > 0 && role !== 'standby') {
      this.#count('ris.dropped', dropped);
      this.#dropped += dropped;
    }
    this.#log.full(role === 'standby' ? 0 : dropped, this.#options.config.bufferBytes);
  }

  /** Feed time (us) up to which nothing received will follow what is in the backlog; null before the first message. */
  floor(): number | null {
    const oldest = this.#reorder.oldest();
    if (oldest !== null) return timeOf(oldest) - 1;
    return this.#feed.latest > 0 ? this.#feed.latest : null;
  }

  #countReceived(): void {
    if (this.#uncounted > 0) this.#count('ris.received', this.#uncounted);
    this.#uncounted = 0;
  }

  #count(name: RisCounter, by = 1, ...labels: string[]): void {
    this.#options.stats.labelled(name).add([this.#options.collector, ...labels], by);
  }
}
