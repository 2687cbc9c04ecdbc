// TargetSession: the target side of one mapping from opening the writer to its end, with the mapping's checkpoint.
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  KafkaCode,
  type KafkaFactory,
  type KafkaFault,
  type Message,
  type ProducerRecord,
} from '../../core/ports.js';
import { fail } from '../../errors.js';
import type { Checkpoint, Claim, Progress } from '../checkpoint/checkpoint.js';
import { claimRecord, forgottenRecord, progressRecord } from '../checkpoint/checkpoint.js';
import type { CheckpointStore } from '../checkpoint/checkpoint-store.js';
import type { Position } from '../checkpoint/positions.js';
import type { TargetConfig } from '../config/config.js';
import { type BatchBounds, targetProperties } from '../config/properties.js';
import { type Mapping, mappingName } from '../config/topic-map.js';
import type { MappingMetrics } from '../report/mapping-metrics.js';
import type { RunState } from '../run-state.js';
import type { SourceTopic } from '../topics/source-topic.js';
import { inspectTarget, type TargetTopic } from '../topics/target-topic.js';
import { ExactWriter, initTransactions } from './exact-writer.js';
import { FlushingWriter } from './flushing-writer.js';
import { RefusedRecords } from './refusals.js';
import { RecordWriter, type Writer } from './writer.js';

export interface TargetDeps {
  readonly mapping: Mapping;
  readonly config: TargetConfig;
  readonly kafka: KafkaFactory;
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly run: RunState;
  readonly metrics: MappingMetrics;
  /** The source's partition count, for a target topic that must be created. */
  readonly sourcePartitions: () => Promise<number>;
  /** How records are sent, as far as the topic allows. */
  readonly batches: BatchBounds;
  readonly onFault: (fault: KafkaFault) => void;
  /** The target did not accept something in time, and gets more time. */
  readonly onLate: (fault: KafkaFault) => void;
  /** The start waits for another producer's transaction, which is open at `where` in the checkpoint topic. */
  readonly onHidden: (where: string) => void;
}

/** Records that an abort gives up are not failures of the target. */
const givenUp: ReadonlySet<number> = new Set([KafkaCode.purgeQueue, KafkaCode.purgeInflight]);

/** Identifies this run of this mapping; a new session of the same run keeps it. */
export const newOwner = (): string => randomUUID();

export class TargetSession {
  readonly topic: TargetTopic;
  readonly checkpoint: Checkpoint;
  /** The recorded state. */
  readonly progress: Map<number, Progress>;
  /** Partitions whose record must be removed. */
  readonly #stale = new Set<number>();
  readonly #deps: TargetDeps;
  readonly #writer: Writer;
  readonly #refused: RefusedRecords;
  readonly #owner: string;
  readonly #sources: Record<string, string>;
  #claimDue = true;

  private constructor(
    deps: TargetDeps,
    owner: string,
    topic: TargetTopic,
    checkpoint: Checkpoint,
    { writer, refused }: OpenWriter,
  ) {
    this.#deps = deps;
    this.#refused = refused;
    this.#owner = owner;
    this.topic = topic;
    this.checkpoint = checkpoint;
    this.progress = new Map(checkpoint.progress);
    this.#writer = writer;
    this.#sources = { ...checkpoint.claim?.sources };
  }

  /** Fences a previous owner, then reads what is recorded. @throws GatewayError `relay-refused`, `relay-waiting`; KafkaError */
  static async open(deps: TargetDeps, owner: string): Promise<TargetSession> {
    const topic = await inspectTarget(deps.kafka, deps.mapping, deps.config, deps.sourcePartitions);
    await deps.store.ensure();
    const open = await openWriter(deps, topic.limits.maxBatchBytes);
    try {
      const checkpoint = await readCheckpoint(deps);
      return new TargetSession(deps, owner, topic, checkpoint, open);
    } catch (error) {
      await open.writer.close();
      throw error;
    }
  }

