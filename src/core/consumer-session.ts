// ConsumerSession: one group member's reading and acknowledging. Read-ahead is bounded, and only acks move the group's offsets.
import { fail, GatewayError } from '../errors.js';
import { AckLedger } from './ack-ledger.js';
import { within } from './clock.js';
import {
  type Clock,
  type Consumer,
  isMissingTopic,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Message,
  type TopicPartition,
} from './ports.js';
import { own } from './promises.js';
import { partitionKey, partitionKeys, ReadAhead } from './read-ahead.js';
import type { SessionLog } from './session-log.js';
import type { Stats } from './stats.js';
import type { TopicCatalog } from './topic-catalog.js';

export interface ConsumerSessionOptions {
  /** `<group.id>:<name>`, for error texts. */
  readonly id: string;
  readonly topics: readonly string[];
  /** The connected consumer; it is this session's to close. Faults must be wired to fault(). */
  readonly consumer: Consumer;
  /** Bytes of messages that may wait here for a client that does not ask. */
  readonly prefetchBytes: number;
  /** The member's max.poll.interval.ms: it is polled before that is over as long as the client asks. */
  readonly maxPollIntervalMs: number;
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: SessionLog;
}

/** A native wait holds a pool thread and can't be interrupted, so none is longer than this (ms). */
const longestPollMs = 1_000;
/** Messages of one fetch: enough to be cheap (256: 210k/s), few enough to be dropped without regret. */
const batchMessages = 256;
/** The next fetch begins when fewer are left of one that was full, so that a client that goes on asking does not wait for it. */
const lowMessages = 128;
/** How old a look at the assignment may be when a message is answered, ms (a look costs 58 us). */
const assignmentAgeMs = 50;
/** The same while nothing is there to be answered: the look is for the log alone, and waits for librdkafka's own thread. */
const idleLookMs = { unassigned: 5_000, assigned: 30_000 };
/** How long a look at the cluster's topics may take, ms. */
const refreshMs = 5_000;
/** How often a missing topic is looked for while somebody waits, ms. */
const missingTopicCheckMs = 2_000;

/** Reads for one member of a group. One caller of next() at a time. */
export class ConsumerSession {
  readonly #options: ConsumerSessionOptions;
  readonly #readAhead = new ReadAhead();
  readonly #ledger: AckLedger;
  #assigned = new Map<string, TopicPartition>();
  #assignedAt: number;
  #polling: Promise<void> | undefined;
  #polledAt: number;
  #failure: GatewayError | undefined;
  /** A topic was reported missing, and how many were when last looked. */
  #unavailable = false;
  #missingTopics: number;
  #topicsCheckedAt = Number.NEGATIVE_INFINITY;
  #meanBytes = 1_024;
  /** The last fetch brought all that was asked for: there is more. */
  #isBehind = false;
  #closing: Promise<void> | undefined;

  constructor(options: ConsumerSessionOptions) {
    this.#options = options;
    this.#ledger = new AckLedger(options.consumer);
    this.#polledAt = this.#assignedAt = options.clock.monotonic();
    this.#missingTopics = options.topics.length;
    options.consumer.subscribe(options.topics);
  }

  /** `<group.id>:<name>`. */
  get id(): string {
    return this.#options.id;
  }

  get topics(): readonly string[] {
    return this.#options.topics;
  }

  /** Partitions assigned when last looked. */
  get assigned(): Iterable<TopicPartition> {
    return this.#assigned.values();
  }

