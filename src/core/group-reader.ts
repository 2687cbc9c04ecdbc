// The Kafka side of a shared consumer: one group member for one topic. Polls, takes part in rebalances, commits.
import { sleep, within } from './clock.js';
import { type Committable, GroupCommits } from './group-commits.js';
import { type PartitionStart, partitionStart } from './partition-start.js';
import {
  type Admin,
  type CommittedOffset,
  type Consumer,
  type ConsumerOptions,
  isMissingTopic,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Message,
  OFFSET_NONE,
  type TopicPartition,
  type TopicPartitionOffset,
} from './ports.js';
import type { ReaderContext } from './shared-settings.js';

/** A native wait holds a pool thread and can't be interrupted: closing takes up to this, ms. */
const pollMs = 500;
/** Messages of one fetch. */
const batchMessages = 256;
/** What may be read ahead of the clients, over all partitions. */
const holdMessages = 1_024;
const holdBytes = 4 * 1024 * 1024;
/** What a partition may hold while its clients' acks are awaited. */
const holdBlocked = 64;
/** How long the full read-ahead is left alone before its partitions are paused, so that polling (and rebalances) go on, ms. */
const pauseAfterMs = 250;
/** How long a commit is tried again before the partition is given up or the group is left, ms. */
const lastCommitMs = 5_000;
/** How long the start positions of new partitions may take, ms. */
const startMs = 20_000;
const closeMs = 10_000;

/** A commit of Kafka-Pixy's for "the newest". */
const OFFSET_NEWEST = -1;

/** One assigned partition, as its reader sees it: what was read and is held, what is offered, what may be committed. */
export interface ReadPartition extends Committable {
  /** Offered and not acked. */
  readonly pending: number;
  readonly heldMessages: number;
  readonly heldBytes: number;
  /** Nothing new may be offered before an ack. */
  readonly blocked: boolean;
  readonly stopped: boolean;
  /** Acked ranges above the base, for a commit's metadata. */
  readonly sparse: { readonly metadata: string };
  push(message: Message): void;
  /** How long, in ms, until every offer's deadline has passed. */
  longestWait(now: number): number;
  /** Offers nothing more; acks still count. */
  stop(): void;
  /** The partition came back and nobody else has moved its position. @returns where to read on. */
  resume(): number;
}

export interface ReaderEvents<P> {
  /** A partition was assigned that is not known from before. */
  begun(partition: number, start: PartitionStart): P;
  /** Messages came, partitions came or went. */
  changed(): void;
  /** The client failed for good: close this reader and make another. */
  failed(error: Error): void;
  /** The topic is not there (yet). */
  missing(): void;
}

export class GroupReader<P extends ReadPartition> {
  readonly #context: ReaderContext;
  readonly #group: string;
  readonly #topic: string;
  readonly #events: ReaderEvents<P>;
  #consumer: Consumer | undefined;
  /** Assigned to this member, by partition number. */
  readonly #partitions = new Map<number, P>();
  /** Revoked in a rebalance that has not ended: they may come back. */
  #revoked = new Map<number, P>();
  #sorted: P[] = [];
  readonly #paused = new Set<number>();
  #loop: Promise<void> = Promise.resolve();
  #chores: (() => Promise<void>)[] = [];
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #wakeLoop: () => void = () => {};
  #wakeAcked: () => void = () => {};
  readonly #commits: GroupCommits;
  #meanBytes = 1_024;

