// ConsumerSession: reads and acknowledges for one group member. Read-ahead is bounded, and only acks move the group's offsets.
import { fail, GatewayError } from '../../errors.js';
import { within } from '../clock.js';
import type { GroupStart } from '../group/group-start.js';
import { isLasting, isOfLogin, isOfTopic } from '../lasting-fault.js';
import {
  type AckSource,
  type Clock,
  type Consumer,
  isMissingTopic,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Message,
  type Staged,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../ports.js';
import { own } from '../promises.js';
import type { SessionLog } from '../stats/session-log.js';
import type { Stats } from '../stats/stats.js';
import { partitionKey, partitionKeys } from '../topics/partition-key.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import { AckLedger } from './ack-ledger.js';
import { ReadAhead } from './read-ahead.js';

export interface ConsumerSessionOptions {
  /** `<group.id>:<name>`, for error texts. */
  readonly id: string;
  readonly topics: readonly string[];
  /** The connected consumer; this session closes it. Its faults must be wired to fault(). */
  readonly consumer: Consumer;
  /** Where its group begins; prepared. */
  readonly start: GroupStart;
  /** Bytes of messages held here for a client that does not ask. */
  readonly prefetchBytes: number;
  /** The member's max.poll.interval.ms: polled more often than that while the client asks. */
  readonly maxPollIntervalMs: number;
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: SessionLog;
  /** The session has ended: the consumer may leave its group. */
  readonly onOver?: () => void;
}

/** A native wait holds a pool thread and cannot be interrupted, so none is longer than this, ms. */
const longestPollMs = 1_000;
/** Messages of one fetch: enough to be cheap (256: 210k/s), few enough to drop. */
const batchMessages = 256;
/** After a full fetch, the next one starts when fewer messages are left, so that a client that keeps asking does not wait. */
const lowMessages = 128;
/** Maximum age of the known assignment when a message is answered, ms (reading it costs 58 us). See docs/decisions/0003. */
const assignmentAgeMs = 50;
/** The same while there is no message to answer: for the log, and for partitions without a start. It waits for librdkafka's thread. */
const idleLookMs = 2_000;
/** How long an answer may wait for the group's start, whatever the client's time-out, ms. See docs/decisions/0014. */
const longestPinMs = 5_000;
/** How long close() may check that its topics are still the acknowledged ones, ms. */
const lastLookMs = 2_000;
/** Pause before a start that could not be committed is tried again, ms. */
const pinAgainMs = 1_000;
/** How long a commit for a topic that was created again is taken for the old topic's, ms. */
const remadeMs = 15_000;
/** Time limit of a metadata refresh, ms. */
const refreshMs = 5_000;
/** Pause before a topic without read permission is tried again, ms. */
const tryAgainMs = 3_000;
/** Interval of looking for a missing topic while a client waits, ms. */
const missingTopicCheckMs = 2_000;

/** Reads for one member of a group. One caller of next() at a time. */
export class ConsumerSession implements AckSource {
  /** An ack covers all before it: two of them depend on each other. */
  readonly isShared = false;
  readonly #options: ConsumerSessionOptions;
  readonly #readAhead = new ReadAhead();
  readonly #ledger: AckLedger;
  #assigned = new Map<string, TopicPartition>();
  #assignedAt: number;
  /** Checked in this turn, for an ack. */
  #hasLooked = false;
  #polling: Promise<void> | undefined;
  #polledAt: number;
  #failure: GatewayError | undefined;
  /** A fault that lasts until an operator fixes it. */
  #lasting: { readonly fault: KafkaFault; readonly at: number; reported: boolean } | undefined;
  #isOver = false;
  /** A topic was reported missing, and how many were missing at the last check. */
  #unavailable = false;
  #missingTopics: number;
  #topicsCheckedAt = Number.NEGATIVE_INFINITY;
  #meanBytes = 1_024;
  /** The last fetch was full: there is more. */
  #isBehind = false;
  /** Assigned partitions whose start is not known to be committed: nothing of them is handed out. */
  readonly #unpinned = new Map<string, TopicPartition>();
  #pinning: Promise<void> | undefined;
  /** When failed starts are tried again. */
  #pinAgainAt = Number.POSITIVE_INFINITY;
  /** By failed partition, the first message that was dropped: it is read again. */
  readonly #putOffFrom = new Map<string, number>();
  /** Topics that were created again: their commits are void until their partitions have begun anew. */
  readonly #remade = new Map<string, number>();
  readonly #unwatch: () => void;
  #closing: Promise<void> | undefined;

  constructor(options: ConsumerSessionOptions) {
    this.#options = options;
    this.#ledger = new AckLedger(options.consumer);
    this.#polledAt = this.#assignedAt = options.clock.monotonic();
    this.#missingTopics = options.topics.length;
    options.consumer.subscribe(options.topics);
    this.#unwatch = options.catalog.ids.watch(options.topics, { remade: (topic) => this.#beginRemade(topic) });
  }

  /** `<group.id>:<name>`. */
  get id(): string {
    return this.#options.id;
  }

  get topics(): readonly string[] {
    return this.#options.topics;
  }

  /** A lasting fault ended the session: a new one has to be made. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Partitions assigned at the last check. */
  get assigned(): Iterable<TopicPartition> {
    return this.#assigned.values();
  }

  /** A buffered message, if the assignment was checked a moment ago; undefined: call next(). */
  ready(): Message | undefined {
    const now = this.#options.clock.monotonic();
    if (this.#readAhead.length === 0 || now - this.#assignedAt > assignmentAgeMs || this.#pollIsDue(now))
      return undefined;
    if (this.#unpinned.size > 0) return undefined;
    return this.#dispatcher();
  }

  /**
   * The next message, or undefined when none arrived within timeoutMs (Infinity: no limit) or the signal was aborted.
   * Transport errors and missing topics are waited out.
   * @throws GatewayError `poll-failed` after a fatal consumer error, and while a lasting fault persists.
   */
  async next(timeoutMs: number, signal: AbortSignal): Promise<Message | undefined> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    for (let waited = false; ; waited = true) {
      if (signal.aborted || this.#closing) return undefined;
      if (this.#failure) throw this.#failure;
      const now = clock.monotonic();
      if (this.#pollIsDue(now)) await this.#poll(0);
      const oldest = this.#readAhead.length > 0 ? assignmentAgeMs : idleLookMs;
      if (now - this.#assignedAt > oldest) this.#refreshAssignment();
      if (this.#unpinned.size > 0) await this.#pinned(deadline - now, signal);
      const message = this.#dispatcher();
      if (message) return message;
      const lasting = this.#lastingError(waited);
      if (lasting) throw lasting;
      const left = deadline - clock.monotonic();
      if (left <= 0 && timeoutMs > 0) {
        // Messages produced after this answer must not be lost to the group.
        if (clock.monotonic() - this.#assignedAt <= assignmentAgeMs) return undefined;
        this.#refreshAssignment();
        if (this.#unpinned.size > 0) await this.#pinned(0, signal);
        return this.#dispatcher();
      }
      await this.#waitForMessages(Math.max(0, left), signal);
      if (timeoutMs <= 0 && this.#readAhead.length === 0) return undefined;
    }
  }

  /**
   * Acknowledges this message and all before it in its partition: the position moves to offset + 1, never back.
   * Returns a promise only if the broker must be asked.
   * @throws GatewayError (or rejects with) `ack-not-assigned`, `ack-beyond`.
   */
  ack(topic: string, partition: number, offset: number): undefined | Promise<void> {
    const key = partitionKey(topic, partition);
    if (!this.#assigned.has(key)) this.#lookAgain();
    if (!this.#assigned.has(key)) throw fail('ack-not-assigned', topic, partition, this.#options.id);
    try {
      const asked = this.#ledger.ack(key, { topic, partition }, offset);
      this.#options.stats.add('consumer.acks');
      return asked?.catch((error: unknown) => {
        throw this.#ackError(error, topic, partition);
      });
    } catch (error) {
      throw this.#ackError(error, topic, partition);
    }
  }

  /**
   * These acks as a part of a transaction. The member's generation is taken before its assignment is looked at, so that Kafka refuses the
   * transaction where a rebalance comes between.
   * @throws GatewayError `ack-not-assigned`, `ack-beyond`, `ack-done`; KafkaError.
   */
  async stage(acks: readonly TopicPartitionOffset[]): Promise<Staged> {
    const member = this.#options.consumer.groupMetadata();
    this.#refreshAssignment();
    await this.#ledger.commitStored();
    const positions = new Map<string, TopicPartitionOffset>();
    for (const { topic, partition, offset } of acks) {
      const key = partitionKey(topic, partition);
      if (!member || !this.#assigned.has(key)) throw fail('ack-not-assigned', topic, partition, this.#options.id);
      const position = await this.#ledger.stage(key, { topic, partition }, offset);
      if (position.offset > (positions.get(key)?.offset ?? 0)) positions.set(key, position);
    }
    return {
      member: member!,
      positions: [...positions.values()],
      committed: () => {
        for (const [key, position] of positions) this.#ledger.moved(key, position);
        this.#options.stats.add('consumer.acks', acks.length);
      },
      aborted() {},
      // The next one begins at the position that Kafka has.
      unknown: () => this.#end(),
    };
  }

  /** The last messages that were answered, in their order, have not reached the client: they are answered again. */
  putBack(messages: readonly Message[]): void {
    if (this.#closing || this.#isOver) return;
    for (const message of messages.toReversed())
      if (this.#assigned.has(partitionKey(message.topic, message.partition))) this.#readAhead.putBack(message);
  }

  /** Handles librdkafka's errors. A fatal one ends reading; a lasting one is reported to the next caller. */
  fault(fault: KafkaFault): void {
    if (fault.fatal) this.#failure = fail('poll-failed', fault.message);
    else if (isLasting(fault) && !this.#closing) {
      this.#lastingFault(fault);
      return;
    }
    if (isMissingTopic(fault)) {
      if (!this.#unavailable) this.#options.log.missingTopics(this.#options.id, this.topics);
      this.#unavailable = true;
      return;
    }
    this.#options.log.consumerFault(this.#options.id, fault);
  }

  /** Leaves the group and commits acknowledged messages. Idempotent. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    this.#readAhead.retain(() => false);
    return this.#closing;
  }

  #lastingFault(fault: KafkaFault): void {
    this.#options.log.consumerRefused(this.#options.id, fault);
    // One of several brokers refuses the login: the others still serve.
    if (isOfLogin(fault) && this.#options.consumer.assignments().length > 0) return;
    this.#lasting = { fault, at: this.#options.clock.monotonic(), reported: false };
  }

  /** @param waited whether this call has already waited for messages: other topics may have some */
  #lastingError(waited: boolean): GatewayError | undefined {
    const lasting = this.#lasting;
    if (!lasting) return undefined;
    const partitions = this.#options.consumer.assignments();
    // A non-member, or a member without partitions, disturbs no other member when it leaves.
    if (!isOfTopic(lasting.fault) || partitions.length === 0) this.#end();
    else if (lasting.reported && !waited) {
      if (this.#options.clock.monotonic() - lasting.at > tryAgainMs) this.#fetchAnew(partitions);
      return undefined;
    }
    lasting.reported = true;
    return fail('poll-failed', lasting.fault.message);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onOver?.();
  }

  /** librdkafka reports a topic's fault once; a new fetch makes it report again. */
  #fetchAnew(partitions: readonly TopicPartition[]): void {
    this.#lasting = undefined;
    this.#options.consumer.pause(partitions);
    this.#options.consumer.resume(partitions);
  }

  async #close(timeoutMs: number): Promise<void> {
    const { catalog, clock, consumer } = this.#options;
    // Acks of a topic that was created again since must not be committed for the new one.
    if (this.#ledger.isOpen) await within(clock, lastLookMs, catalog.ids.look());
    if (this.#remade.size > 0 && this.#pinning) await within(clock, lastLookMs, this.#pinning);
    this.#unwatch();
    await consumer.close(timeoutMs);
  }

  /** The topic was deleted and created again: reads and acks of the old one are void, and the new one is read from its first message. */
  #beginRemade(topic: string): void {
    const { start, log, id } = this.#options;
    const mine = new Map([...this.#assigned].filter(([, partition]) => partition.topic === topic));
    log.topicRemade(id, topic);
    start.remade(topic);
    this.#ledger.void(mine);
    this.#readAhead.retain((message) => message.topic !== topic);
    this.#remade.set(topic, this.#options.clock.monotonic());
    for (const [key, partition] of mine) {
      this.#unpinned.set(key, { ...partition });
      this.#putOffFrom.delete(key);
    }
    this.#pinAgainAt = Number.POSITIVE_INFINITY;
    if (mine.size > 0) own(this.#pinned(0, new AbortController().signal), this.#failed);
  }

  #ackError(error: unknown, topic: string, partition: number): unknown {
    if (!(error instanceof KafkaError) || !isNotAssigned(error)) return error;
    return new GatewayError('ack-not-assigned', [topic, partition, this.#options.id], { cause: error });
  }

  #dispatcher(): Message | undefined {
    if (this.#pinning) return undefined;
    const message = this.#readAhead.take();
    if (!message) return undefined;
    this.#options.stats.add('consumer.messages');
    if (this.#isBehind && this.#isLow) own(this.#poll(0), this.#failed);
    return message;
  }

  get #isLow(): boolean {
    const { length, bytes } = this.#readAhead;
    return !this.#closing && length < lowMessages && bytes * 2 < this.#options.prefetchBytes;
  }

  /** A member that is asked rarely must still poll, even if its read-ahead lasts for hours. */
  #pollIsDue(now: number): boolean {
    return this.#readAhead.length > 0 && now - this.#polledAt > this.#options.maxPollIntervalMs / 3;
  }

  async #waitForMessages(leftMs: number, signal: AbortSignal): Promise<void> {
    if (this.#unavailable) await this.#lookForTopics();
    const polled = this.#poll(Math.min(leftMs, longestPollMs));
    await settledOrAborted(within(this.#options.clock, Math.min(leftMs, longestPollMs) + 5, polled), signal);
  }

  /** One native poll at a time. It outlives a caller that gave up, and its messages stay for the next caller. */
  #poll(timeoutMs: number): Promise<void> {
    this.#polling ??= this.#fetch(timeoutMs).finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  async #fetch(timeoutMs: number): Promise<void> {
    const { consumer, prefetchBytes, clock } = this.#options;
    const room = Math.floor((prefetchBytes - this.#readAhead.bytes) / this.#meanBytes);
    const most = Math.max(1, Math.min(batchMessages, room));
    this.#polledAt = clock.monotonic();
    this.#isBehind = false;
    try {
      const fetched = await consumer.poll(most, timeoutMs);
      this.#isBehind = fetched.length === most;
      if (fetched.length === 0) return;
      const looks = !this.#isExpected(fetched);
      if (looks) this.#refreshAssignment();
      const current = looks || this.#unpinned.size > 0 ? this.#current(fetched) : fetched;
      const batch = this.#ledger.fetched(current, this.#options.catalog.ids.isSupported);
      // Acknowledged messages were read again: after a rebalance, or because the topic is another one.
      if (batch !== current) own(this.#options.catalog.ids.look(), this.#failed);
      if (batch.length === 0) return;
      const before = this.#readAhead.bytes;
      this.#readAhead.push(batch);
      this.#meanBytes = Math.max(64, (this.#readAhead.bytes - before) / batch.length);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#failed(error);
    }
  }

  /** The next caller gets this error. */
  readonly #failed = (error: unknown): void => {
    if (this.#closing) return;
    this.#failure = new GatewayError('poll-failed', [(error as Error).message], { cause: error });
  };

  /** All messages are of partitions assigned a moment ago. (At a thousand messages a second there are as many fetches.) */
  #isExpected(batch: readonly Message[]): boolean {
    if (this.#options.clock.monotonic() - this.#assignedAt > assignmentAgeMs) return false;
    const keyOf = partitionKeys();
    return batch.every((message) => this.#assigned.has(keyOf(message)));
  }

  /** Removes messages of partitions that are not assigned; those of partitions without a start are read again. */
  #current(batch: readonly Message[]): readonly Message[] {
    const keyOf = partitionKeys();
    return batch.filter((message) => {
      const key = keyOf(message);
      if (!this.#assigned.has(key)) return false;
      if (!this.#isStuck(key)) return true;
      this.#putOff(key, message);
      return false;
    });
  }

  /** Its start could not be committed at the last try. */
  #isStuck(key: string): boolean {
    return !this.#pinning && this.#pinAgainAt !== Number.POSITIVE_INFINITY && this.#unpinned.has(key);
  }

  #putOff(key: string, { offset }: Message): void {
    this.#putOffFrom.set(key, Math.min(offset, this.#putOffFrom.get(key) ?? offset));
  }

  /** Waits, bounded, until the assigned partitions have a start; does not wait again for those that cannot get one now. */
  async #pinned(leftMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (!this.#pinning) {
      if (this.#pinAgainAt !== Number.POSITIVE_INFINITY && clock.monotonic() < this.#pinAgainAt) return;
      this.#pinning = this.#pin().finally(() => {
        this.#pinning = undefined;
      });
    }
    await settledOrAborted(within(clock, Math.max(leftMs, longestPinMs), this.#pinning), signal);
  }

  async #pin(): Promise<void> {
    const { start, clock } = this.#options;
    this.#pinAgainAt = Number.POSITIVE_INFINITY;
    // Commits of the new topic by other members count.
    for (const [topic, at] of this.#remade) if (clock.monotonic() - at > remadeMs) this.#remade.delete(topic);
    const wanted = [...this.#unpinned];
    const { pinned, failed } = await start.pin(
      wanted.map(([, partition]) => partition),
      { quiet: () => this.#quiet(), remade: new Set(this.#remade.keys()) },
    );
    const stuck = new Set(failed.map(({ topic, partition }) => partitionKey(topic, partition)));
    for (const { topic, partition } of pinned) this.#beginAnew(partitionKey(topic, partition));
    for (const [key, partition] of wanted) {
      if (stuck.has(key) || this.#unpinned.get(key) !== partition) continue;
      if (await this.#readAgain(key, partition)) this.#unpinned.delete(key);
      else stuck.add(key);
    }
    const open = new Set([...this.#unpinned.values()].map(({ topic }) => topic));
    for (const { topic } of pinned) if (!open.has(topic)) this.#remade.delete(topic);
    if (stuck.size === 0) return;
    this.#pinAgainAt = clock.monotonic() + pinAgainMs;
    this.#readAhead.retain((message) => {
      const key = partitionKey(message.topic, message.partition);
      if (!stuck.has(key)) return true;
      this.#putOff(key, message);
      return false;
    });
  }

  /** Reads again what was dropped while the start was unknown. @returns false if the consumer cannot seek now. */
  async #readAgain(key: string, partition: TopicPartition): Promise<boolean> {
    const offset = this.#putOffFrom.get(key);
    if (offset === undefined) return true;
    await this.#quiet();
    try {
      await this.#options.consumer.seek({ ...partition, offset }, longestPinMs);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return false;
    }
    this.#beginAnew(key);
    return true;
  }

  /** No fetch is under way: during a seek its messages could be from before or after. */
  async #quiet(): Promise<void> {
    await this.#polling;
  }

  /** The consumer now reads from another position. */
  #beginAnew(key: string): void {
    this.#putOffFrom.delete(key);
    this.#readAhead.retain(({ topic, partition }) => partitionKey(topic, partition) !== key);
    this.#ledger.retain((held) => held !== key);
  }

  /** Once for all acks of one command: reading the assignment costs time per partition. */
  #lookAgain(): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    queueMicrotask(() => {
      this.#hasLooked = false;
    });
    this.#refreshAssignment();
  }

  #refreshAssignment(): void {
    const now = new Map(this.#options.consumer.assignments().map((tp) => [partitionKey(tp.topic, tp.partition), tp]));
    const changed = now.size !== this.#assigned.size || [...now.keys()].some((key) => !this.#assigned.has(key));
    this.#assignedAt = this.#options.clock.monotonic();
    const restarted = new Set(this.#ledger.restarted(now));
    if (!changed && restarted.size === 0) return;
    const revoked = [...this.#assigned.keys()].filter((key) => !now.has(key)).length;
    for (const known of [this.#unpinned, this.#putOffFrom])
      for (const key of known.keys()) if (!now.has(key)) known.delete(key);
    for (const [key, partition] of now) if (!this.#assigned.has(key)) this.#unpinned.set(key, partition);
    this.#assigned = now;
    this.#options.log.assigned(this.#options.id, [...now.values()], revoked);
    this.#ledger.retain((key) => now.has(key));
    const dropped = this.#readAhead.retain((message) => {
      const key = partitionKey(message.topic, message.partition);
      return now.has(key) && !restarted.has(key);
    });
    if (dropped > 0) this.#options.log.readAheadDropped(this.#options.id, dropped);
  }

  /** librdkafka refreshes by itself only after five minutes, also after a new subscription: ask it to. */
  async #lookForTopics(): Promise<void> {
    const { catalog, clock, consumer } = this.#options;
    if (clock.monotonic() - this.#topicsCheckedAt < missingTopicCheckMs) return;
    this.#topicsCheckedAt = clock.monotonic();
    const missing = await catalog.missing(this.topics);
    if (missing === undefined || this.#closing) return;
    // All topics exist although one was reported missing: librdkafka's refresh came too early and would not repeat.
    const appeared = missing.length === 0 || missing.length < this.#missingTopics;
    this.#missingTopics = missing.length;
    this.#unavailable = missing.length > 0;
    if (!appeared) return;
    await consumer.refreshTopics(refreshMs).catch(() => {
      this.#unavailable = true;
    });
  }
}

function isNotAssigned(error: KafkaError): boolean {
  return error.code === KafkaCode.state || error.code === KafkaCode.unknownPartition;
}

/** Settles with the promise, or resolves when the signal is aborted. */
async function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let aborted: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    aborted = resolve;
    signal.addEventListener('abort', aborted, { once: true });
  });
  try {
    await Promise.race([promise, gone]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
