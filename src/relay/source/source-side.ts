// SourceSide: the source side of one mapping: the active source, its connection, and the effect of health checks.
import { within } from '../../core/clock.js';
import { fail, type GatewayError } from '../../errors.js';
import { backoffMs } from '../backoff.js';
import { backoffOf } from '../config/config.js';
import { sourceProperties } from '../config/properties.js';
import type { RunState } from '../run-state.js';
import type { TargetSession } from '../target/target-session.js';
import { inspectSource, type SourceTopic } from '../topics/source-topic.js';
import { isTransient } from '../transient.js';
import { Health } from './health.js';
import { Reader } from './reader.js';
import { SourceFaults } from './source-faults.js';
import { weightOf } from './source-pool.js';
import { type Side, SourceVetting } from './source-vetting.js';
import { SourceWatch } from './source-watch.js';

/** How long a check waits for a readable source, ms: one that is down must not delay the others. */
const leastPatienceMs = 500;
export interface SourceSideOptions extends Side {
  readonly run: RunState;
  /** No source is being read now, or the one that is does not answer. */
  readonly onWaiting: () => void;
  /** The target must be looked at again: it has too few partitions. */
  readonly onTargetSmall: () => void;
  /** It answers again. */
  readonly onReading: () => void;
}

export class SourceSide {
  readonly #side: SourceSideOptions;
  readonly #health: Health;
  readonly #faults: SourceFaults;
  readonly #vetting: SourceVetting;
  readonly #closing = new Set<Promise<void>>();
  /** The source to read next because the active one lags. */
  #preferred: number | undefined;
  readonly #watch: SourceWatch;
  /** The source being read. */
  reader: Reader | undefined;
  /** Where to stop, by partition (stop-at-end). */
  ends: Map<number, number> | undefined;
  /** Why no source is usable any more. */
  verdict: GatewayError | undefined;
  /** What was logged last of a target with too few partitions. */
  #saidOfTarget: string | undefined;
  /** Consecutive failed tries. */
  tries = 0;

