// TargetSide: the target side of one mapping: its session, where relaying begins, and how failures of the target are handled.
import { within } from '../../core/clock.js';
import { isFenced, KafkaError } from '../../core/ports.js';
import { fail, type GatewayError } from '../../errors.js';
import { backoffMs } from '../backoff.js';
import { targetEnds } from '../checkpoint/adopt.js';
import type { Positions } from '../checkpoint/positions.js';
import { backoffOf } from '../config/config.js';
import { usualBatchBytes } from '../config/properties.js';
import type { MappingDeps } from '../mapping.js';
import type { MappingMetrics } from '../report/mapping-metrics.js';
import type { RunState } from '../run-state.js';
import { isTransient } from '../transient.js';
import { isRefusal, Refusals } from './refusals.js';
import { newOwner, TargetSession } from './target-session.js';
import { TransactionSize } from './transaction-size.js';

/** How far the record of a source may be behind its messages, ms. */
const recordedMs = 500;

/** Next source offsets: `[0]@10 [1]@7`. */
const placesOf = (offsets: ReadonlyMap<number, number>): string =>
  [...offsets].map(([partition, next]) => `[${partition}]@${next}`).join(' ');

export interface TargetSideOptions {
  readonly name: string;
  readonly deps: MappingDeps;
  readonly run: RunState;
  readonly positions: Positions;
  readonly metrics: MappingMetrics;
  /** The source's partition count, for a target topic that must be created. */
  readonly sourcePartitions: () => Promise<number>;
  /** The target has messages and no record of their origin: the offsets of kaf-relay's rule, by source partition. */
  readonly onTakeOver: (ends: ReadonlyMap<number, number> | undefined) => void;
  /** The target cannot be written to now. */
  readonly onWaiting: () => void;
}

export class TargetSide {
  readonly size: TransactionSize;
  readonly refusals = new Refusals(usualBatchBytes);
  readonly #side: TargetSideOptions;
  readonly #owner = newOwner();
  #session: TargetSession | undefined;
  /** This run has recorded progress of its own. */
  #claimed = false;
  /** The recorded progress must be forgotten. */
  #restart: boolean;
  /** What --start-at says is recorded. */
  #isPlaced = false;
  #tries = 0;
  #undelivered = 0;
  /** Next source offsets as of the last record. */
  #recorded: ReadonlyMap<number, number> = new Map();
  /** Found by a check of the target: ends this topic. */
  verdict: GatewayError | undefined;
  /** Why the target cannot be written to; undefined: it can. */
  fault: string | undefined;

  constructor(side: TargetSideOptions) {
    this.#side = side;
    const { config, mapping } = side.deps;
    this.#restart = config.restartTopics.has(mapping.source);
    this.size = new TransactionSize(config.target.transaction_records);
  }

  /** Queued messages whose delivery is unknown. */
  get pending(): number {
    return this.#session?.pending ?? this.#undelivered;
  }

