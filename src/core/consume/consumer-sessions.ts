// ConsumerSessions: opens sessions of group members for one cluster, up to the limit that the thread pool sets.
import { GatewayError } from '../../errors.js';
import { sleep } from '../clock.js';
import { GroupStart } from '../group/group-start.js';
import { preparing } from '../group/preparing.js';
import { isLasting } from '../lasting-fault.js';
import {
  type Clock,
  type Consumer,
  isUnreachable,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Properties,
} from '../ports.js';
import { own } from '../promises.js';
import type { SessionLog } from '../stats/session-log.js';
import type { Stats } from '../stats/stats.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import { ConsumerSession } from './consumer-session.js';

export interface ConsumerSessionsOptions {
  readonly kafka: KafkaFactory;
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: SessionLog;
  /** Consumers open at once: each may hold a thread of libuv's pool while it waits. See docs/decisions/0003. */
  readonly maxConsumers: number;
  /** Bytes of messages buffered for one client. */
  readonly prefetchBytes: number;
  /** The operator's setting, ms; a client's own applies to its session. */
  readonly maxPollIntervalMs: number;
}

export interface MemberOptions {
  /** `<group.id>:<name>`. */
  readonly id: string;
  readonly groupId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly properties: Properties;
  /** Delay before opening: the previous consumer was refused, ms. */
  readonly delayMs?: number;
}

/** Pause between two tries to reach brokers, ms. */
const retryMs = 500;
/** How long a failed consumer may take to leave its group, ms. */
const overMs = 5_000;
/** Time limit of one try, ms. */
const connectMs = 10_000;
/**
 * Minimum wait of a client before a nil answer while its session is not open, ms. Until then the group's start is unknown,
 * and messages produced after the answer would be lost to the group.
 */
const leastOpenMs = 2_000;
/**
 * Opening and closing a client stops the event loop for a few milliseconds, longer while its threads wait for a core: two hundred
 * at once would delay all clients. Closing is faster, so that hundreds fit into a shutdown.
 */
const openEveryMs = 20;
const closeEveryMs = 5;

/** The open consumer sessions of one cluster. */
export class ConsumerSessions {
  readonly #options: ConsumerSessionsOptions;
  readonly #open = new Set<ConsumerSession>();
  #opening = 0;
  readonly #openings = new Pace(openEveryMs);
  readonly #closings = new Pace(closeEveryMs);

  constructor(options: ConsumerSessionsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#open.size + this.#opening;
  }

  /**
   * Opens a session with the group's start committed; waits for brokers that do not answer.
   * @returns undefined when timeoutMs (at least 2 s) was over or the signal was aborted first.
   * @throws GatewayError `too-many-consumers`, `poll-failed` for a lasting refusal; KafkaError for settings that librdkafka refuses.
   */
  async open(member: MemberOptions, timeoutMs: number, signal: AbortSignal): Promise<ConsumerSession | undefined> {
    const { clock, maxConsumers } = this.#options;
    if (this.count >= maxConsumers) throw new GatewayError('too-many-consumers', [this.count]);
    this.#opening += 1;
    try {
      if (member.delayMs) await sleep(clock, member.delayMs);
      const deadline = clock.monotonic() + Math.max(timeoutMs, leastOpenMs);
      for (;;) {
        const limitMs = Math.min(connectMs, Math.max(1, deadline - clock.monotonic()));
        const session = await this.#tryOpen(member, limitMs, signal);
        if (session && !signal.aborted) return session;
        if (session) await this.close(session, 0);
        if (signal.aborted || clock.monotonic() + retryMs >= deadline) return undefined;
        await sleep(clock, retryMs);
      }
    } finally {
      this.#opening -= 1;
    }
  }

  /** Closes a session that was opened here: it leaves its group and commits its acks. Never rejects. */
  async close(session: ConsumerSession, timeoutMs: number): Promise<void> {
    await this.#closings.turn(this.#options.clock);
    await session.close(timeoutMs);
    if (!this.#open.delete(session)) return;
    this.#options.log.closed(session.id, session.topics);
  }

  /** @returns undefined when no broker answered. @throws GatewayError `poll-failed`, KafkaError */
  async #tryOpen(member: MemberOptions, timeoutMs: number, signal: AbortSignal): Promise<ConsumerSession | undefined> {
    await this.#openings.turn(this.#options.clock);
    let session: ConsumerSession | undefined;
    let refusal: KafkaFault | undefined;
    const onFault = (fault: KafkaFault): void => {
      if (session) session.fault(fault);
      else if (isLasting(fault)) refusal = fault;
    };
    try {
      const { groupId, clientId, properties } = member;
      const { kafka, clock } = this.#options;
      const consumer = await kafka.consumer({ groupId, clientId, properties, onFault }, timeoutMs);
      const work = this.#start(member, consumer);
      const start = await preparing({ clock, consumer, work, refusal: () => refusal, closeMs: 0, signal });
      session = await this.#session(member, consumer, start);
      this.#open.add(session);
      return session;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return this.#failed(member.id, error, refusal);
    }
  }

  /** @returns undefined for transient errors. @throws GatewayError `poll-failed` for lasting ones, KafkaError */
  #failed(id: string, error: KafkaError, refusal: KafkaFault = error): undefined {
    const { log } = this.#options;
    if (isLasting(refusal)) {
      log.consumerRefused(id, refusal);
      throw new GatewayError('poll-failed', [refusal.message], { cause: error });
    }
    if (!passes(error)) throw error;
    log.consumerFault(id, error);
    return undefined;
  }

  /** @throws KafkaError when no broker answered, or one refuses the group for good */
  async #start({ id, topics }: MemberOptions, consumer: Consumer): Promise<GroupStart> {
    const { catalog, log } = this.#options;
    const start = new GroupStart({ consumer, topics, policy: consumer.startPolicy, catalog });
    try {
      await start.prepare();
    } catch (error) {
      if (!(error instanceof KafkaError) || passes(error) || isLasting(error)) throw error;
      // A refusal of this request is reported again when the group is joined.
      log.consumerFault(id, error);
    }
    return start;
  }

  async #session(member: MemberOptions, consumer: Consumer, start: GroupStart): Promise<ConsumerSession> {
    const { prefetchBytes, catalog, clock, stats, log } = this.#options;
    const maxPollIntervalMs = Number(member.properties['max.poll.interval.ms'] ?? this.#options.maxPollIntervalMs);
    try {
      const session: ConsumerSession = new ConsumerSession({
        // It would hold its partitions for no client.
        onOver: () => own(this.close(session, overMs), () => {}),
        id: member.id,
        topics: member.topics,
        consumer,
        start,
        prefetchBytes,
        maxPollIntervalMs,
        catalog,
        clock,
        stats,
        log,
      });
      return session;
    } catch (error) {
      // The consumer refuses the topics: no other code has seen it yet.
      await consumer.close(0);
      throw error;
    }
  }
}

/** Lets callers continue one by one, at most one per interval. */
class Pace {
  readonly #everyMs: number;
  #nextAt = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  async turn(clock: Clock): Promise<void> {
    const now = clock.monotonic();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + this.#everyMs;
    if (at > now) await sleep(clock, at - now);
  }
}

/** Brokers do not answer, or there is no coordinator yet. */
const passes = (error: KafkaError): boolean => isUnreachable(error) || error.retriable;
