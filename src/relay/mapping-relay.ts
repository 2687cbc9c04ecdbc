// MappingRelay: one topic's relay from start to end: its target and source sides, and the pump between them.
import { Positions } from './checkpoint/positions.js';
import { mappingName } from './config/topic-map.js';
import type { MappingDeps } from './mapping.js';
import { Pump } from './pump.js';
import { FilterChain } from './record/filter.js';
import { SkipLog } from './record/skip-log.js';
import { Translator } from './record/translate.js';
import { MappingMetrics } from './report/mapping-metrics.js';
import type { MappingView } from './report/mapping-view.js';
import { RunState } from './run-state.js';
import type { Reader } from './source/reader.js';
import { SourcePool } from './source/source-pool.js';
import { SourceSide } from './source/source-side.js';
import type { TargetSession } from './target/target-session.js';
import { TargetSide } from './target/target-side.js';

export type MappingState =
  | 'starting'
  | 'waiting for the target'
  | 'waiting for a source'
  | 'relaying'
  | 'ended'
  | 'stopped with an error';

/** Share of the stop time for delivering: the rest is for closing. */
const deliveringShare = 0.75;

export class MappingRelay {
  readonly name: string;
  readonly metrics: MappingMetrics;
  readonly #deps: MappingDeps;
  readonly #run: RunState;
  readonly #source: SourceSide;
  readonly #target: TargetSide;
  readonly #positions = new Positions();
  readonly #filters: FilterChain;
  readonly #skipped: SkipLog;
  #state: MappingState = 'starting';
  /** When progress was recorded last, ms since the epoch, and why the topic has stopped. */
  #committedAt: number | null = null;
  #verdict: string | undefined;
  #over = false;
  /** Of the target's retention. */
  #isWarned = false;
  /** The target must be opened again, to see whether it has more partitions. */
  #isTargetSmall = false;

