// GroupMembership: this process's membership in one group for one topic. Keeps one reader open: reopens it after a failure, and when a missing topic appears.

import { fail } from '../../errors.js';
import { isLasting } from '../lasting-fault.js';
import { type CommittedOffset, KafkaError, type KafkaFault, type Staged, type TopicPartitionOffset } from '../ports.js';
import { own } from '../promises.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import { GroupReader } from './group-reader.js';
import type { PartitionStart } from './partition-start.js';
import type { ReadPartition } from './read-partition.js';
import type { ReaderContext } from './reader-context.js';

export interface GroupMembershipOptions<P> {
  readonly group: string;
  readonly topic: string;
  readonly context: ReaderContext;
  readonly catalog: TopicCatalog;
  /** The previous membership of the same group and topic: it leaves before this one joins. */
  readonly after: Promise<unknown>;
  /** A partition was assigned that was unknown before. */
  readonly onAssigned: (partition: number, start: PartitionStart) => P;
  /** Messages arrived, or partitions were assigned or revoked. */
  readonly changed: () => void;
  /** The group has joined and has its partitions. */
  readonly joined?: () => void;
  /** The group cannot be read until an operator fixes the cause: see lastingFault(). */
  readonly refused?: (fault: KafkaFault) => void;
  /** Its owner ends the group when the topic is created again; absent: the group continues with the new topic's first message. */
  readonly endsWithTopic?: boolean;
}

/** How long a lasting fault is trusted before the group is tried again on request, ms. */
const tryAgainMs = 3_000;
/** Interval of repeated log lines, ms. */
const logAgainMs = 60_000;

/** Interval of looking for a missing topic, ms; the cluster is asked less often. */
const missingTopicCheckMs = 500;
/** The same while the group is joining, ms: each request asks for all topics. */
const joinCheckMs = 2_000;