  /** The session to write to; opened if there is none. @returns undefined if it is time to stop. @throws GatewayError */
  async open(): Promise<TargetSession | undefined> {
    while (!this.#session && !this.#side.run.stopping) {
      if (this.verdict) throw this.verdict;
      try {
        const session = await this.#tryOpen();
        await this.#startFrom(session).catch(async (error: unknown) => {
          await session.close();
          throw error;
        });
        this.#session = session;
        this.refusals.isOver = false;
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.#side.metrics.targetError(error instanceof KafkaError ? 'client_creation_failed' : 'connection_failed');
        if (!this.#side.run.stopping) await this.#waitOrGiveUp(error);
      }
    }
    return this.#session;
  }

  /** The session is to be left: for good, or because the next one sends otherwise. */
  get isLeaving(): boolean {
    return this.verdict !== undefined || this.refusals.isOver;
  }

  /** What was written is recorded. @param moved more than who relays */
  committed(moved: boolean): void {
    this.#claimed = true;
    this.#restart = false;
    this.#isPlaced = true;
    if (!moved) return;
    this.#recorded = new Map(this.#side.positions.offsets);
    this.#tries = 0;
    this.size.ended();
    this.refusals.recorded(this.#side.positions.offsets);
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  /**
   * Writing failed: only the checkpoint is known, so everything starts there again. Waits before the next try.
   * @throws GatewayError `relay-refused` if a retry is pointless; any error that is not Kafka's
   */
  async failed(failure: unknown): Promise<void> {
    const { name, run, deps } = this.#side;
    const pending = this.pending;
    const isKafka = failure instanceof KafkaError && !isFenced(failure) && !run.stopping;
    const error = isKafka && this.#session ? await this.#session.causeOf(failure) : failure;
    const refused = this.#session?.refused ?? [];
    await this.close();
    if (!(error instanceof KafkaError)) throw error;
    if (isRefusal(error) && this.#isFound(refused, error)) return;
    if (run.stopping) {
      this.#undelivered = pending;
      deps.log.warn(
        { topic: name, err: error.message },
        'the target did not take what was read in time; it is not recorded and will be read again',
      );
      return;
    }
    if (isFenced(error) && !this.#claimed) throw this.#takenOver();
    this.size.failed();
    await this.#waitOrGiveUp(error);
  }

  /** A target that was recreated meanwhile must not get a topic from its middle, and without its checkpoints nothing can go on. */
  async look(): Promise<void> {
    const session = this.#session;
    const { clock, target, mapping, config, store } = this.#side.deps;
    const asked = target.admin.identity([mapping.target, store.topic]).catch(() => undefined);
    const identity = await within(clock, config.target.request_timeout, asked);
    if (!identity) return;
    if (store.isLost(identity.topicIds)) {
      this.verdict ??= fail(
        'relay-refused',
        this.#side.name,
        `checkpoint topic ${store.topic} was deleted or recreated: the progress is lost. It was ${mapping.source}${placesOf(this.#recorded)}: go on there with --start-at topic:partition:offset, or copy it from its beginning with --restart-topic ${mapping.source}`,
      );
      return;
    }
    const now = identity.topicIds.get(mapping.target);
    if (!session || now === undefined || now === session.topic.topicId || this.#session !== session) return;
    this.verdict ??= fail(
      'relay-refused',
      this.#side.name,
      `target topic ${mapping.target} was recreated. To copy it again from its beginning: --restart-topic ${mapping.source}`,
    );
  }

  /** Which message the target refuses: the next session knows it, or finds it. @returns false if it is none of them */
  #isFound(refused: TargetSession['refused'], error: KafkaError): boolean {
    const { name, deps, positions } = this.#side;
    const { log, mapping } = deps;
    const news = refused.filter(([message, fault]) => this.refusals.add(message, fault));
    for (const [{ partition, offset }, { message }] of news)
      log.warn(
        { topic: name, at: `${mapping.source}[${partition}]@${offset}`, err: message },
        'the target refuses a message',
      );
    if (news.length > 0) return true;
    if (!this.refusals.search(positions.offsets, error)) return false;
    log.warn(
      { topic: name, before: mapping.source + placesOf(positions.offsets), err: error.message },
      'the target refuses a batch: sending its messages one by one',
    );
    return true;
  }

  /** Without transactions the record of another source may arrive a moment behind its first messages. */
  async #isShared(session: TargetSession): Promise<boolean> {
    if (await session.isShared()) return true;
    await this.#side.run.pause(recordedMs);
    return session.isShared();
  }

  #unrecorded(sources: readonly string[]): GatewayError {
    const { name, deps } = this.#side;
    return fail(
      'relay-refused',
      name,
      `the target holds messages without a record of progress, and which of its sources (${sources.join(', ')}) they came from cannot be told. To copy the topic again from its beginning: --restart-topic ${deps.mapping.source}`,
    );
  }

  #takenOver(): GatewayError {
    return fail('relay-refused', this.#side.name, 'another relay of this topic has taken over');
  }

  /** Waits before the next try, or gives the topic up after max_retries. */
  async #waitOrGiveUp(error: Error): Promise<void> {
    const { name, deps, metrics, run } = this.#side;
    const { target } = deps.config;
    this.fault = error.message;
    this.#side.onWaiting();
    this.#tries += 1;
    if (target.max_retries >= 0 && this.#tries > target.max_retries) {
      metrics.targetKafkaError('produce_retries_exhausted');
      throw fail('relay-refused', name, `the target failed ${this.#tries} times: ${error.message}`);
    }
    deps.log.warn(
      { topic: name, tries: this.#tries, broker: deps.target.brokers, err: error.message },
      'target not usable, trying again',
    );
    await run.pause(backoffMs(backoffOf(target), this.#tries, deps.random));
  }

  #tryOpen(): Promise<TargetSession> {
    const { deps, run, metrics, name, sourcePartitions, onWaiting } = this.#side;
    const { mapping, config, target: kafka, store, clock, log } = deps;
    return TargetSession.open(
      {
        mapping,
        config: config.target,
        kafka,
        store,
        clock,
        run,
        metrics,
        sourcePartitions,
        batches: this.refusals.batches,
        onFault: (fault) => log.debug({ topic: name, err: fault.message }, 'target'),
        onLate: (fault) => {
          onWaiting();
          log.warn({ topic: name, err: fault.message }, 'target not usable, waiting for it');
        },
        onHidden: (where) => {
          onWaiting();
          log.warn({ topic: name, at: where }, 'the start waits for an open transaction in the checkpoint topic');
        },
      },
      this.#owner,
    );
  }

  /** Sets the positions: the recorded ones, or else those of kaf-relay's rule, or else the beginning. */
  async #startFrom(session: TargetSession): Promise<void> {
    const { deps, positions, onTakeOver } = this.#side;
    const { mapping, config, target } = deps;
    if (this.#claimed && session.isTakenOver) throw this.#takenOver();
    if (this.#restart) {
      session.forget();
      positions.reset([]);
      return;
    }
    const places = this.#isPlaced ? undefined : config.startAt.get(mapping.source);
    if (places) {
      session.override(places.keys());
      positions.reset(session.progress);
      for (const [partition, next] of places) positions.place(partition, next);
      return;
    }
    session.checkTarget();
    positions.reset(session.progress);
    this.#recorded = new Map(positions.offsets);
    if (session.checkpoint.claim) return;
    const ends = await targetEnds(target, mapping, session.topic.partitions);
    const sources = config.topics.filter((other) => other.target === mapping.target).map(({ source }) => source);
    if (sources.length === 1) onTakeOver(ends);
    // Each records itself before its first message, so a message without such a record was not written by a relay.
    else if (ends && !(await this.#isShared(session))) throw this.#unrecorded(sources);
  }
}
