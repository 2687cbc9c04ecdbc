// The RIS worker: its collectors, the Redis connection they share, and the progress line.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import type { Listener } from '../core/listener.js';
import type { Clock, KafkaFactory } from '../core/ports.js';
import { own } from '../core/promises.js';
import type { GaugeName, Stats } from '../core/stats/stats.js';
import type { Log } from '../log.js';
import { Collector, type CollectorFigures, type CollectorView, type PeerView } from './collector.js';
import type { RisConfig } from './config.js';
import { listCollectors } from './feed/collectors.js';
import { RedisElection, SingleElection } from './leadership/elector.js';
import { connectRedis, Lease } from './leadership/lease.js';
import { progressLines } from './progress.js';
import { problemsOf } from './readiness.js';
import { redisOptions } from './redis-url.js';

export interface RisWorkerDeps {
  readonly kafka: KafkaFactory;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Log;
  /** The program's version, for BMP Initiation. */
  readonly version: string;
  /** 0 <= x < 1. */
  readonly random?: () => number;
}

/** Pauses between requests for the list of collectors: after a failure, and for new ones, ms. */
const listRetryMs = 5_000;
const listAgainMs = 3_600_000;
/** Without a list for so long the worker is not ready, ms. */
const listPatienceMs = 30_000;

export class RisWorker implements Listener {
  readonly name = 'ris';
  readonly #config: RisConfig;
  readonly #deps: RisWorkerDeps;
  readonly #replica = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  #redis: Redis | undefined;
  readonly #collectors = new Map<string, Collector>();
  #stopping = false;
  #startedAt = 0;
  #cancelProgress: () => void = () => {};
  #cancelList: () => void = () => {};

  constructor(config: RisConfig, deps: RisWorkerDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** Resolves at once: services that do not answer yet (RIS Live, Redis, Kafka) are waited for. */
  async start(): Promise<void> {
    const { ha, redis, redisTls, leaseTtlMs, progressMs } = this.#config;
    this.#startedAt = this.#deps.clock.monotonic();
    if (ha) {
      let wasDown = false;
      const options = redisOptions(redis, redisTls);
      this.#redis = connectRedis(options, Math.min(1_000, Math.ceil(leaseTtlMs / 3)), ({ message }) => {
        if (!wasDown) this.#deps.log.warn({ reason: message }, 'Redis: not connected');
        wasDown = true;
      });
      this.#redis.on('ready', () => {
        wasDown = false;
      });
    }
    if (this.#config.host.includes('all')) this.#listLater(0);
    else this.#startCollectors(this.#config.host);
    if (progressMs > 0) this.#reportLater(progressMs, this.#figures());
    this.#showFigures();
  }

  /** Stops receiving and publishes what is left. */
  async drain(): Promise<void> {
    this.#stopping = true;
    this.#cancelProgress();
    this.#cancelList();
    await Promise.all([...this.#collectors.values()].map((collector) => collector.drain()));
  }

  async closeConsumers(): Promise<void> {}

  async stopListening(): Promise<void> {}

  async close(): Promise<number> {
    this.#redis?.disconnect();
    return [...this.#collectors.values()].reduce((left, collector) => left + collector.close(), 0);
  }

  /** The current state of each collector. */
  figures(): CollectorFigures[] {
    return [...this.#collectors.values()].map((collector) => collector.figures());
  }

  collectors(): CollectorView[] {
    return [...this.#collectors.values()].map((collector) => collector.view());
  }

  /** The peers of a collector; undefined: it is unknown, or this replica does not lead. */
  peers(collector: string): PeerView[] | undefined {
    return this.#collectors.get(collector)?.peers();
  }

  problems(): readonly string[] {
    const waitedMs = this.#deps.clock.monotonic() - this.#startedAt;
    if (this.#collectors.size === 0 && waitedMs > listPatienceMs) return ['ris: RIS Live has not named its collectors'];
    return problemsOf(this.figures(), this.#config.leaseTtlMs);
  }

  #listLater(ms: number): void {
    this.#cancelList = this.#deps.clock.after(ms, () =>
      own(this.#startAll(), (err) => this.#deps.log.error({ err }, 'The collectors were not started: this is a bug')),
    );
  }

  /** Starts the collectors that RIS Live names now; those that it no longer names go on. Never rejects for the network. */
  async #startAll(): Promise<void> {
    try {
      const names = await listCollectors(this.#config, this.#deps.clock);
      if (this.#stopping) return;
      this.#startCollectors(names);
      this.#listLater(listAgainMs);
    } catch (error) {
      if (this.#stopping) return;
      this.#deps.log.warn({ err: error }, 'RIS Live: the list of collectors is asked for again');
      this.#listLater(listRetryMs);
    }
  }

  #startCollectors(names: readonly string[]): void {
    for (const name of new Set(names)) {
      if (this.#collectors.has(name)) continue;
      const collector = this.#collector(name);
      this.#collectors.set(name, collector);
      collector.start();
    }
  }

  #collector(name: string): Collector {
    const { kafka, clock, stats, version, random = Math.random } = this.#deps;
    const log = this.#deps.log.child({ host: name });
    const { redisPrefix: prefix, leaseTtlMs: ttlMs } = this.#config;
    const election = this.#redis
      ? new RedisElection(new Lease(this.#redis, name, { prefix, ttlMs, replica: this.#replica, clock }), ttlMs, {
          host: name,
          clock,
          stats,
          log,
        })
      : new SingleElection();
    return new Collector(name, this.#config, {
      kafka,
      election,
      replica: this.#replica,
      version,
      clock,
      random,
      stats,
      log,
    });
  }

  /** The progress line's figures as metrics. */
  #showFigures(): void {
    const { stats } = this.#deps;
    const show = (name: GaugeName, of: (figures: CollectorFigures) => number | null): void =>
      stats.watch(name, () =>
        this.figures().flatMap((figures) => {
          const value = of(figures);
          return value === null ? [] : [[[figures.host], value] as const];
        }),
      );
    show('ris.connected', ({ connected }) => Number(connected));
    show('ris.leader', ({ leader }) => Number(leader));
    show('ris.lag.ms', ({ lagMs }) => lagMs);
    show('ris.backlog', ({ backlog }) => backlog);
    show('ris.backlog.bytes', ({ backlogBytes }) => backlogBytes);
    show('ris.peers.up', ({ leader, peersUp }) => (leader ? peersUp : null));
  }

  #figures(): Map<string, CollectorFigures> {
    return new Map(this.figures().map((figures) => [figures.host, figures]));
  }

  #reportLater(everyMs: number, before: Map<string, CollectorFigures>): void {
    this.#cancelProgress = this.#deps.clock.after(everyMs, () => {
      for (const line of progressLines(this.figures(), before, everyMs)) this.#deps.log.info(line, 'ris progress');
      this.#reportLater(everyMs, this.#figures());
    });
  }
}
