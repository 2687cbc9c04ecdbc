// MappingRelay: one topic's relay from start to end: target, source, pump, and what is done when either fails.
import { within } from '../core/clock.js';
import { type Clock, KafkaCode, KafkaError, type KafkaFactory } from '../core/ports.js';
import { fail, GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import { backoffMs } from './backoff.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { backoffOf, type RelayConfig } from './config.js';
import { FilterChain, type LoadedFilter } from './filter.js';
import { Health } from './health.js';
import { MappingMetrics, type RelayMetrics } from './metrics.js';
import { Positions } from './positions.js';
import { sourceProperties } from './properties.js';
import { Pump } from './pump.js';
import { inspectSource, Reader, type SourceTopic } from './reader.js';
import { RunState } from './run-state.js';
import { SourcePool } from './source-pool.js';
import { checkTakeOver, targetEnds } from './take-over.js';
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
/** How long a look at the sources waits for one that can be read, ms: one that is down must not hold up the others. */
const leastPatienceMs = 500;
/** Looks at the sources without news of a partition before its reader is made anew: an error may have been lost. */
const stalledTicks = 5;

export class MappingRelay {
  readonly name: string;
  readonly metrics: MappingMetrics;
  readonly #deps: MappingDeps;
  readonly #run: RunState;
  readonly #pool: SourcePool<SourceTopic>;
  readonly #health: Health;
  readonly #positions = new Positions();
  readonly #filters: FilterChain;
  readonly #owner = newOwner();
  readonly #closing = new Set<Promise<void>>();
  /** The source to read next because the active one lags. */
  #preferred: number | undefined;
  #reader: Reader | undefined;
  #session: TargetSession | undefined;
  #state: MappingState = 'starting';
  /** Found by a look at the clusters: ends this topic. */
  #verdict: GatewayError | undefined;
  #ends: Map<number, number> | undefined;
  /** What kaf-relay's rule says, not yet held against a source. */
  #takenOverEnds: ReadonlyMap<number, number> | undefined;
  /** This run has recorded progress of its own. */
  #claimed = false;
  #restart: boolean;
  #targetTries = 0;
  #sourceTries = 0;
  #stalled = { total: -1, ticks: 0 };
  #over = false;
  #undelivered = 0;
  /** The target may have more partitions by now. */
  #renewTarget = false;

  constructor(deps: MappingDeps) {
    const { mapping, config, clock, sources } = deps;
    this.#deps = deps;
    this.name = mappingName(mapping);
    this.metrics = new MappingMetrics(deps.metrics, mapping, sources.length);
    this.#run = new RunState(clock, config.target.session_timeout);
    this.#pool = new SourcePool(sources.length, config.pool.offset_lag_threshold);
    this.#filters = new FilterChain(deps.filters, mapping.source);
    this.#restart = config.restartTopics.has(mapping.source);
    this.#health = new Health({
      sources,
      topic: mapping.source,
      pool: this.#pool,
      clock,
      onWeight: (id, weight) => this.metrics.weight(id, weight),
    });
  }

  get state(): MappingState {
    return this.#state;
  }

  /** Messages queued for the target whose delivery is not known. */
  get pending(): number {
    return this.#session?.pending ?? this.#undelivered;
  }

  /** Messages still to be read (to the end seen at the start with stop-at-end); undefined while no source is connected. */
  get remaining(): number | undefined {
    const highs = this.#ends ?? (this.#reader && (this.#pool.view(this.#reader.id)?.high ?? this.#reader.topic.high));
    if (!highs) return undefined;
    let sum = 0;
    for (const [partition, high] of highs) sum += Math.max(0, high - Math.max(0, this.#positions.at(partition)));
    return sum;
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
      await Promise.all([this.#session?.close(), this.#leave(), ticking]);
      await Promise.all(this.#closing);
    }
  }

  async #relay(): Promise<void> {
    while (!this.#run.stopping) {
      if (this.#verdict) throw this.#verdict;
      this.#session ??= await this.#openSession();
      if (!this.#session) return;
      const reader = await this.#openReader(this.#session);
      if (!reader) continue;
      if (await this.#pumped(this.#session, reader)) return;
    }
  }

  /** @returns true when the topic has reached its end. */
  async #pumped(session: TargetSession, reader: Reader): Promise<boolean> {
    try {
      const ended = await this.#pump(session, reader);
      if (!ended && !this.#run.stopping) await this.#leaveFailed(reader);
      return ended;
    } catch (error) {
      await this.#failed(error);
      return false;
    }
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
      ends: this.#ends,
      leaving: () => this.#run.stopping || this.#verdict !== undefined,
      onCommit: () => {
        this.#claimed = true;
        this.#restart = false;
        this.#targetTries = 0;
        this.#sourceTries = 0;
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
    await Promise.all([session?.close(), this.#leave()]);
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
        sourcePartitions: () => this.#sourcePartitions(),
        onFault: (fault) => log.debug({ topic: this.name, err: fault.message }, 'target'),
      },
      this.#owner,
    );
  }

  async #sourcePartitions(): Promise<number> {
    const looks = this.#deps.sources.map(
      async (source) => (await inspectSource(source, this.#deps.mapping.source)).partitions.length,
    );
    return Promise.any(looks).catch(() => {
      throw fail('relay-waiting', this.name, 'no source answers');
    });
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
    this.#takenOverEnds = await targetEnds(target, mapping, session.topic.partitions);
  }

  /** @returns undefined when it is time to stop, or when the target failed meanwhile. */
  async #openReader(session: TargetSession): Promise<Reader | undefined> {
    while (!this.#run.stopping && !this.#verdict) {
      const id = await this.#candidate();
      if (id !== undefined) {
        try {
          return await this.#connect(session, id);
        } catch (error) {
          if (!isPassing(error)) throw error;
          this.#deps.log.warn({ topic: this.name, server: id, err: error.message }, 'source not usable');
          this.metrics.source('source_errors_total', id);
          this.#pool.markDown(id);
        }
      } else {
        this.metrics.count('source_unhealthy_total');
        this.#vetAll(session);
      }
      await this.#sourceFailed(id);
    }
    return undefined;
  }

  async #sourceFailed(id: number | undefined): Promise<void> {
    const { pool } = this.#deps.config;
    this.#state = 'waiting for a source';
    this.metrics.up(false);
    this.#sourceTries += 1;
    if (pool.max_retries >= 0 && this.#sourceTries > pool.max_retries) {
      throw fail('relay-refused', this.name, `no source could be read in ${this.#sourceTries} tries`);
    }
    // With another one at hand there is nothing to wait for.
    if (id !== undefined && this.#pool.choose(this.#positions.offsets) !== undefined) return;
    if (id === undefined)
      this.#deps.log.warn(
        { topic: this.name, tries: this.#sourceTries },
        'no healthy source that holds what comes next, trying again',
      );
    await this.#run.pause(backoffMs(backoffOf(pool), this.#sourceTries, this.#deps.random));
  }

  async #candidate(): Promise<number | undefined> {
    const preferred = this.#preferred;
    this.#preferred = undefined;
    if (preferred !== undefined) return preferred;
    const choose = (): number | undefined => this.#pool.choose(this.#positions.offsets);
    const known = choose();
    if (known !== undefined) return known;
    // What is known may be an interval old, and positions have moved since.
    const patience = Math.max(leastPatienceMs, this.#deps.config.pool.request_timeout);
    await this.#health.lookFor(patience, () => choose() !== undefined);
    return choose();
  }

  get #sourceTimeout(): number {
    const timeouts = this.#deps.config.sources.map((source) => source.session_timeout).filter((timeout) => timeout > 0);
    return Math.max(this.#deps.config.pool.request_timeout, Math.min(15_000, ...timeouts));
  }

  async #connect(session: TargetSession, id: number): Promise<Reader> {
    const { mapping, config, sources, clock } = this.#deps;
    const kafka = sources[id]!;
    const topic = await within(clock, this.#sourceTimeout, inspectSource(kafka, mapping.source));
    if (!topic) throw fail('relay-waiting', kafka.brokers, 'does not answer');
    await this.#admit(session, id, topic);
    const reader = await Reader.open({
      id,
      kafka,
      name: mapping.source,
      topic,
      positions: this.#positions.offsets,
      progress: this.#restart ? new Map() : session.progress,
      properties: sourceProperties(config.pool, config.target),
      readAheadBytes: config.target.buffer_bytes / 4,
      timeoutMs: this.#sourceTimeout,
    });
    this.#reader = reader;
    this.#pool.record(id, topic);
    this.#pool.hand(id);
    this.#stalled = { total: -1, ticks: 0 };
    this.metrics.source('source_connections_total', id);
    this.metrics.count('source_candidate_switches_total');
    this.metrics.active(id, true);
    if (config.stopAtEnd) this.#ends ??= new Map(topic.high);
    this.#deps.log.info({ topic: this.name, server: id, broker: kafka.brokers }, 'reading');
    return reader;
  }

  /** Holds a source against what is recorded, and sets the positions that are not known yet. */
  async #admit(session: TargetSession, id: number, topic: SourceTopic): Promise<void> {
    const { mapping, target, config, sources } = this.#deps;
    this.#vet(session, id, topic);
    if (mapping.pin === undefined && topic.partitions.length > session.topic.partitions) {
      throw fail(
        'relay-refused',
        this.name,
        `the source has ${topic.partitions.length} partitions, the target only ${session.topic.partitions}`,
      );
    }
    if (this.#takenOverEnds) {
      const ends = this.#takenOverEnds;
      await checkTakeOver({
        mapping,
        target,
        source: sources[id]!,
        topic,
        ends,
        timeoutMs: config.target.session_timeout,
      });
      for (const [partition, next] of ends) this.#positions.advance(partition, next);
      this.#takenOverEnds = undefined;
    }
    session.adopt(topic);
    for (const partition of topic.partitions) this.#startPartition(partition, topic.low.get(partition) ?? 0);
  }

  /**
   * A source that is not what it was is never read again.
   * @throws GatewayError `relay-waiting` while there are others, `relay-refused` when it was the last one
   */
  #vet(session: TargetSession, id: number, topic: SourceTopic): void {
    try {
      session.checkSource(topic, this.#deps.sources.length === 1);
      this.#refuseTruncated(session, topic);
    } catch (error) {
      this.#pool.exclude(id);
      if (this.#pool.allExcluded || !(error instanceof GatewayError)) throw error;
      throw new GatewayError('relay-waiting', [`source ${id}`, error.message], { cause: error });
    }
  }

  /** No source can be read: one that was recreated or truncated is behind for ever, and that has to be said. */
  #vetAll(session: TargetSession): void {
    for (let id = 0; id < this.#pool.size; id++) {
      const view = this.#pool.view(id);
      if (!view || this.#pool.isExcluded(id)) continue;
      try {
        this.#vet(session, id, view);
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.#deps.log.error({ topic: this.name, server: id, err: error.message }, 'source not usable for good');
      }
    }
  }

  /** The very source that delivered up to here now ends before: it lost messages, and would give their numbers to others. */
  #refuseTruncated(session: TargetSession, topic: SourceTopic): void {
    for (const [partition, { next, from }] of session.progress) {
      const high = topic.high.get(partition) ?? 0;
      if (from !== topic.cluster || high >= next || this.#restart) continue;
      throw fail(
        'relay-refused',
        this.name,
        `source partition ${partition} ends at ${high} but was relayed up to ${next} (truncated?). To copy it from its beginning: --restart-topic ${this.#deps.mapping.source}`,
      );
    }
  }

  #startPartition(partition: number, low: number): void {
    const next = this.#positions.at(partition);
    if (next >= low) return;
    if (next > 0) {
      this.#deps.log.error(
        { topic: this.name, partition, from: next, to: low },
        'the source has deleted messages before they were read',
      );
      this.metrics.gap(low - next);
    }
    this.#positions.advance(partition, low);
  }

  /** Gives the active source back. Its client closes in the background. */
  async #leave(): Promise<void> {
    const reader = this.#reader;
    if (!reader) return;
    this.#reader = undefined;
    if (reader.failure !== undefined) {
      this.#deps.log.warn({ topic: this.name, server: reader.id, err: reader.failure }, 'leaving the source');
      this.metrics.source('source_kafka_errors_total', reader.id);
      this.#pool.markDown(reader.id);
      if (reader.isUnlike) this.#exclude(reader);
    }
    this.#pool.release();
    this.metrics.active(reader.id, false);
    const closed = reader.close(this.#sourceTimeout).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #exclude(reader: Reader): void {
    this.#pool.exclude(reader.id);
    if (!this.#pool.allExcluded) return;
    this.#verdict ??= fail(
      'relay-refused',
      this.name,
      `${reader.failure}. To copy it from its beginning: --restart-topic ${this.#deps.mapping.source}`,
    );
  }

  /** The next one is looked for at once, unless one source after the other fails. */
  async #leaveFailed(reader: Reader): Promise<void> {
    await this.#leave();
    if (this.#renewTarget) {
      this.#renewTarget = false;
      await this.#session?.close();
      this.#session = undefined;
    }
    if (reader.failure === undefined || this.#preferred !== undefined) return;
    this.#sourceTries += 1;
    if (this.#sourceTries < 2) return;
    this.#state = 'waiting for a source';
    await this.#run.pause(backoffMs(backoffOf(this.#deps.config.pool), this.#sourceTries - 1, this.#deps.random));
  }

  /** Looks at all sources every healthcheck_interval. */
  async #tick(): Promise<void> {
    const { pool } = this.#deps.config;
    while (!this.#over && !this.#run.stopping) {
      await this.#run.pause(pool.healthcheck_interval);
      if (this.#over || this.#run.stopping) return;
      const reader = this.#reader;
      if (reader) reader.heard = false;
      const views = await this.#health.look(pool.request_timeout);
      if (reader && reader === this.#reader) this.#judge(reader, views[reader.id]);
      await this.#checkTarget();
    }
  }

  /** What a look at the sources means for the one being read. */
  #judge(reader: Reader, view: SourceTopic | undefined): void {
    const positions = this.#positions.offsets;
    if (!view) {
      // A slow answer from a source that delivers is no reason to leave it, nor is any when there is no other.
      if (!reader.heard && this.#pool.choose(positions) !== undefined)
        reader.failure ??= 'no answer to the health check';
      return;
    }
    for (const [partition, high] of view.high)
      this.metrics.lag(partition, high - Math.max(0, this.#positions.at(partition)));
    if (view.cluster !== reader.topic.cluster || view.topicId !== reader.topic.topicId) {
      reader.failure ??= 'the source topic was recreated';
      return;
    }
    if (view.partitions.length !== reader.topic.partitions.length) {
      reader.failure ??= `partitions were added (${view.partitions.length})`;
      this.#renewTarget = true;
      return;
    }
    this.#sourceTries = 0;
    const ahead = this.#pool.overtaker(positions);
    if (ahead !== undefined) {
      this.metrics.source('source_lag_threshold_exceeded_total', reader.id);
      this.#preferred = ahead;
      reader.failure ??= `lags behind source ${ahead}`;
      return;
    }
    this.#judgeStall(reader, view);
  }

  #judgeStall(reader: Reader, view: SourceTopic): void {
    let total = 0;
    for (const next of this.#positions.offsets.values()) total += next;
    const waiting = [...view.high].some(([partition, high]) => high > this.#positions.at(partition));
    this.#stalled =
      waiting && total === this.#stalled.total ? { total, ticks: this.#stalled.ticks + 1 } : { total, ticks: 0 };
    if (this.#stalled.ticks >= stalledTicks && this.#state === 'relaying')
      reader.failure ??= 'no news although there are messages';
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

/** Worth another try, as opposed to a refusal or a bug. */
const isPassing = (error: unknown): error is KafkaError | GatewayError =>
  error instanceof KafkaError || (error instanceof GatewayError && error.code === 'relay-waiting');