  /** Whether another source topic is recorded for this target topic, as of now. @throws KafkaError; GatewayError `relay-waiting` */
  async isShared(): Promise<boolean> {
    return (await readCheckpoint(this.#deps)).isShared;
  }

  get pending(): number {
    return this.#writer.pending;
  }

  /** Something was relayed to this target before. */
  get hasRecord(): boolean {
    return this.checkpoint.claim !== undefined;
  }

  /** Another relay has written since: this one was fenced. */
  get isTakenOver(): boolean {
    return this.checkpoint.claim !== undefined && this.checkpoint.claim.owner !== this.#owner;
  }

  /** @throws GatewayError `relay-refused` if the recorded progress belongs to another topic than the current one */
  checkTarget(): void {
    const recorded = this.checkpoint.claim?.target;
    if (!recorded || (recorded.cluster === this.topic.cluster && recorded.topic === this.topic.topicId)) return;
    throw this.#recreated(`target topic ${this.#deps.mapping.target}`);
  }

  /**
   * @param only no other source is read: a cluster other than the recorded one is a mistake then
   * @throws GatewayError `relay-refused` if the source's topic was recreated
   */
  checkSource(source: SourceTopic, only: boolean): void {
    const recorded = this.#sources[source.cluster];
    if (recorded === source.topicId) return;
    if (recorded !== undefined) throw this.#recreated(`source topic ${this.#deps.mapping.source}`);
    if (!only || Object.keys(this.#sources).length === 0) return;
    const { mapping } = this.#deps;
    throw fail(
      'relay-refused',
      mappingName(mapping),
      `the cluster of source topic ${mapping.source} is not the one that was relayed before. If it has the same messages at the same offsets: --mode failover, which compares the last one. To copy it from its beginning: --restart-topic ${mapping.source}`,
    );
  }

  /** Adds a source to those this mapping reads from. */
  adopt(source: SourceTopic): void {
    if (this.#sources[source.cluster] === source.topicId) return;
    this.#sources[source.cluster] = source.topicId;
    this.#claimDue = true;
  }

  /** These partitions go on elsewhere than where the record says, maybe on other sources. */
  override(partitions: Iterable<number>): void {
    for (const cluster of Object.keys(this.#sources)) delete this.#sources[cluster];
    for (const partition of partitions) this.progress.delete(partition);
  }

  /** Forgets sources and progress: the topic is relayed again from the beginning. Recorded with the first commit. */
  forget(): void {
    for (const cluster of Object.keys(this.#sources)) delete this.#sources[cluster];
    for (const partition of this.progress.keys()) this.#stale.add(partition);
    this.progress.clear();
  }

  get claimDue(): boolean {
    return this.#claimDue;
  }

  /** @param message what the record was made of: a refusal names it */
  write(record: ProducerRecord, message: Message): undefined | Promise<void> {
    return this.#writer.write(record, message);
  }

  /** Messages that the target has refused, by name. */
  get refused(): RefusedRecords['found'] {
    return this.#refused.found;
  }

  /** Delivers what was written and records progress. @param from cluster id of the source @throws KafkaError */
  async commit(moved: readonly Position[], from: string): Promise<void> {
    const { mapping, store, clock, metrics } = this.#deps;
    const progress = moved.map(
      ({ partition, next, last }) => [partition, { next, from, ...(last && { last }) }] as const,
    );
    for (const [partition] of progress) this.#stale.delete(partition);
    const records = [
      ...[...this.#stale].map((partition) => forgottenRecord(store.topic, mapping, partition)),
      ...progress.map(([partition, at]) => progressRecord(store.topic, mapping, partition, at)),
    ];
    if (this.#claimDue) records.unshift(claimRecord(store.topic, mapping, this.#claim()));
    const sent = this.#writer.pending;
    const began = clock.monotonic();
    await this.#writer.commit(records);
    this.#claimDue = false;
    this.#stale.clear();
    for (const [partition, at] of progress) this.progress.set(partition, at);
    metrics.delivered(sent, (clock.monotonic() - began) / 1_000);
  }

  /** Why writing failed: a refused record, if that is what spoilt the transaction. */
  causeOf(error: unknown): Promise<unknown> {
    return this.#writer.causeOf(error);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #claim(): Claim {
    return {
      owner: this.#owner,
      sources: this.#sources,
      target: { cluster: this.topic.cluster, topic: this.topic.topicId },
    };
  }

  #recreated(what: string): Error {
    const { mapping } = this.#deps;
    return fail(
      'relay-refused',
      mappingName(mapping),
      `${what} is not the one that was relayed before (recreated?): its offsets mean nothing. To copy it from its beginning: --restart-topic ${mapping.source}`,
    );
  }
}

const readCheckpoint = (deps: TargetDeps): Promise<Checkpoint> =>
  deps.store.read(deps.mapping, {
    timeoutMs: deps.config.session_timeout,
    run: deps.run,
    onHidden: deps.onHidden,
  });

interface OpenWriter {
  readonly writer: Writer;
  readonly refused: RefusedRecords;
}

/** @param maxBatchBytes what the topics take */
async function openWriter(deps: TargetDeps, maxBatchBytes: number): Promise<OpenWriter> {
  const { config, kafka, metrics, mapping, batches } = deps;
  const refused = new RefusedRecords();
  let failure: KafkaFault | undefined;
  const producer = await kafka.producer(
    {
      // Reports of errors only do not say of which record, and cost a third.
      reports: batches.alone ? 'all' : 'errors',
      properties: targetProperties(config, mapping, { ...batches, bytes: Math.min(batches.bytes, maxBatchBytes) }),
      onReport: (report, tag) => {
        if (!report.error || givenUp.has(report.error.code)) return;
        refused.report(tag, report.error);
        failure ??= report.error;
        metrics.targetKafkaError('produce_failed');
      },
      onFault: (fault) => {
        if (fault.fatal) failure ??= fault;
        else deps.onFault(fault);
      },
    },
    config.session_timeout,
  );
  const recordWriter = new RecordWriter(producer, () => failure, {
    clock: deps.clock,
    run: deps.run,
    tryMs: config.session_timeout,
    maxRetries: config.max_retries,
    onRetry: (cause) => {
      metrics.target('target_flush_retries_total');
      deps.onLate(cause);
    },
    onThrown: (tag, error) => refused.thrown(tag, error),
    onBlocked: () => metrics.target('target_inlet_blocks_total'),
  });
  if (!config.exactlyOnce) return { writer: new FlushingWriter(recordWriter), refused };
  try {
    await initTransactions(producer, config.session_timeout, () => deps.run.stopping);
    return { writer: await ExactWriter.open(recordWriter), refused };
  } catch (error) {
    await producer.close(0);
    throw error;
  }
}
