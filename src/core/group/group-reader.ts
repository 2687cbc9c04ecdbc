// The Kafka side of a queue consumer or stream group: one group member for one topic. Polls, takes part in rebalances, commits.
import { fail } from '../../errors.js';
import { sleep, within } from '../clock.js';
import { isLasting, isOfLogin } from '../lasting-fault.js';
import {
  type CommittedOffset,
  type Consumer,
  type ConsumerOptions,
  isMissingTopic,
  isUnreachable,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Staged,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../ports.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import { GroupCommits } from './group-commits.js';
import { groupPositions, missingMarks, type Watermarks, watermarksOf } from './group-positions.js';
import { GroupStart } from './group-start.js';
import { type InitialOffset, type PartitionStart, partitionStart } from './partition-start.js';
import { preparing } from './preparing.js';
import { ReadBuffer } from './read-buffer.js';
import type { ReadPartition } from './read-partition.js';
import type { ReaderContext } from './reader-context.js';

/** A native wait holds a pool thread and cannot be interrupted: closing takes up to this, ms. */
const pollMs = 500;
/** How long a commit is retried before the partition is revoked or the group is left, ms. */
const lastCommitMs = 5_000;
/** Time limit for the start positions of new partitions, ms. */
const startMs = 20_000;
const closeMs = 10_000;
/** Time limit of a metadata refresh, ms. */
const refreshMs = 5_000;
/** How long closing may check that the topic is still the acknowledged one, ms. */
const lastLookMs = 2_000;
/** How long closing waits for a client that is still connecting, ms. */
const connectingMs = 2_000;

export interface ReaderEvents<P> {
  /** A partition was assigned that was unknown before. */
  onAssigned(partition: number, start: PartitionStart): P;
  /** Messages arrived, or partitions were assigned or revoked. */
  changed(): void;
  /** The group has joined: partitions were assigned, maybe none, and have been read from. */
  joined(): void;
  /** The client failed for good: close this reader and make another. */
  failed(error: Error): void;
  /** The topic does not exist (yet). */
  missing(): void;
  /** A lasting fault: the group cannot be read until an operator fixes it. */
  refused(fault: KafkaFault): void;
  /** The topic was deleted and created again: abandon this reader. */
  remade(): void;
}

export class GroupReader<P extends ReadPartition> {
  readonly #context: ReaderContext;
  readonly #group: string;
  readonly #topic: string;
  readonly #catalog: TopicCatalog;
  readonly #events: ReaderEvents<P>;
  #consumer: Consumer | undefined;
  /** Where the group begins without a position; absent: as the settings say. */
  #groupStart: GroupStart | undefined;
  /** Assigned to this member, by partition number. */
  readonly #partitions = new Map<number, P>();
  /** Revoked in a rebalance that has not ended: they may be assigned again. */
  #revoked = new Map<number, P>();
  #sorted: P[] = [];
  readonly #buffer: ReadBuffer;
  #loop: Promise<void> = Promise.resolve();
  #chores: (() => Promise<void>)[] = [];
  #opening: Promise<void> | undefined;
  /** A reported fault that lasts until an operator fixes it. */
  #refusal: KafkaFault | undefined;
  #closing: Promise<void> | undefined;
  /** The topic differs from the one that was read: nothing of it is committed. */
  #isVoid = false;
  /** The topic exists, as far as known, and nothing has been read yet, not even its end. */
  #isJoining = true;
  #isAssigned = false;
  /** Nothing is offered any more: polling ends. */
  #leaving = false;
  #wakeAcked: () => void = () => {};
  readonly #commits: GroupCommits;
  readonly #initialOffset: InitialOffset;
  #unwatch: () => void = () => {};

  /** @param initialOffset where a group without a position begins */
  constructor(
    group: string,
    topic: string,
    context: ReaderContext,
    catalog: TopicCatalog,
    events: ReaderEvents<P>,
    initialOffset: InitialOffset = context.settings.initialOffset,
  ) {
    this.#initialOffset = initialOffset;
    this.#catalog = catalog;
    this.#group = group;
    this.#topic = topic;
    this.#context = context;
    this.#events = events;
    this.#buffer = new ReadBuffer(topic, context.clock, () => this.#sorted);
    this.#commits = new GroupCommits({
      topic,
      clock: context.clock,
      retryBackoffMs: context.settings.retryBackoffMs,
      partitions: () => this.#partitions.values(),
      commit: async (positions) => this.#consumer?.commit(positions),
      warn: (text, fields) => this.#warn(text, fields),
    });
  }

  get isJoining(): boolean {
    return this.#isJoining && !this.#closing;
  }

  /** The partitions that may serve requests, ascending. */
  get partitions(): readonly P[] {
    return this.#sorted;
  }

  /** A partition that accepts acks here: assigned, or in the middle of a rebalance. */
  find(partition: number): P | undefined {
    return this.#partitions.get(partition) ?? this.#revoked.get(partition);
  }

  /** The partition is assigned: its acks are committed before it is revoked. During a rebalance the outcome is unknown. */
  holds(partition: number): boolean {
    return this.#partitions.has(partition);
  }

  get assigned(): readonly number[] {
    return [...new Set([...this.#partitions.keys(), ...this.#revoked.keys()])].sort((one, other) => one - other);
  }

  get pending(): number {
    let pending = 0;
    for (const partition of this.#partitions.values()) pending += partition.pending;
    return pending;
  }

  /** Joins the group. @throws KafkaError */
  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { kafka, settings } = this.#context;
    const options: ConsumerOptions = {
      groupId: this.#group,
      ...(settings.clientId === undefined ? {} : { clientId: settings.clientId }),
      properties: settings.properties,
      onFault: (fault) => this.#fault(fault),
      rebalance: {
        assigned: (partitions) => this.#assigned(partitions),
        revoked: (partitions, lost) => this.#onRevoked(partitions, lost),
      },
    };
    const consumer = await kafka.consumer(options, settings.connectTimeoutMs);
    if (!this.#closing) {
      const refusal = (): KafkaFault | undefined => this.#refusal;
      await preparing({ clock: this.#context.clock, consumer, work: this.#prepare(consumer), refusal, closeMs });
    }
    if (this.#closing) {
      await consumer.close(closeMs);
      return;
    }
    this.#consumer = consumer;
    try {
      const remade = (): void => {
        this.#isVoid = true;
        this.#events.remade();
      };
      this.#unwatch = this.#catalog.ids.watch([this.#topic], { remade });
      consumer.subscribe([this.#topic]);
    } catch (error) {
      // The next reader has a consumer of its own.
      this.#unwatch();
      this.#consumer = undefined;
      await consumer.close(closeMs);
      throw error;
    }
    this.#loop = this.#run(consumer);
  }

  /** Commits where the group begins, before it joins. @throws KafkaError when no broker answers. See docs/decisions/0014. */
  async #prepare(consumer: Consumer): Promise<void> {
    const policy = this.#initialOffset === 'oldest' ? 'earliest' : 'latest';
    this.#groupStart = new GroupStart({ consumer, topics: [this.#topic], policy, catalog: this.#catalog });
    try {
      await this.#groupStart.prepare();
    } catch (error) {
      if (!(error instanceof KafkaError) || isUnreachable(error) || error.retriable) throw error;
      this.#warn("Failed to commit the group's start", { err: error });
    }
  }

  /** The topic was created: librdkafka alone would look for it in minutes, also after a new subscription. */
  async topicCame(): Promise<void> {
    if (this.#closing || !this.#consumer) return;
    this.#isJoining = !this.#isAssigned;
    try {
      await this.#consumer.refreshTopics(refreshMs);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#isJoining = false;
    }
  }

  /** There is space again. */
  taken(): void {
    this.#buffer.wake();
  }

  /** An ack moved a position or freed a slot. */
  acked(): void {
    this.#wakeAcked();
    this.#buffer.wake();
    this.#commits.soon(this.#context.settings.commitIntervalMs);
  }

  /** Commits moved positions now. @returns false if Kafka refused. */
  commit(): Promise<boolean> {
    return this.#commits.now();
  }

  /**
   * Acks that a transaction takes. Until it has ended nothing else is committed.
   * @throws GatewayError `entry-not-pending`, `acks-too-sparse`
   */
  async stage(acks: readonly TopicPartitionOffset[]): Promise<Staged> {
    const resume = await this.#commits.pause();
    try {
      return this.#staged(byPartition(acks), resume);
    } catch (error) {
      resume();
      throw error;
    }
  }

  #staged(acks: ReadonlyMap<number, readonly number[]>, resume: () => void): Staged {
    const member = this.#consumer?.groupMetadata();
    const moved = [...acks].map(([partition, offsets]) => {
      const found = this.#isVoid ? undefined : this.#partitions.get(partition);
      if (!found || !member) throw fail('entry-not-pending', offsets[0]!, this.#topic, partition);
      return { found, offsets, position: found.positionWith(this.#topic, offsets) };
    });
    return {
      member: member!,
      positions: moved.map(({ position }) => position),
      committed: () => {
        for (const { found, offsets, position } of moved) {
          for (const offset of offsets) found.ack(offset);
          found.committed = position.offset;
        }
        resume();
        this.acked();
      },
      aborted: resume,
      // The next reader begins at the positions that Kafka has: nothing may be committed over them.
      unknown: () => {
        this.abandon();
        resume();
        this.#events.failed(new Error('it is not known whether a transaction has moved the positions'));
      },
    };
  }

  /**
   * Moves this group's members in this process to other positions; partitions that are not assigned here are only
   * committed. @throws KafkaError
   */
  async setOffsets(positions: readonly CommittedOffset[]): Promise<void> {
    if (this.#leaving) return this.#move(positions);
    return new Promise((resolve, reject) => {
      this.#chores.push(() => this.#move(positions).then(resolve, reject));
      this.#buffer.wake();
    });
  }

  /**
   * Waits (bounded) for acks of offers, commits, leaves the group. Never rejects.
   * @returns out-of-order acks that the commit does not cover.
   */
  async close(): Promise<CommittedOffset[]> {
    const closed = this.#isVoid ? [] : [...this.#partitions.values()];
    this.#closing ??= this.#close(closed);
    await this.#closing;
    if (this.#isVoid) return [];
    return closed.flatMap(({ partition, base, sparse }) =>
      sparse.metadata === '' ? [] : [{ topic: this.#topic, partition, offset: base, metadata: sparse.metadata }],
    );
  }

  /** The topic was deleted: what is known of its partitions is void, and nothing of it is committed from now on. */
  abandon(): void {
    this.#isVoid = true;
    this.#commits.stop();
  }

  async #close(closed: P[]): Promise<void> {
    // A client that is still connecting closes itself when it has connected: that may take long.
    if (this.#opening)
      await within(
        this.#context.clock,
        connectingMs,
        this.#opening.catch(() => {}),
      );
    await this.#settle(closed);
    await this.#lastCommit(closed);
    while (this.#chores.length > 0) for (const chore of this.#chores.splice(0)) await chore();
    // At once: what arrives from now on is not handled by the loop, which ends.
    this.#leaving = true;
    this.#partitions.clear();
    this.#sorted = [];
    this.#buffer.wake();
    await this.#leave();
  }

  /** Before partitions are revoked. If the topic was created again since, nothing may be committed for the new one. */
  async #lastCommit(partitions: readonly P[]): Promise<void> {
    if (this.#isVoid || !partitions.some(({ dirty }) => dirty)) return;
    await within(this.#context.clock, lastLookMs, this.#catalog.ids.look());
    if (!this.#isVoid) await this.#commits.within(lastCommitMs);
  }

  async #leave(): Promise<void> {
    this.#unwatch();
    await this.#loop;
    this.#commits.stop();
    await this.#consumer?.close(closeMs);
  }

  /** Leaves the group, which continues with the new topic's first message. Never rejects. */
  leaveRemade(): Promise<void> {
    this.#closing ??= this.#leaveRemade();
    return this.#closing;
  }

  async #leaveRemade(): Promise<void> {
    this.abandon();
    const partitions = [...this.#partitions.keys()].map((partition) => ({ topic: this.#topic, partition }));
    for (const partition of this.#partitions.values()) partition.stop();
    this.#partitions.clear();
    this.#revoked.clear();
    this.#sorted = [];
    this.#leaving = true;
    this.#buffer.wake();
    for (const chore of this.#chores.splice(0)) await chore();
    if (partitions.length > 0) await within(this.#context.clock, lastCommitMs, this.#commitFirst(partitions));
    await this.#leave();
  }

  /** Overwrites what may have been committed of the old topic after its deletion. */
  async #commitFirst(partitions: readonly TopicPartition[]): Promise<void> {
    try {
      await this.#commits.settled();
      const marks = await watermarksOf(this.#context.kafka.admin, partitions);
      const firsts = partitions.flatMap(({ topic, partition }) => {
        const low = marks.get(partition)?.low;
        return low === undefined ? [] : [{ topic, partition, offset: low }];
      });
      await this.#consumer?.commit(firsts);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#warn('Failed to commit the first offsets of a topic that was made again', { err: error });
    }
  }

  /** Until every offer is acknowledged or its deadline has passed, at most as long as a rebalance may wait. */
  async #settle(partitions: readonly P[]): Promise<void> {
    const { clock, settings } = this.#context;
    for (const partition of partitions) partition.stop();
    this.#changed();
    const limit = clock.monotonic() + settings.rebalanceAckTimeoutMs;
    for (;;) {
      const now = clock.monotonic();
      const wait = Math.min(limit - now, Math.max(0, ...partitions.map((partition) => partition.longestWait(now))));
      if (wait <= 0) return;
      const acked = new Promise<void>((resolve) => {
        this.#wakeAcked = resolve;
      });
      await within(clock, wait, acked);
    }
  }

  async #run(consumer: Consumer): Promise<void> {
    while (!this.#leaving) {
      for (const chore of this.#chores.splice(0)) await chore();
      await this.#buffer.room(() => this.#chores.length === 0 && !this.#leaving);
      if (this.#leaving) return;
      try {
        this.#buffer.pauseAndResume(consumer);
        const isAssigned = this.#isAssigned;
        const batch = await consumer.poll(this.#buffer.batch, pollMs);
        if (isAssigned) this.#joined();
        this.#deliver(batch);
      } catch (error) {
        // Whatever the error was, a new reader takes over.
        if (!this.#closing) this.#events.failed(error as Error);
        return;
      }
    }
  }

  #joined(): void {
    if (!this.#isJoining) return;
    this.#isJoining = false;
    this.#events.joined();
  }

  #deliver(batch: Awaited<ReturnType<Consumer['poll']>>): void {
    if (batch.length === 0) return;
    this.#buffer.keep(batch, (partition) => this.#partitions.get(partition));
    this.#events.changed();
  }

  async #assigned(assigned: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    try {
      return await this.#take(assigned);
    } finally {
      this.#isAssigned = true;
    }
  }

  async #take(assigned: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    const partitions = assigned.filter(({ topic }) => topic === this.#topic);
    const consumer = this.#consumer;
    if (this.#closing || !consumer || partitions.length === 0) {
      this.#revoked.clear();
      return [];
    }
    const deadline = this.#context.clock.monotonic() + startMs;
    for (;;) {
      try {
        const positions = await this.#start(partitions, consumer);
        this.#revoked.clear();
        // Before anything is handed out: what precedes the read position is lost to the group.
        if ([...this.#partitions.values()].some(({ dirty }) => dirty))
          await within(this.#context.clock, lastCommitMs, this.#commits.now());
        this.#changed();
        return positions;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (this.#closing || this.#context.clock.monotonic() > deadline) {
          this.#events.failed(error);
          return [];
        }
        this.#warn('Failed to read committed offsets, will retry', { err: error });
        await sleep(this.#context.clock, this.#context.settings.retryBackoffMs);
      }
    }
  }

  async #start(partitions: readonly TopicPartition[], consumer: Consumer): Promise<TopicPartitionOffset[]> {
    const { admin } = this.#context.kafka;
    const asked = { group: this.#group, admin, consumer, initialOffset: this.#initialOffset };
    const positions = await groupPositions(asked, partitions);
    // Closing began meanwhile: it does not know these offers, which would never be settled.
    if (this.#closing) return [];
    return positions.map(({ topic, partition, committed, marks }) => ({
      topic,
      partition,
      offset: this.#adopt(partition, committed) ?? this.#begin(partition, committed, marks),
    }));
  }

  /** What we know about a partition stays true unless another member has moved the group's position meanwhile. */
  #adopt(partition: number, committed: CommittedOffset | undefined): number | undefined {
    const known = this.#revoked.get(partition);
    if (!known || committed?.offset !== known.committed) return undefined;
    this.#partitions.set(partition, known);
    return known.resume();
  }

  #begin(partition: number, committed: CommittedOffset | undefined, marks: Watermarks): number {
    const start = this.#startOf(partition, committed, marks);
    const where = { partition, committed: committed?.offset ?? -1, base: start.acked.base };
    if (start.ignored) this.#warn('Ignored the commit metadata', { ...where, reason: start.ignored });
    if (start.adjusted) this.#warn('Adjusted offset', where);
    const made = this.#events.onAssigned(partition, start);
    this.#partitions.set(partition, made);
    if (start.adjusted) this.#commits.soon(0);
    return start.readFrom;
  }

  #startOf(partition: number, committed: CommittedOffset | undefined, marks: Watermarks): PartitionStart {
    const begins = committed ? undefined : this.#groupStart?.startOf({ topic: this.#topic, partition });
    if (begins === undefined) return partitionStart(committed, marks, this.#initialOffset);
    if (begins === 'first') return partitionStart(undefined, marks, 'oldest');
    return { ...partitionStart({ offset: begins, metadata: '' }, marks, 'oldest'), adjusted: true };
  }

  async #onRevoked(revoked: readonly TopicPartition[], lost: boolean): Promise<void> {
    const partitions = revoked.flatMap(({ partition }) => this.#partitions.get(partition) ?? []);
    if (partitions.length === 0) return;
    if (lost) for (const partition of partitions) partition.stop();
    else if (!this.#isVoid) {
      await this.#settle(partitions);
      await this.#lastCommit(partitions);
    }
    for (const partition of partitions) {
      this.#partitions.delete(partition.partition);
      this.#buffer.forget(partition.partition);
      if (!this.#closing) this.#revoked.set(partition.partition, partition);
    }
    this.#changed();
  }

  async #move(positions: readonly CommittedOffset[]): Promise<void> {
    const consumer = this.#consumer;
    if (!consumer) throw notJoined();
    await this.#commits.settled();
    await consumer.commit(positions);
    const ours = positions.filter(({ partition }) => this.#partitions.has(partition));
    if (ours.length === 0) return;
    const found = await watermarksOf(this.#context.kafka.admin, ours);
    for (const position of ours) {
      const marks = found.get(position.partition);
      if (!marks) throw missingMarks(this.#topic, position.partition);
      this.#partitions.get(position.partition)?.stop();
      const offset = this.#begin(position.partition, position, marks);
      await consumer.seek({ topic: this.#topic, partition: position.partition, offset }, closeMs);
    }
    this.#changed();
  }

  #fault(fault: KafkaFault): void {
    if (isMissingTopic(fault)) {
      this.#isJoining = false;
      this.#events.missing();
    } else if (fault.fatal) this.#events.failed(new KafkaError(fault));
    else if (isLasting(fault) && !(isOfLogin(fault) && this.#partitions.size > 0)) {
      this.#refusal = fault;
      this.#events.refused(fault);
    } else this.#warn('Kafka client', { reason: fault.message });
  }

  #changed(): void {
    this.#sorted = [...this.#partitions.values()]
      .filter((partition) => !partition.stopped)
      .sort((one, other) => one.partition - other.partition);
    this.#events.changed();
  }

  #warn(text: string, fields: object): void {
    this.#context.log.warn({ group: this.#group, topic: this.#topic, ...fields }, text);
  }
}

function byPartition(acks: readonly TopicPartitionOffset[]): Map<number, number[]> {
  const offsets = new Map<number, number[]>();
  for (const { partition, offset } of acks) offsets.set(partition, [...(offsets.get(partition) ?? []), offset]);
  return offsets;
}

const notJoined = (): KafkaError =>
  new KafkaError({
    code: KafkaCode.state,
    message: 'the consumer closed before it had joined its group',
    fatal: false,
    retriable: true,
    abortable: false,
  });