  /** A message that is here already, if the assignment was looked at a moment ago; undefined: ask next(). */
  ready(): Message | undefined {
    const now = this.#options.clock.monotonic();
    if (this.#readAhead.length === 0 || now - this.#assignedAt > assignmentAgeMs || this.#pollIsDue(now))
      return undefined;
    return this.#handOut();
  }

  /**
   * The next message, or undefined when none came within timeoutMs (Infinity: no limit) or the signal was aborted.
   * Transport trouble and missing topics are waited out.
   * @throws GatewayError `poll-failed` when the consumer failed for good.
   */
  async next(timeoutMs: number, signal: AbortSignal): Promise<Message | undefined> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    for (;;) {
      if (signal.aborted || this.#closing) return undefined;
      if (this.#failure) throw this.#failure;
      const now = clock.monotonic();
      if (this.#pollIsDue(now)) await this.#poll(0);
      const oldest = this.#readAhead.length > 0 ? assignmentAgeMs : this.#idleLookMs;
      if (now - this.#assignedAt > oldest) this.#refreshAssignment();
      const message = this.#handOut();
      if (message) return message;
      const left = deadline - clock.monotonic();
      if (left <= 0 && timeoutMs > 0) return undefined;
      await this.#waitForMessages(Math.max(0, left), signal);
      if (timeoutMs <= 0 && this.#readAhead.length === 0) return undefined;
    }
  }

  /**
   * Acknowledges this message and all before it of its partition: the position moves to offset + 1, never back.
   * Returns a promise only where the broker has to be asked.
   * @throws GatewayError (or rejects with) `ack-not-assigned`, `ack-beyond`.
   */
  ack(topic: string, partition: number, offset: number): undefined | Promise<void> {
    const key = partitionKey(topic, partition);
    if (!this.#assigned.has(key)) this.#refreshAssignment();
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

  /** Hears the client library's errors. Only a fatal one ends the session's reading. */
  fault(fault: KafkaFault): void {
    if (fault.fatal) this.#failure = fail('poll-failed', fault.message);
    if (isMissingTopic(fault)) {
      if (!this.#unavailable) this.#options.log.missingTopics(this.#options.id, this.topics);
      this.#unavailable = true;
      return;
    }
    this.#options.log.consumerFault(this.#options.id, fault);
  }

  /** Leaves the group; what was acked is committed. Idempotent. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#options.consumer.close(timeoutMs);
    this.#readAhead.retain(() => false);
    return this.#closing;
  }

  #ackError(error: unknown, topic: string, partition: number): unknown {
    if (!(error instanceof KafkaError) || !isNotAssigned(error)) return error;
    return new GatewayError('ack-not-assigned', [topic, partition, this.#options.id], { cause: error });
  }

  #handOut(): Message | undefined {
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

  get #idleLookMs(): number {
    return this.#assigned.size > 0 ? idleLookMs.assigned : idleLookMs.unassigned;
  }

  /** A member that is asked now and then must poll, even when its read-ahead lasts for hours. */
  #pollIsDue(now: number): boolean {
    return this.#readAhead.length > 0 && now - this.#polledAt > this.#options.maxPollIntervalMs / 3;
  }

  async #waitForMessages(leftMs: number, signal: AbortSignal): Promise<void> {
    if (this.#unavailable) await this.#lookForTopics();
    const polled = this.#poll(Math.min(leftMs, longestPollMs));
    await settledOrAborted(within(this.#options.clock, Math.min(leftMs, longestPollMs) + 5, polled), signal);
  }

  /** One native poll at a time; it outlives the caller that gave up waiting, and its messages stay for the next one. */
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
      const batch = await consumer.poll(most, timeoutMs);
      this.#isBehind = batch.length === most;
      if (batch.length === 0) return;
      const before = this.#readAhead.bytes;
      this.#readAhead.push(batch);
      this.#meanBytes = Math.max(64, (this.#readAhead.bytes - before) / batch.length);
      this.#ledger.fetched(batch);
      if (!this.#isExpected(batch)) this.#refreshAssignment();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#failed(error);
    }
  }

  /** Whoever asks next is told. */
  readonly #failed = (error: unknown): void => {
    if (this.#closing) return;
    this.#failure = new GatewayError('poll-failed', [(error as Error).message], { cause: error });
  };

  /** All of it is of partitions that were assigned a moment ago. (At a thousand messages a second there are as many fetches.) */
  #isExpected(batch: readonly Message[]): boolean {
    if (this.#options.clock.monotonic() - this.#assignedAt > assignmentAgeMs) return false;
    const keyOf = partitionKeys();
    return batch.every((message) => this.#assigned.has(keyOf(message)));
  }

  #refreshAssignment(): void {
    const now = new Map(this.#options.consumer.assignments().map((tp) => [partitionKey(tp.topic, tp.partition), tp]));
    const changed = now.size !== this.#assigned.size || [...now.keys()].some((key) => !this.#assigned.has(key));
    this.#assignedAt = this.#options.clock.monotonic();
    if (!changed) return;
    const revoked = [...this.#assigned.keys()].filter((key) => !now.has(key)).length;
    this.#assigned = now;
    this.#options.log.assigned(this.#options.id, [...now.values()], revoked);
    this.#ledger.retain((key) => now.has(key));
    const dropped = this.#readAhead.retain((message) => now.has(partitionKey(message.topic, message.partition)));
    if (dropped > 0) this.#options.log.readAheadDropped(this.#options.id, dropped);
  }

  /** librdkafka alone looks again after five minutes, also when it is subscribed again: it has to be told to look. */
  async #lookForTopics(): Promise<void> {
    const { catalog, clock, consumer } = this.#options;
    if (clock.monotonic() - this.#topicsCheckedAt < missingTopicCheckMs) return;
    this.#topicsCheckedAt = clock.monotonic();
    const missing = await catalog.missing(this.topics);
    if (missing === undefined || this.#closing) return;
    // All there although one was reported missing: the consumer's own look came too early, and it would not look again.
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

/** Resolves when the promise has settled or the signal is aborted. Rejects as the promise does. */
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