  constructor(group: string, topic: string, context: ReaderContext, events: ReaderEvents<P>) {
    this.#group = group;
    this.#topic = topic;
    this.#context = context;
    this.#events = events;
    this.#commits = new GroupCommits({
      topic,
      clock: context.clock,
      retryBackoffMs: context.settings.retryBackoffMs,
      partitions: () => this.#partitions.values(),
      commit: async (positions) => this.#consumer?.commit(positions),
      warn: (text, fields) => this.#warn(text, fields),
    });
  }

  /** The partitions that may serve requests, ascending. */
  get partitions(): readonly P[] {
    return this.#sorted;
  }

  /** A partition whose acks are taken here: assigned, or in the middle of a rebalance. */
  find(partition: number): P | undefined {
    return this.#partitions.get(partition) ?? this.#revoked.get(partition);
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
    this.#consumer = await kafka.consumer(options, settings.connectTimeoutMs);
    if (this.#closing) return;
    this.#consumer.subscribe([this.#topic]);
    this.#loop = this.#run(this.#consumer);
  }

  /** Looks for the topic again. */
  resubscribe(): void {
    if (!this.#closing) this.#consumer?.subscribe([this.#topic]);
  }

  /** There is room again. */
  taken(): void {
    this.#wakeLoop();
  }

  /** An ack moved a position or freed a place. */
  acked(): void {
    this.#wakeAcked();
    this.#wakeLoop();
    this.#commits.soon(this.#context.settings.commitIntervalMs);
  }

  /** Commits what has moved, now. @returns false when Kafka refused. */
  commit(): Promise<boolean> {
    return this.#commits.now();
  }

  /**
   * Makes the members of this group that live here go on from other positions; partitions that are not ours are only
   * committed. @throws KafkaError
   */
  setOffsets(positions: readonly CommittedOffset[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#chores.push(() => this.#move(positions).then(resolve, reject));
      this.#wakeLoop();
    });
  }

  /**
   * Waits for the acks of what is offered (bounded), commits, leaves the group. Never rejects.
   * @returns what was acked out of order and is not covered by the commit.
   */
  async close(): Promise<CommittedOffset[]> {
    const closed = [...this.#partitions.values()];
    this.#closing ??= this.#close(closed);
    await this.#closing;
    return closed.flatMap(({ partition, base, sparse }) =>
      sparse.metadata === '' ? [] : [{ topic: this.#topic, partition, offset: base, metadata: sparse.metadata }],
    );
  }

  async #close(closed: P[]): Promise<void> {
    // A client that is still connecting is closed when it has.
    await this.#opening?.catch(() => {});
    await this.#settle(closed);
    await this.#commits.within(lastCommitMs);
    const chores = this.#chores.splice(0);
    for (const chore of chores) await chore();
    this.#partitions.clear();
    this.#sorted = [];
    this.#wakeLoop();
    await this.#loop;
    this.#commits.stop();
    await this.#consumer?.close(closeMs);
  }

  /** Until every offer is acked or its deadline has passed, at most as long as a rebalance may wait. */
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
      if (!this.#hasRoom()) await this.#waitForRoom();
      if (this.#leaving) return;
      try {
        this.#pauseAndResume(consumer);
        this.#deliver(await consumer.poll(this.#batch(), pollMs));
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (!this.#closing) this.#events.failed(error);
        return;
      }
    }
  }

  get #leaving(): boolean {
    return this.#closing !== undefined && this.#partitions.size === 0;
  }

  #deliver(batch: Awaited<ReturnType<Consumer['poll']>>): void {
    if (batch.length === 0) return;
    const before = this.#held().bytes;
    for (const message of batch) this.#partitions.get(message.partition)?.push(message);
    this.#meanBytes = Math.max(256, (this.#held().bytes - before) / batch.length);
    this.#events.changed();
  }

  #held(): { messages: number; bytes: number } {
    let messages = 0;
    let bytes = 0;
    for (const partition of this.#sorted) {
      messages += partition.heldMessages;
      bytes += partition.heldBytes;
    }
    return { messages, bytes };
  }

  #hasRoom(): boolean {
    const { messages, bytes } = this.#held();
    return messages < holdMessages && bytes < holdBytes;
  }

  #batch(): number {
    const room = Math.floor((holdBytes - this.#held().bytes) / this.#meanBytes);
    return Math.max(1, Math.min(batchMessages, room));
  }

  async #waitForRoom(): Promise<void> {
    const { clock } = this.#context;
    const until = clock.monotonic() + pauseAfterMs;
    while (!this.#hasRoom() && this.#chores.length === 0 && !this.#leaving && clock.monotonic() < until) {
      const woken = new Promise<void>((resolve) => {
        this.#wakeLoop = resolve;
      });
      await within(clock, Math.max(1, until - clock.monotonic()), woken);
    }
  }

  /** A paused partition's messages stay with the broker, while rebalances are still served by polling. */
  #pauseAndResume(consumer: Consumer): void {
    const full = !this.#hasRoom();
    const pause: TopicPartition[] = [];
    const resume: TopicPartition[] = [];
    for (const partition of this.#sorted) {
      const wanted = full || (partition.blocked && partition.heldMessages >= holdBlocked);
      if (wanted === this.#paused.has(partition.partition)) continue;
      (wanted ? pause : resume).push({ topic: this.#topic, partition: partition.partition });
      if (wanted) this.#paused.add(partition.partition);
      else this.#paused.delete(partition.partition);
    }
    if (pause.length > 0) consumer.pause(pause);
    if (resume.length > 0) consumer.resume(resume);
  }

  async #assigned(assigned: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    const partitions = assigned.filter(({ topic }) => topic === this.#topic);
    if (this.#closing || partitions.length === 0) {
      this.#revoked.clear();
      return [];
    }
    const deadline = this.#context.clock.monotonic() + startMs;
    for (;;) {
      try {
        const positions = await this.#start(partitions, this.#context.kafka.admin);
        this.#revoked.clear();
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

  async #start(partitions: readonly TopicPartition[], admin: Admin): Promise<TopicPartitionOffset[]> {
    const [offsets, marks] = await Promise.all([this.#committed(partitions, admin), marksOf(partitions, admin)]);
    return partitions.map(({ topic, partition }) => {
      const committed = offsets.find((each) => each.partition === partition);
      const mark = marks.get(partition) ?? this.#unseen(committed);
      if (!mark) throw missingMark(topic, partition);
      const offset = this.#adopt(partition, committed) ?? this.#begin(partition, committed, mark);
      return { topic, partition, offset };
    });
  }

  /** Of a partition without a leader, so that the others needn't wait for it: the group's own position is believed. */
  #unseen(committed: CommittedOffset | undefined): Watermarks | undefined {
    const oldest = this.#context.settings.initialOffset === 'oldest';
    const known = committed === undefined ? oldest : committed.offset !== OFFSET_NEWEST;
    return known ? { low: 0, high: Number.MAX_SAFE_INTEGER } : undefined;
  }

  /** With metadata, which only the admin can read; a cluster that can't be asked so (the embedded one) has none. */
  async #committed(partitions: readonly TopicPartition[], admin: Admin): Promise<CommittedOffset[]> {
    try {
      return await admin.groupOffsets(this.#group, partitions);
    } catch (error) {
      if (!(error instanceof KafkaError && error.code === KafkaCode.unsupportedFeature) || !this.#consumer) throw error;
      const committed = await this.#consumer.committed(partitions, startMs);
      return committed.filter(({ offset }) => offset !== OFFSET_NONE).map((each) => ({ ...each, metadata: '' }));
    }
  }

  /** What we know about a partition stays true when nobody else has moved the group's position meanwhile. */
  #adopt(partition: number, committed: CommittedOffset | undefined): number | undefined {
    const known = this.#revoked.get(partition);
    if (!known || committed?.offset !== known.committed) return undefined;
    this.#partitions.set(partition, known);
    return known.resume();
  }

  #begin(partition: number, committed: CommittedOffset | undefined, mark: { low: number; high: number }): number {
    const { settings } = this.#context;
    const start = partitionStart(committed, mark, settings.initialOffset);
    const where = { partition, committed: committed?.offset ?? -1, base: start.acked.base };
    if (start.ignored) this.#warn('Ignored the commit metadata', { ...where, reason: start.ignored });
    if (start.adjusted) this.#warn('Adjusted offset', where);
    const made = this.#events.begun(partition, start);
    this.#partitions.set(partition, made);
    if (start.adjusted) this.#commits.soon(0);
    return start.readFrom;
  }

  async #onRevoked(revoked: readonly TopicPartition[], lost: boolean): Promise<void> {
    const partitions = revoked.flatMap(({ partition }) => this.#partitions.get(partition) ?? []);
    if (partitions.length === 0) return;
    if (lost) for (const partition of partitions) partition.stop();
    else {
      await this.#settle(partitions);
      await this.#commits.within(lastCommitMs);
    }
    for (const partition of partitions) {
      this.#partitions.delete(partition.partition);
      this.#paused.delete(partition.partition);
      if (!this.#closing) this.#revoked.set(partition.partition, partition);
    }
    this.#changed();
  }

  async #move(positions: readonly CommittedOffset[]): Promise<void> {
    const consumer = this.#consumer;
    if (!consumer) return;
    await this.#commits.settled();
    await consumer.commit(positions);
    const ours = positions.filter(({ partition }) => this.#partitions.has(partition));
    if (ours.length === 0) return;
    const marks = await this.#context.kafka.admin.watermarks(ours);
    for (const position of ours) {
      const mark = marks.find(({ partition }) => partition === position.partition);
      if (!mark) throw missingMark(this.#topic, position.partition);
      this.#partitions.get(position.partition)?.stop();
      const offset = this.#begin(position.partition, position, mark);
      await consumer.seek({ topic: this.#topic, partition: position.partition, offset }, closeMs);
    }
    this.#changed();
  }

  #fault(fault: KafkaFault): void {
    if (isMissingTopic(fault)) this.#events.missing();
    else if (fault.fatal) this.#events.failed(new KafkaError(fault));
    else this.#warn('Kafka client', { reason: fault.message });
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

interface Watermarks {
  readonly low: number;
  readonly high: number;
}

/** By partition number; without those that no broker answers for now. @throws KafkaError when there are no others */
async function marksOf(partitions: readonly TopicPartition[], admin: Admin): Promise<Map<number, Watermarks>> {
  const asked = await Promise.allSettled(partitions.map((each) => admin.watermarks([each])));
  const failed = asked.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason);
  const lasting = failed.find((reason) => !(reason instanceof KafkaError && reason.retriable));
  if (lasting !== undefined || failed.length === partitions.length) throw lasting ?? failed[0];
  const marks = asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  return new Map(marks.map((mark) => [mark.partition, mark]));
}

const missingMark = (topic: string, partition: number): KafkaError =>
  new KafkaError({
    code: KafkaCode.unknownPartition,
    message: `no watermarks for ${topic}:${partition}`,
    fatal: false,
    retriable: true,
    abortable: false,
  });
