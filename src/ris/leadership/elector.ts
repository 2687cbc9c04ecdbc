// The elector: how a replica becomes leader of a collector and notices that it no longer is: with Redis, or alone.
import type { Clock } from '../../core/ports.js';
import { own } from '../../core/promises.js';
import type { Stats } from '../../core/stats/stats.js';
import type { Log } from '../../log.js';
import { hasBetter, shouldStand } from './election.js';
import type { Lease, LeaseSnapshot } from './lease.js';

/** What the election needs of its collector, and its events. */
export interface ElectionCandidate {
  /** Feed time (us) since which it is complete; null: it has no feed. */
  since(): number | null;
  /** Feed time (us) up to which it has committed everything. */
  progress(): number | null;
  onSnapshot(snapshot: LeaseSnapshot): void;
  /** Leading has begun or ended. */
  onChange(): void;
}

/** One collector's election, as its collector sees it. */
export interface Election {
  start(candidate: ElectionCandidate): void;
  leads(): boolean;
  /** Whether another receiving replica is known. */
  hasOthers(): boolean;
  /** Whether another replica misses less than one whose feed begins at `since` (null: no feed). */
  hasBetter(since: number | null): boolean;
  /** How long the service that decides the election has not answered, ms. */
  awayMs(): number;
  /** A name for this term: the fencing token. */
  term(): string;
  /** Gives leadership up, so that others take over at once. @param progress feed time (us) of what is committed. */
  release(progress?: number | null): Promise<void>;
  close(): Promise<void>;
}

/** A single worker: always the leader. */
export class SingleElection implements Election {
  #closed = false;

  start(): void {}
  leads(): boolean {
    return !this.#closed;
  }
  hasOthers(): boolean {
    return false;
  }
  hasBetter(): boolean {
    return false;
  }
  awayMs(): number {
    return 0;
  }
  term(): string {
    return 'alone';
  }
  async release(): Promise<void> {}
  async close(): Promise<void> {
    this.#closed = true;
  }
}

/** Failed requests to Redis before a log line. */
const patience = 2;
const nothingSeen: LeaseSnapshot = { leader: null, progress: null, adverts: [] };

/** What an election needs of the lease. */
export type LeaseInRedis = Pick<Lease, 'held' | 'valid' | 'look' | 'acquire' | 'renew' | 'release' | 'leave'>;

export interface RedisElectionDeps {
  readonly host: string;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Log;
}

/** Leads while it has the lease. Without Redis it neither begins to lead nor continues beyond its lease. */
export class RedisElection implements Election {
  readonly #lease: LeaseInRedis;
  readonly #ttlMs: number;
  readonly #deps: RedisElectionDeps;
  #candidate: ElectionCandidate | undefined;
  #snapshot: LeaseSnapshot = nothingSeen;
  #seenAt = Number.NEGATIVE_INFINITY;
  /** When Redis answered last, or the election began, ms of the steady clock. */
  #answeredAt = Number.POSITIVE_INFINITY;
  #freeSince: number | null = null;
  #abstainUntil = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #led = false;
  #closed = false;
  #cancel: () => void = () => {};

  constructor(lease: LeaseInRedis, ttlMs: number, deps: RedisElectionDeps) {
    this.#lease = lease;
    this.#ttlMs = ttlMs;
    this.#deps = deps;
  }

  start(candidate: ElectionCandidate): void {
    this.#candidate = candidate;
    this.#answeredAt = this.#deps.clock.monotonic();
    this.#later(0);
  }

  leads(): boolean {
    return this.#lease.valid();
  }

  hasOthers(): boolean {
    return this.#known().some(({ since }) => since !== null);
  }

  hasBetter(since: number | null): boolean {
    return hasBetter(this.#known(), since);
  }

  awayMs(): number {
    return Math.max(0, this.#deps.clock.monotonic() - this.#answeredAt);
  }

  term(): string {
    return this.#lease.held?.value ?? 'none';
  }

  async release(progress: number | null = null): Promise<void> {
    if (!this.#lease.held) return;
    // Reports our progress to the others, and gives them a moment to be quicker.
    if (progress !== null && this.#lease.valid()) await this.#lease.renew(progress).catch(() => false);
    this.#abstainUntil = this.#deps.clock.monotonic() + this.#ttlMs / 2;
    await this.#lease.release();
    this.#noteChange();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#lease.leave();
  }

  /** What was recently heard of others; old reports may be of replicas that are gone. */
  #known(): LeaseSnapshot['adverts'] {
    return this.#deps.clock.monotonic() - this.#seenAt <= this.#ttlMs ? this.#snapshot.adverts : [];
  }

  /** A quarter of the lease, and sooner after a failure. A free lease is checked at least twice a second. */
  get #tickMs(): number {
    if (this.#lease.valid()) return this.#failures > 0 ? this.#ttlMs / 20 : this.#ttlMs / 4;
    return Math.min(this.#ttlMs / 4, 500);
  }

  #later(ms: number): void {
    this.#cancel = this.#deps.clock.after(ms, () => {
      const ticked = this.#tick().finally(() => {
        if (!this.#closed) this.#later(this.#tickMs);
      });
      own(ticked, (err) => this.#deps.log.error({ err }, 'An election failed: this is a bug'));
    });
  }

  /** Never rejects. */
  async #tick(): Promise<void> {
    const candidate = this.#candidate;
    if (!candidate) return;
    try {
      if (this.#lease.valid()) await this.#lease.renew(candidate.progress());
      await this.#see(await this.#lease.look(candidate.since()), candidate);
      this.#answeredAt = this.#deps.clock.monotonic();
      if (this.#failures >= patience) this.#deps.log.info('Redis answers again');
      this.#failures = 0;
    } catch (error) {
      this.#deps.stats.count('ris.redis.errors', this.#deps.host);
      // A Redis that restarts may have lost a lease that its holder still counts on.
      if (this.#seenAt > Number.NEGATIVE_INFINITY) this.#abstainUntil = this.#deps.clock.monotonic() + this.#ttlMs;
      // The first request may come before the connection exists.
      if (++this.#failures === patience) {
        this.#deps.log.warn({ err: error }, 'Redis does not answer: no leader can be elected until it does');
      }
    }
    this.#noteChange();
  }

  async #see(snapshot: LeaseSnapshot, candidate: ElectionCandidate): Promise<void> {
    const now = this.#deps.clock.monotonic();
    this.#snapshot = snapshot;
    this.#seenAt = now;
    candidate.onSnapshot(snapshot);
    if (this.#lease.valid() || snapshot.leader !== null) {
      this.#freeSince = null;
      return;
    }
    this.#freeSince ??= now;
    if (now < this.#abstainUntil || this.#closed) return;
    if (shouldStand(candidate.since(), snapshot, now - this.#freeSince, this.#ttlMs / 4)) await this.#lease.acquire();
  }

  #noteChange(): void {
    const leads = this.#lease.valid();
    if (leads === this.#led) return;
    this.#led = leads;
    this.#candidate?.onChange();
  }
}
