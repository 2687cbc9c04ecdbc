// SourceVetting: source vetting: whether a source may be read, given what is recorded and what the target has; and where its partitions begin.
import { fail, GatewayError } from '../../errors.js';
import { checkAdoption } from '../checkpoint/adopt.js';
import type { Positions } from '../checkpoint/positions.js';
import type { MappingDeps } from '../mapping.js';
import type { MappingMetrics } from '../report/mapping-metrics.js';
import type { TargetSession } from '../target/target-session.js';
import type { SourceTopic } from '../topics/source-topic.js';
import { isTransient } from '../transient.js';
import type { SourcePool } from './source-pool.js';

/** What is known of the mapping whose sources are vetted. */
export interface Side {
  readonly name: string;
  readonly deps: MappingDeps;
  readonly pool: SourcePool<SourceTopic>;
  readonly positions: Positions;
  readonly metrics: MappingMetrics;
}

export class SourceVetting {
  readonly #side: Side;
  /** The offsets of kaf-relay's rule, not yet checked against a source. */
  adoptedEnds: ReadonlyMap<number, number> | undefined;

  constructor(side: Side) {
    this.#side = side;
  }

  /** The source has more partitions than the target. */
  lacksPartitions(session: TargetSession, topic: SourceTopic): boolean {
    return this.#side.deps.mapping.pin === undefined && topic.partitions.length > session.topic.partitions;
  }

  /** Checks a source against what is recorded, and sets the positions that are not known yet. */
  async admit(session: TargetSession, id: number, topic: SourceTopic): Promise<void> {
    const { mapping, target, config, sources } = this.#side.deps;
    this.#vet(session, id, topic);
    if (this.lacksPartitions(session, topic)) {
      throw fail(
        'relay-refused',
        this.#side.name,
        `the source has ${topic.partitions.length} partitions, the target only ${session.topic.partitions}`,
      );
    }
    if (this.adoptedEnds) {
      const ends = this.adoptedEnds;
      await checkAdoption({
        mapping,
        target,
        source: sources[id]!,
        topic,
        ends,
        timeoutMs: config.target.session_timeout,
      });
      for (const [partition, next] of ends) this.#side.positions.advance(partition, next);
      this.adoptedEnds = undefined;
    }
    session.adopt(topic);
    for (const partition of topic.partitions) this.#startPartition(partition, topic.low.get(partition) ?? 0);
  }

  /**
   * A source that has changed is never read again.
   * @throws GatewayError `relay-waiting` while there are others, `relay-refused` if it was the last one
   */
  #vet(session: TargetSession, id: number, topic: SourceTopic): void {
    try {
      this.#refuseItself(session, topic);
      session.checkSource(topic, this.#side.deps.config.mode === 'single');
      this.#refuseTruncated(session, topic);
      this.#checkStart(session, topic);
    } catch (error) {
      this.#side.pool.exclude(id);
      if (this.#side.pool.allExcluded || !(error instanceof GatewayError)) throw error;
      throw new GatewayError('relay-waiting', [`source ${id}`, error.message], { cause: error });
    }
  }

  /** No source can be read: one that was recreated or truncated stays behind forever, which must be reported. */
  vetAll(session: TargetSession): void {
    for (let id = 0; id < this.#side.pool.size; id++) {
      const view = this.#side.pool.view(id);
      if (!view || this.#side.pool.isExcluded(id)) continue;
      try {
        this.#vet(session, id, view);
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.#side.deps.log.error(
          { topic: this.#side.name, server: id, err: error.message },
          'source permanently unusable',
        );
      }
    }
  }

  /** With --start-at, partitions that it does not name and nothing is recorded of would be copied again. */
  #checkStart({ progress }: TargetSession, { low, high, partitions }: SourceTopic): void {
    const { mapping, config } = this.#side.deps;
    const places = config.startAt.get(mapping.source);
    if (!places) return;
    const refuse = (what: string): Error =>
      fail('relay-refused', this.#side.name, `--start-at ${mapping.source}:${what}`);
    for (const [partition, next] of places) {
      if (this.#side.positions.at(partition) !== next) continue;
      const end = high.get(partition);
      if (end === undefined) throw refuse(`${partition}:${next}: the source has no such partition`);
      if (next > end) throw refuse(`${partition}:${next}: the partition ends at ${end}`);
    }
    const forgotten = partitions.find(
      (partition) =>
        !places.has(partition) && !progress.has(partition) && (high.get(partition) ?? 0) > (low.get(partition) ?? 0),
    );
    if (forgotten !== undefined)
      throw refuse(`${forgotten}:OFFSET is needed too: nothing is recorded of that partition`);
  }

  /** Each message would be copied again and again. */
  #refuseItself({ topic: target }: TargetSession, source: SourceTopic): void {
    const { mapping } = this.#side.deps;
    const isSame = source.topicId === '' ? mapping.source === mapping.target : source.topicId === target.topicId;
    if (source.cluster === '' || source.cluster !== target.cluster || !isSame) return;
    throw fail('relay-refused', this.#side.name, 'source and target are the same topic of the same cluster');
  }

  /** The source that delivered up to here now ends before that: it lost messages, and would give their numbers to others. */
  #refuseTruncated(session: TargetSession, topic: SourceTopic): void {
    for (const [partition, { next, from }] of session.progress) {
      const high = topic.high.get(partition) ?? 0;
      if (from !== topic.cluster || high >= next) continue;
      throw fail(
        'relay-refused',
        this.#side.name,
        `source partition ${partition} ends at ${high} but was relayed up to ${next} (truncated?). To copy it from its beginning: --restart-topic ${this.#side.deps.mapping.source}`,
      );
    }
  }

  #startPartition(partition: number, low: number): void {
    const next = this.#side.positions.at(partition);
    if (next >= low) return;
    if (next > 0) {
      this.#side.deps.log.error(
        { topic: this.#side.name, partition, from: next, to: low },
        'the source has deleted messages before they were read',
      );
      this.#side.metrics.gap(low - next);
    }
    this.#side.positions.advance(partition, low);
  }
}