export class GroupMembership<P extends ReadPartition> {
  readonly #options: GroupMembershipOptions<P>;
  readonly #context: ReaderContext;
  #reader: GroupReader<P> | undefined;
  /** The topic was created again: the group begins with its first message. */
  #isRemade = false;
  #saidMissing = false;
  #isLooking = false;
  /** No broker has accepted the reader yet; it keeps trying. */
  #isOpening = true;
  /** What was last logged. */
  #logged = { code: 0, at: 0 };
  #lasting: { readonly fault: KafkaFault; readonly at: number } | undefined;
  #closing: Promise<CommittedOffset[]> | undefined;
  constructor(options: GroupMembershipOptions<P>) {
    this.#options = options;
    this.#context = options.context;
    own(
      options.after.then(() => this.#open()),
      this.#bug,
    );
  }

  /** The group is joining, and its topic exists: messages may arrive any moment. */
  get isJoining(): boolean {
    return this.#reader?.isJoining ?? false;
  }

  /**
   * What keeps the group from being read until an operator fixes it. Some seconds after it was reported, it is cleared and tried again: the
   * next caller waits, and gets the error again if it persists.
   */
  lastingFault(): KafkaFault | undefined {
    const lasting = this.#lasting;
    // It is retried all the time.
    if (lasting && this.#isOpening) return lasting.fault;
    if (!lasting || this.#context.clock.monotonic() - lasting.at < tryAgainMs) return lasting?.fault;
    this.#lasting = undefined;
    // Unacknowledged offers would be redelivered.
    if (this.#reader && this.pending === 0) this.#reopen(this.#reader, new KafkaError(lasting.fault));
    return undefined;
  }

  /** The partitions that may serve requests, ascending; none before the group has joined. */
  get partitions(): readonly P[] {
    return this.#reader?.partitions ?? [];
  }

  /** Numbers of the assigned partitions, and of those that a rebalance has taken and may bring back; ascending. */
  get assigned(): readonly number[] {
    return this.#reader?.assigned ?? [];
  }

  /** Offered and not acknowledged, over all partitions. */
  get pending(): number {
    return this.#reader?.pending ?? 0;
  }

  /** A partition that accepts acks here: assigned, or in the middle of a rebalance. */
  find(partition: number): P | undefined {
    return this.#reader?.find(partition);
  }

  /** Acks of the partition are committed before it is revoked. During a rebalance the outcome is unknown. */
  holds(partition: number): boolean {
    return this.#reader?.holds(partition) ?? false;
  }

  /** There is space again. */
  taken(): void {
    this.#reader?.taken();
  }

  /** An ack moved a position or freed a slot. */
  acked(): void {
    this.#reader?.acked();
  }

  /** Commits moved positions now. @returns false if Kafka refused. */
  async commit(): Promise<boolean> {
    return (await this.#reader?.commit()) ?? true;
  }

  /** Acks that a transaction takes. @throws GatewayError `entry-not-pending`, `acks-too-sparse` */
  async stage(acks: readonly TopicPartitionOffset[]): Promise<Staged> {
    const [first] = acks;
    if (!this.#reader) throw fail('entry-not-pending', first?.offset ?? 0, this.#options.topic, first?.partition ?? 0);
    return this.#reader.stage(acks);
  }

  /** Continues from other positions. @throws KafkaError */
  async setOffsets(positions: readonly CommittedOffset[]): Promise<void> {
    await this.#reader?.setOffsets(positions);
  }

  /** Waits (bounded) for outstanding acks, commits and leaves. Never rejects. @returns out-of-order acks that no commit covers. */
  close(): Promise<CommittedOffset[]> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The topic was deleted: nothing read from it is committed from now on. */
  abandon(): void {
    this.#reader?.abandon();
  }

  async #close(): Promise<CommittedOffset[]> {
    await this.#options.after;
    return (await this.#reader?.close()) ?? [];
  }

  async #open(): Promise<void> {
    if (this.#closing) return;
    const { group, topic, catalog, onAssigned, changed, joined = () => {} } = this.#options;
    const events = {
      onAssigned,
      changed,
      joined,
      failed: (error: Error) => this.#reopen(reader, error),
      missing: () => this.#lookForTopic(),
      refused: (fault: KafkaFault) => this.#refused(fault),
      remade: () => this.#topicRemade(reader),
    };
    const initial = this.#isRemade ? 'oldest' : this.#context.settings.initialOffset;
    const reader: GroupReader<P> = new GroupReader(group, topic, this.#context, catalog, events, initial);
    this.#reader = reader;
    const { clock, settings, log } = this.#context;
    try {
      this.#isOpening = true;
      await reader.open();
      this.#isOpening = false;
      this.#lasting = undefined;
      log.info({ group, topic }, 'Joined the group');
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const lasts = isLasting(error);
      if (lasts) this.#refused(error);
      else log.error({ group, topic, err: error }, 'Failed to join the group, will retry');
      clock.after(lasts ? tryAgainMs : settings.retryBackoffMs, () => {
        if (this.#reader !== reader) return;
        // Requests made meanwhile are refused: they would wait forever.
        own(
          reader.close().then(() => (this.#reader === reader ? this.#open() : undefined)),
          this.#bug,
        );
      });
    }
  }

  #refused(fault: KafkaFault): void {
    if (this.#closing) return;
    const { clock, log } = this.#context;
    const { group, topic, refused } = this.#options;
    const now = clock.monotonic();
    this.#lasting = { fault, at: now };
    const isNew = this.#logged.code !== fault.code || now - this.#logged.at > logAgainMs;
    if (isNew) this.#logged = { code: fault.code, at: now };
    if (isNew) log.error({ group, topic, code: fault.code, reason: fault.message }, 'The group cannot be read');
    refused?.(fault);
  }

  #reopen(reader: GroupReader<P>, error: Error): void {
    if (this.#reader !== reader || this.#closing) return;
    const { clock, settings, log } = this.#context;
    const { group, topic } = this.#options;
    log.error({ group, topic, err: error }, 'The consumer failed: opening a new one');
    this.#reader = undefined;
    const again = (): void => {
      clock.after(settings.retryBackoffMs, () => own(this.#open(), this.#bug));
    };
    own(reader.close().then(again), this.#bug);
  }

  #topicRemade(reader: GroupReader<P>): void {
    const { group, topic, changed, endsWithTopic } = this.#options;
    if (this.#reader !== reader || this.#closing || endsWithTopic) return;
    this.#context.log.warn(
      { group, topic },
      'The topic was deleted and created again: it is read from its first message',
    );
    this.#reader = undefined;
    this.#isRemade = true;
    changed();
    own(
      reader.leaveRemade().then(() => this.#open()),
      this.#bug,
    );
  }

  /** Until the group has joined: what one broker just reported may be unknown to the next. */
  #lookForTopic(): void {
    const { clock, log } = this.#context;
    const { group, topic, catalog } = this.#options;
    if (this.#closing || this.#isLooking) return;
    this.#isLooking = true;
    if (!this.#saidMissing) log.warn({ group, topic }, 'The topic does not exist');
    this.#saidMissing = true;
    const look = async (): Promise<void> => {
      const missing = await catalog.missing([topic]);
      if (missing?.length === 0 && !this.#closing) await this.#reader?.topicCame();
      this.#isLooking = false;
      if (missing?.length !== 0 || this.isJoining) this.#lookForTopic();
    };
    clock.after(this.isJoining ? joinCheckMs : missingTopicCheckMs, () => own(look(), this.#bug));
  }

  readonly #bug = (err: unknown): void => {
    const { group, topic } = this.#options;
    this.#context.log.error({ group, topic, err }, 'A reader failed unexpectedly: this is a bug');
  };
}
