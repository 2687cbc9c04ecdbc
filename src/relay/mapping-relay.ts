// MappingRelay: one topic's relay from start to end: target, source, pump, and what is done when either fails.
import { within } from '../core/clock.js';
import { type Clock, KafkaCode, KafkaError, type KafkaFactory } from '../core/ports.js';
import { fail, type GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import { backoffMs } from './backoff.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { backoffOf, type RelayConfig } from './config.js';
import { FilterChain, type LoadedFilter } from './filter.js';
import { MappingMetrics, type RelayMetrics } from './metrics.js';
import { isPassing } from './passing.js';
import { Positions } from './positions.js';
import { Pump } from './pump.js';
import type { Reader } from './reader.js';
import { RunState } from './run-state.js';
import { SourcePool } from './source-pool.js';
import { SourceSide } from './source-side.js';
import { targetEnds } from './take-over.js';
import { isFenced, newOwner, TargetSession } from './target-session.js';
import { type Mapping, mappingName } from './topic-map.js';
import { Translator } from './translate.js';

export interface MappingDeps {
  readonly mapping: Mapping;
  readonly config: RelayConfig;
  readonly target: KafkaFactory;
  readonly sources: readonly KafkaFactory[];
  readonly store: CheckpointStore;
  readonly filters: readonly LoadedFilter[];
  readonly metrics: RelayMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

export type MappingState =
  | 'starting'
  | 'waiting for the target'
  | 'waiting for a source'
  | 'relaying'
  | 'ended'
  | 'stopped with an error';

/** What the broker will say again however often it is asked. */
const permanent: ReadonlySet<number> = new Set([KafkaCode.messageTooLarge, 32, 87]);
export class MappingRelay {
  readonly name: string;
  readonly metrics: MappingMetrics;
  readonly #deps: MappingDeps;
  readonly #run: RunState;
  readonly #source: SourceSide;
  readonly #positions = new Positions();
  readonly #filters: FilterChain;
  readonly #owner = newOwner();
  #session: TargetSession | undefined;
  #state: MappingState = 'starting';
  /** Found by a look at the clusters: ends this topic. */
  #verdict: GatewayError | undefined;
  /** This run has recorded progress of its own. */
  #claimed = false;
  #restart: boolean;
  #targetTries = 0;
  #over = false;
  #undelivered = 0;

  constructor(deps: MappingDeps) {
    const { mapping, config, clock, sources } = deps;
    this.#deps = deps;
    this.name = mappingName(mapping);
    this.metrics = new MappingMetrics(deps.metrics, mapping, sources.length);
    this.#run = new RunState(clock, config.target.session_timeout);
    this.#filters = new FilterChain(deps.filters, mapping.source);
    this.#restart = config.restartTopics.has(mapping.source);
    this.#source = new SourceSide({
      name: this.name,
      deps,
      run: this.#run,
      pool: new SourcePool(sources.length, config.pool.offset_lag_threshold),
      positions: this.#positions,
      metrics: this.metrics,
      restarting: () => this.#restart,
      onWaiting: () => {
        this.#state = 'waiting for a source';
        this.metrics.up(false);
      },
    });
  }

  get state(): MappingState {
    return this.#state;
  }

  /** Messages queued for the target whose delivery is not known. */
  get pending(): number {
    return this.#session?.pending ?? this.#undelivered;
  }

  /** Messages still to be read; undefined while no source is connected. */
  get remaining(): number | undefined {
    return this.#source.remaining;
  }

  /** Reading ends now; what was read is delivered. */
  stop(): void {
    this.#run.stop();
  }

  /** Settles when the topic has reached its end or was stopped. Rejects when it cannot be relayed (on). */
  async run(): Promise<void> {
    const ticking = this.#tick();
    try {
      await this.#relay();
      this.#state = 'ended';
    } catch (error) {
      this.#state = 'stopped with an error';
      throw error;
    } finally {
      this.#over = true;
      this.stop();
      this.metrics.up(false);
      await Promise.all([this.#session?.close(), this.#source.leave(), ticking]);
      await this.#source.closed();
    }
  }

  async #relay(): Promise<void> {
    while (!this.#run.stopping) {
      const verdict = this.#verdict ?? this.#source.verdict;
      if (verdict) throw verdict;
      this.#session ??= await this.#openSession();
      if (!this.#session) return;
      const reader = await this.#source.open(this.#session);
      if (!reader) continue;
      if (await this.#pumped(this.#session, reader)) return;
    }
  }

  /** @returns true when the topic has reached its end. */
  async #pumped(session: TargetSession, reader: Reader): Promise<boolean> {
    try {
      const ended = await this.#pump(session, reader);
      if (!ended && !this.#run.stopping) await this.#leave(reader);
      return ended;
    } catch (error) {
      await this.#failed(error);
      return false;
    }
  }

  /** After more partitions came, the target is looked at again as well: it may have got them too. */
  async #leave(reader: Reader): Promise<void> {
    if (reader.partitionsAdded) {
      await this.#session?.close();
      this.#session = undefined;
    }
    await this.#source.leaveFailed(reader);
  }

  async #pump(session: TargetSession, reader: Reader): Promise<boolean> {
    const { config, mapping, clock } = this.#deps;
    this.#state = 'relaying';
    this.metrics.up(true);
    const ended = await new Pump({
      reader,
      session,
      positions: this.#positions,
      filters: this.#filters,
      translator: new Translator(mapping, config.target.preserve_timestamp, session.topic.limits),
      metrics: this.metrics,
      clock,
      commitRecords: config.target.transaction_records,
      commitIntervalMs: config.target.transaction_interval,
      skipOversize: config.target.oversize === 'skip',
      ends: this.#source.ends,
      leaving: () => this.#run.stopping || this.#verdict !== undefined,
      onCommit: () => {
        this.#claimed = true;
        this.#restart = false;
        this.#targetTries = 0;
        this.#source.tries = 0;
      },
    }).run();
    return ended;
  }

  /** The target side failed: nothing is known but the checkpoint, so everything begins again there. */
  async #failed(error: unknown): Promise<void> {
    this.metrics.givenUp();
    this.metrics.up(false);
    const session = this.#session;
    this.#session = undefined;
    await Promise.all([session?.close(), this.#source.leave()]);
    if (!(error instanceof KafkaError)) throw error;
    if (permanent.has(error.code)) {
      throw fail(
        'relay-refused',
        this.name,
        `the target refused messages between the recorded progress and ${this.#where()}: ${error.message}`,
      );
    }
    if (this.#run.stopping) {
      this.#undelivered = session?.pending ?? 0;
      this.#deps.log.warn(
        { topic: this.name, err: error.message },
        'the target did not take what was read in time; it is not recorded and will be read again',
      );
      return;
    }
    if (isFenced(error) && !this.#claimed) throw this.#takenOver();
    await this.#targetFailed(error);
  }

  #where(): string {
    return [...this.#positions.offsets].map(([partition, next]) => `[${partition}]@${next}`).join(' ');
  }

  #takenOver(): GatewayError {
    return fail('relay-refused', this.name, 'another relay of this topic has taken over');
  }

  /** Waits before the next try, or gives the topic up after max_retries. */
  async #targetFailed(error: Error): Promise<void> {
    const { target } = this.#deps.config;
    this.#state = 'waiting for the target';
    this.#targetTries += 1;
    if (target.max_retries >= 0 && this.#targetTries > target.max_retries) {
      this.metrics.targetKafkaError('produce_retries_exhausted');
      throw fail('relay-refused', this.name, `the target failed ${this.#targetTries} times: ${error.message}`);
    }
    this.#deps.log.warn(
      { topic: this.name, tries: this.#targetTries, err: error.message },
      'target not usable, trying again',
    );
    await this.#run.pause(backoffMs(backoffOf(target), this.#targetTries, this.#deps.random));
  }

  /** @returns undefined when it is time to stop. */
  async #openSession(): Promise<TargetSession | undefined> {
    while (!this.#run.stopping) {
      try {
        const session = await this.#tryOpenSession();
        await this.#startFrom(session).catch(async (error: unknown) => {
          await session.close();
          throw error;
        });
        return session;
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.metrics.targetError(error instanceof KafkaError ? 'client_creation_failed' : 'connection_failed');
        if (!this.#run.stopping) await this.#targetFailed(error);
      }
    }
    return undefined;
  }

  #tryOpenSession(): Promise<TargetSession> {
    const { mapping, config, target, store, clock, log } = this.#deps;
    return TargetSession.open(
      {
        mapping,
        config: config.target,
        kafka: target,
        store,
        clock,
        run: this.#run,
        metrics: this.metrics,
        sourcePartitions: () => this.#source.partitions(),
        onFault: (fault) => log.debug({ topic: this.name, err: fault.message }, 'target'),
      },
      this.#owner,
    );
  }

  /** Sets the positions: what is recorded, or else what kaf-relay's rule says, or else the beginning. */
  async #startFrom(session: TargetSession): Promise<void> {
    const { mapping, config, target } = this.#deps;
    if (this.#claimed && session.isTakenOver) throw this.#takenOver();
    if (this.#restart) {
      session.forgetSources();
      this.#positions.reset([]);
      return;
    }
    session.checkTarget();
    const { claim, progress } = session.checkpoint;
    this.#positions.reset([...progress].map(([partition, { next }]) => [partition, next] as const));
    const shared = config.topics.filter((other) => other.target === mapping.target).length > 1;
    if (claim || shared) return;
    this.#source.takeOver(await targetEnds(target, mapping, session.topic.partitions));
  }

  /** Looks at all sources every healthcheck_interval. */
  async #tick(): Promise<void> {
    const { pool } = this.#deps.config;
    while (!this.#over && !this.#run.stopping) {
      await this.#run.pause(pool.healthcheck_interval);
      if (this.#over || this.#run.stopping) return;
      await this.#source.look();
      await this.#checkTarget();
    }
  }

  /** A target that was recreated under way must not get what comes in the middle of a topic. */
  async #checkTarget(): Promise<void> {
    const session = this.#session;
    const { clock, target, mapping, config } = this.#deps;
    if (!session) return;
    const asked = target.admin.identity([mapping.target]).catch(() => undefined);
    const identity = await within(clock, config.target.request_timeout, asked);
    const now = identity?.topicIds.get(mapping.target);
    if (now === undefined || now === session.topic.topicId || this.#session !== session) return;
    this.#verdict ??= fail(
      'relay-refused',
      this.name,
      `target topic ${mapping.target} was recreated. To copy it again from its beginning: --restart-topic ${mapping.source}`,
    );
  }
}