  constructor(deps: MappingDeps) {
    const { mapping, config, clock, sources } = deps;
    this.#deps = deps;
    this.name = mappingName(mapping);
    this.metrics = new MappingMetrics(deps.metrics, mapping, sources.length);
    this.#run = new RunState(clock, config.target.session_timeout * deliveringShare);
    this.#skipped = new SkipLog(this.name, clock, deps.log);
    this.#filters = new FilterChain(deps.filters, mapping.source, clock);
    const both = { name: this.name, deps, run: this.#run, positions: this.#positions, metrics: this.metrics };
    this.#source = new SourceSide({
      ...both,
      pool: new SourcePool(sources.length, config.pool.offset_lag_threshold),
      onWaiting: () => this.#setState('waiting for a source'),
      onTargetSmall: () => {
        this.#setState('waiting for the target');
        this.#isTargetSmall = true;
      },
      onReading: () => {
        if (this.#state === 'waiting for a source') this.#setState('relaying');
      },
    });
    this.#target = new TargetSide({
      ...both,
      sourcePartitions: () => this.#source.partitions(),
      onTakeOver: (ends) => this.#source.takeOver(ends),
      onWaiting: () => this.#setState('waiting for the target'),
    });
  }

  get state(): MappingState {
    return this.#state;
  }

  /** Messages queued for the target whose delivery is unknown. */
  get pending(): number {
    return this.#target.pending;
  }

  /** Messages still to read; undefined while no source is connected. */
  get remaining(): number | undefined {
    return this.#source.remaining;
  }

  /** The open transaction in the source that hides what follows, `topic[0]@10`; undefined: none. */
  get hidden(): string | undefined {
    return this.#source.hidden;
  }

  /** What the console shows. */
  view(): MappingView {
    const { mapping, sources } = this.#deps;
    const { fault, ...about } = this.#source.sources;
    const { messages, bytes, filtered, skipped } = this.metrics.total;
    return {
      source: mapping.source,
      target: this.name.slice(mapping.source.length + ' -> '.length),
      state: this.#state,
      ...about,
      brokers: about.active === null ? null : sources[about.active]!.brokers,
      ...{ messages, bytes, filtered, skipped },
      remaining: this.remaining ?? null,
      hidden: this.hidden ?? null,
      committedAt: this.#committedAt,
      lastError: this.#verdict ?? this.#target.fault ?? fault ?? null,
    };
  }

  /** Ends reading; what was read is delivered. */
  stop(): void {
    this.#run.stop();
  }

  /** Settles when the topic has reached its end or was stopped. Rejects when it cannot be relayed any further. */
  async run(): Promise<void> {
    const ticking = this.#tick();
    try {
      await this.#relay();
      this.#setState('ended');
    } catch (error) {
      this.#setState('stopped with an error');
      this.#verdict = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      this.#over = true;
      this.stop();
      await Promise.all([this.#target.close(), this.#source.leave(), ticking]);
      await this.#source.closed();
    }
  }

  async #relay(): Promise<void> {
    while (!this.#run.stopping) {
      const verdict = this.#target.verdict ?? this.#source.verdict;
      if (verdict) throw verdict;
      const session = await this.#target.open();
      if (!session) return;
      const reader = await this.#source.open(session);
      if (this.#isTargetSmall) {
        this.#isTargetSmall = false;
        await this.#target.close();
      }
      if (!reader) continue;
      if (await this.#pumped(session, reader)) return;
    }
  }

  /** @returns true when the topic has reached its end. */
  async #pumped(session: TargetSession, reader: Reader): Promise<boolean> {
    try {
      const ended = await this.#pump(session, reader);
      if (!ended && !this.#run.stopping) await this.#leave(reader);
      return ended;
    } catch (error) {
      this.metrics.givenUp();
      await Promise.all([this.#target.failed(error), this.#source.leave()]);
      return false;
    }
  }

  /** After new partitions, the target is checked again as well: it may have them too. */
  async #leave(reader: Reader): Promise<void> {
    if (reader.partitionsAdded || this.#target.isLeaving) await this.#target.close();
    await this.#source.leaveFailed(reader);
  }

  async #pump(session: TargetSession, reader: Reader): Promise<boolean> {
    const { config, mapping, clock } = this.#deps;
    this.#setState('relaying');
    return new Pump({
      reader,
      session,
      positions: this.#positions,
      filters: this.#filters,
      translator: new Translator(
        mapping,
        config.target.preserve_timestamp,
        session.topic.limits,
        config.skipOrigin ? { source: reader.topic.cluster, target: session.topic.cluster } : undefined,
      ),
      onExpired: (timestamp) => this.#warnOfRetention(timestamp, session.topic.limits.retentionMs),
      metrics: this.metrics,
      clock,
      size: this.#target.size,
      commitIntervalMs: config.target.transaction_interval,
      skips: { oversize: config.target.oversize === 'skip', invalid: config.target.invalid === 'skip' },
      refusals: this.#target.refusals,
      skipped: this.#skipped,
      source: mapping.source,
      ends: this.#source.ends,
      endTimeoutMs: config.pool.stop_at_end_timeout ?? Number.POSITIVE_INFINITY,
      leaving: () => this.#run.stopping || this.#target.isLeaving,
      onCommit: (moved) => {
        this.#target.committed(moved);
        this.#target.fault = undefined;
        if (moved) this.#committedAt = clock.now();
        if (moved) this.#source.tries = 0;
        this.#setState('relaying');
      },
    }).run();
  }

  #warnOfRetention(timestamp: number, retentionMs: number): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    this.#deps.log.warn(
      { topic: this.name, time: new Date(timestamp).toISOString(), retentionMs },
      "messages keep their own time, and the target's retention.ms deletes them soon: raise it, or set target.preserve_timestamp = false",
    );
  }

  #setState(state: MappingState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.metrics.up(state === 'relaying');
  }

  /** Checks all sources and the target every healthcheck_interval. */
  async #tick(): Promise<void> {
    const { pool } = this.#deps.config;
    while (!this.#over && !this.#run.stopping) {
      await this.#run.pause(pool.healthcheck_interval);
      if (this.#over || this.#run.stopping) return;
      await this.#source.look();
      await this.#target.look();
    }
  }
}