  constructor(side: SourceSideOptions) {
    this.#side = side;
    this.#vetting = new SourceVetting(side);
    this.#watch = new SourceWatch(side);
    const { sources, mapping, clock } = side.deps;
    const onWeight = (id: number, weight: number): void => side.metrics.weight(id, weight);
    this.#faults = new SourceFaults(side.name, side.deps, side.metrics);
    this.#health = new Health({
      sources,
      topic: mapping.source,
      pool: side.pool,
      clock,
      onWeight,
      faults: this.#faults,
    });
  }

  /** The offsets of kaf-relay's rule, to be checked against the first source that is read. */
  takeOver(ends: ReadonlyMap<number, number> | undefined): void {
    this.#vetting.adoptedEnds = ends;
  }

  /** Checks all sources, and judges the active one. */
  async look(): Promise<void> {
    const { reader } = this;
    if (reader) reader.heard = false;
    const views = await this.#health.look(this.#side.deps.config.pool.request_timeout);
    if (!reader || reader !== this.reader) return;
    // There may be no other to turn to: then nothing moves.
    if (views[reader.id] || reader.heard) this.#side.onReading();
    else this.#side.onWaiting();
    const { fine, instead } = this.#watch.judge(reader, views[reader.id]);
    if (fine) this.tries = 0;
    this.#preferred = instead ?? this.#preferred;
  }

  /** All connections are closed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** @returns undefined if it is time to stop, or if the target failed meanwhile. */
  async open(session: TargetSession): Promise<Reader | undefined> {
    while (!this.#side.run.stopping && !this.verdict) {
      const id = await this.#candidate();
      if (id !== undefined) {
        try {
          const reader = await this.#connect(session, id);
          if (!reader) await this.#side.run.pause(this.#side.deps.config.pool.healthcheck_interval);
          return reader;
        } catch (error) {
          if (!isTransient(error)) throw error;
          this.#faults.failed(id, error.message, 'source not usable');
          this.#side.pool.markDown(id);
        }
      } else {
        this.#side.metrics.count('source_unhealthy_total');
        this.#vetting.vetAll(session);
      }
      await this.#sourceFailed(id);
    }
    return undefined;
  }

  async #sourceFailed(id: number | undefined): Promise<void> {
    const { pool } = this.#side.deps.config;
    this.#side.onWaiting();
    this.tries += 1;
    if (pool.max_retries >= 0 && this.tries > pool.max_retries) {
      throw fail('relay-refused', this.#side.name, `no source could be read in ${this.tries} tries${this.#why()}`);
    }
    // With another source available there is nothing to wait for.
    if (id !== undefined && this.#side.pool.choose(this.#side.positions.offsets) !== undefined) return;
    if (id === undefined)
      this.#side.deps.log.warn(
        { topic: this.#side.name, tries: this.tries, err: this.#faults.summary },
        'no healthy source has the next messages, trying again',
      );
    await this.#side.run.pause(backoffMs(backoffOf(pool), this.tries, this.#side.deps.random));
  }

  #why(): string {
    const { summary } = this.#faults;
    return summary === undefined ? '' : `: ${summary}`;
  }

  async #candidate(): Promise<number | undefined> {
    const preferred = this.#preferred;
    this.#preferred = undefined;
    if (preferred !== undefined) return preferred;
    const choose = (): number | undefined => this.#side.pool.choose(this.#side.positions.offsets);
    const known = choose();
    if (known !== undefined) return known;
    // The last check may be an interval old, and positions have moved since.
    const patience = Math.max(leastPatienceMs, this.#side.deps.config.pool.request_timeout);
    await this.#health.lookFor(patience, () => choose() !== undefined);
    return choose();
  }

  get #sourceTimeout(): number {
    const timeouts = this.#side.deps.config.sources
      .map((source) => source.session_timeout)
      .filter((timeout) => timeout > 0);
    return Math.max(this.#side.deps.config.pool.request_timeout, Math.min(15_000, ...timeouts));
  }

  /** @returns undefined if the target has to be grown first: it was large enough before */
  async #connect(session: TargetSession, id: number): Promise<Reader | undefined> {
    const { mapping, config, sources, clock } = this.#side.deps;
    const kafka = sources[id]!;
    const topic = await within(clock, this.#sourceTimeout, inspectSource(kafka, mapping.source));
    if (!topic)
      throw fail(
        'relay-waiting',
        kafka.brokers,
        this.#faults.causeOf(id) ?? `no answer within ${this.#sourceTimeout} ms`,
      );
    if (session.hasRecord && this.#vetting.lacksPartitions(session, topic)) return this.#targetIsSmall(session, topic);
    await this.#vetting.admit(session, id, topic);
    const reader = await Reader.open({
      id,
      kafka,
      name: mapping.source,
      topic,
      positions: this.#side.positions.offsets,
      progress: session.progress,
      properties: sourceProperties(config.pool, config.target),
      readAheadBytes: config.target.buffer_bytes / 4,
      timeoutMs: this.#sourceTimeout,
    });
    this.reader = reader;
    this.#side.pool.record(id, topic);
    this.#side.pool.hand(id);
    this.#watch.begin();
    this.#side.metrics.source('source_connections_total', id);
    this.#side.metrics.count('source_candidate_switches_total');
    this.#side.metrics.active(id, true);
    if (config.stopAtEnd) this.ends ??= new Map(topic.high);
    this.#side.deps.log.info({ topic: this.#side.name, server: id, broker: kafka.brokers }, 'reading');
    return reader;
  }

  #targetIsSmall(session: TargetSession, topic: SourceTopic): undefined {
    const { name, deps } = this.#side;
    const text = `the source has ${topic.partitions.length} partitions by now, the target only ${session.topic.partitions}`;
    if (text !== this.#saidOfTarget)
      deps.log.error(
        { topic: name, broker: deps.target.brokers, err: text },
        'the topic waits: add partitions to the target topic, or set target.create_topics',
      );
    this.#saidOfTarget = text;
    this.#side.onTargetSmall();
  }

  /** Leaves the active source. Its client closes in the background. */
  async leave(): Promise<void> {
    const reader = this.reader;
    if (!reader) return;
    this.reader = undefined;
    if (reader.failure !== undefined) {
      this.#side.deps.log.warn(
        {
          topic: this.#side.name,
          server: reader.id,
          broker: this.#side.deps.sources[reader.id]!.brokers,
          err: reader.failure,
        },
        'leaving the source',
      );
      this.#side.metrics.source('source_kafka_errors_total', reader.id);
      this.#side.pool.markDown(reader.id);
      if (reader.isUnlike) this.#exclude(reader);
    }
    this.#side.pool.release();
    this.#side.metrics.active(reader.id, false);
    this.#side.metrics.lagUnknown();
    const closed = reader.close(this.#sourceTimeout).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #exclude(reader: Reader): void {
    this.#side.pool.exclude(reader.id);
    if (!this.#side.pool.allExcluded) return;
    this.verdict ??= fail(
      'relay-refused',
      this.#side.name,
      `${reader.failure}. To copy it from its beginning: --restart-topic ${this.#side.deps.mapping.source}`,
    );
  }

  /** The next source is tried at once, unless one after the other fails. */
  async leaveFailed(reader: Reader): Promise<void> {
    await this.leave();
    if (reader.failure === undefined || this.#preferred !== undefined) return;
    this.tries += 1;
    if (this.tries < 2) return;
    this.#side.onWaiting();
    await this.#side.run.pause(
      backoffMs(backoffOf(this.#side.deps.config.pool), this.tries - 1, this.#side.deps.random),
    );
  }

  async partitions(): Promise<number> {
    const looks = this.#side.deps.sources.map(
      async (source) => (await inspectSource(source, this.#side.deps.mapping.source)).partitions.length,
    );
    return Promise.any(looks).catch(() => {
      throw fail('relay-waiting', this.#side.name, 'no source answers');
    });
  }

  /** The open transaction that hides what follows; undefined: none, or no source is connected. */
  get hidden(): string | undefined {
    return this.reader && this.#watch.hidden;
  }

  /** How the sources are, for the console. */
  get sources(): {
    readonly active: number | null;
    readonly healthy: number;
    readonly of: number;
    readonly behind: number | null;
    readonly fault: string | undefined;
  } {
    const { pool } = this.#side;
    const ids = Array.from({ length: pool.size }, (_, id) => id);
    const weights = ids.map((id) => weightOf(pool.view(id)));
    const active = this.reader?.id ?? null;
    const own = active === null ? -1 : weights[active]!;
    return {
      active,
      healthy: weights.filter((weight) => weight >= 0).length,
      of: pool.size,
      behind: own < 0 ? null : Math.max(...weights) - own,
      fault: this.#faults.summary,
    };
  }

  /** Messages still to read (to the end as of the start with stop-at-end); undefined while no source is connected. */
  get remaining(): number | undefined {
    const highs = this.ends ?? (this.reader && (this.#side.pool.view(this.reader.id)?.high ?? this.reader.topic.high));
    if (!highs) return undefined;
    let sum = 0;
    for (const [partition, high] of highs) sum += Math.max(0, high - Math.max(0, this.#side.positions.at(partition)));
    return sum;
  }
}
