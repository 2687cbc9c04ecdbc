// StreamTopics: the topics behind streams: whether one is there, making it, and those of its settings that matter here.

import { fail } from '../../errors.js';
import { sleep } from '../clock.js';
import { type Admin, type Clock, isPassing, KafkaCode, KafkaError } from '../ports.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import { marksOf } from './log/marks.js';

export interface StreamTopicsSettings {
  /** Of a topic that is made. */
  readonly partitions: number;
  /** Absent: the brokers' default. */
  readonly replicationFactor?: number | undefined;
  /** By how much records may be older than ones before them where producers set the time, ms. */
  readonly clockSkewMs: number;
  /** Whether a missing topic is made when it is written to. */
  readonly autoCreate: boolean;
}

export interface StreamTopicsOptions {
  readonly admin: Admin;
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly settings: StreamTopicsSettings;
  /** A topic was created by this process: topic lists must be refreshed. */
  readonly onMade: () => Promise<unknown>;
}

interface Facts {
  /** Until when its records without a key go to one partition, as Clock.monotonic(). */
  readonly isNewUntil: number;
  /** By how much records may be older than ones before them: not at all when the brokers set their time. */
  readonly skewMs: number;
  readonly isCompacted: boolean;
}

/** How long the partitions of a new topic may take to get their leaders, and how often they are looked at, ms. */
const newTopicMs = 10_000;
const newTopicRetryMs = 30;
/** How long a topic counts as new here, ms: a producer that was just asked to write to it has its metadata by then. */
const isNewMs = 1_000;

export class StreamTopics {
  readonly #options: StreamTopicsOptions;
  /** Topics that existed at the last check; the next check follows a failed write. */
  readonly #known = new Map<string, Facts>();
  readonly #looking = new Map<string, Promise<Facts>>();
  readonly #making = new Map<string, Promise<void>>();
  /** Of topics that writes wait for: settles when the last of them has begun. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: StreamTopicsOptions) {
    this.#options = options;
  }

  /** Whether a topic is there and no write waits for it: the next one may begin at once. */
  isKnown(topic: string): boolean {
    return this.#known.has(topic) && !this.#turns.has(topic);
  }

  /**
   * Begins a write to a topic that is not known, behind those that came before it.
   * @param prepare looks for the topic, or makes it; `write` begins with what that gave, in the same turn of the loop.
   */
  async inTurn<P, T>(topic: string, prepare: () => Promise<P>, write: (prepared: P) => Promise<T>): Promise<T> {
    const before = this.#turns.get(topic);
    let started = (): void => {};
    const turn = new Promise<void>((resolve) => {
      started = resolve;
    });
    this.#turns.set(topic, turn);
    try {
      // All of them look at once: when Kafka does not answer, none waits longer than the first.
      const [prepared] = await Promise.all([prepare(), before]);
      return write(prepared);
    } finally {
      started();
      if (this.#turns.get(topic) === turn) this.#turns.delete(topic);
    }
  }

  /**
   * The partition of a record without a key while its topic is new here; undefined: the producer chooses. librdkafka scatters what
   * waits for a topic's first metadata over all partitions, and a pipeline's entries would lose their order.
   */
  firstPartition(topic: string): number | undefined {
    const { catalog, clock } = this.#options;
    const known = this.#known.get(topic);
    if (!known || clock.monotonic() > known.isNewUntil) return undefined;
    return catalog
      .known()
      .get(topic)
      ?.partitions.find(({ leader }) => leader >= 0)?.partition;
  }

  /** Of a topic that is known: whether its cleanup.policy is to compact. */
  isCompacted(topic: string): boolean {
    return this.#known.get(topic)?.isCompacted ?? false;
  }

  /** Whether a topic exists; from then on it is known. @throws KafkaError */
  async exists(topic: string): Promise<boolean> {
    if (!(await this.#options.catalog.all()).has(topic)) {
      this.forget(topic);
      return false;
    }
    await this.#look(topic);
    return true;
  }

  /** A topic that is to be written is there, or is made where that is allowed. @throws GatewayError `stream-refused`; KafkaError */
  async provide(topic: string): Promise<void> {
    if (await this.exists(topic)) return;
    if (!this.#options.settings.autoCreate) throw fail('stream-refused', `there is no topic ${topic}`);
    await this.make(topic);
  }

  /** Makes a topic that is missing; its records get their time from the broker, so that ids grow. @throws KafkaError */
  make(topic: string): Promise<void> {
    let making = this.#making.get(topic);
    if (!making) {
      making = this.#make(topic).finally(() => this.#making.delete(topic));
      this.#making.set(topic, making);
    }
    return making;
  }

  /** A topic was deleted, or is not as it was. */
  forget(topic: string): void {
    this.#known.delete(topic);
  }

  /** By how much records of a topic may be older than ones before them, ms. */
  async skewOf(topic: string): Promise<number> {
    return (await this.#look(topic)).skewMs;
  }

  #look(topic: string): Promise<Facts> | Facts {
    const known = this.#known.get(topic);
    if (known) return known;
    let looking = this.#looking.get(topic);
    if (!looking) {
      looking = this.#ask(topic).finally(() => this.#looking.delete(topic));
      this.#looking.set(topic, looking);
    }
    return looking;
  }

  /** Where settings can't be read, nothing special is assumed. */
  async #ask(topic: string): Promise<Facts> {
    const configs = await this.#options.admin.topicConfigs([topic]).catch((error: unknown) => {
      if (!(error instanceof KafkaError)) throw error;
      return undefined;
    });
    const settings = configs?.get(topic);
    const facts: Facts = {
      isNewUntil: this.#options.clock.monotonic() + isNewMs,
      skewMs:
        settings?.get('message.timestamp.type')?.value === 'LogAppendTime' ? 0 : this.#options.settings.clockSkewMs,
      isCompacted: settings?.get('cleanup.policy')?.value.includes('compact') ?? false,
    };
    this.#known.set(topic, facts);
    return facts;
  }

  async #make(topic: string): Promise<void> {
    const { admin, settings } = this.#options;
    const { partitions, replicationFactor } = settings;
    try {
      await admin.createTopic({
        name: topic,
        partitions,
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        config: { 'message.timestamp.type': 'LogAppendTime' },
      });
    } catch (error) {
      // Another gateway was faster.
      if (!(error instanceof KafkaError) || error.code !== KafkaCode.topicExists) throw error;
    }
    await this.#settled(topic);
    await this.#options.onMade();
    await this.#look(topic);
  }

  /** A new topic's partitions have no leaders for a moment. */
  async #settled(topic: string): Promise<void> {
    const { catalog, clock, admin } = this.#options;
    const deadline = clock.monotonic() + newTopicMs;
    for (;;) {
      catalog.forget();
      try {
        if (await marksOf(catalog, admin, topic)) return;
      } catch (error) {
        if (!(error instanceof KafkaError) || !isPassing(error)) throw error;
      }
      if (clock.monotonic() > deadline) throw fail('kafka-unavailable', `the new topic ${topic} has no leaders yet`);
      await sleep(clock, newTopicRetryMs);
    }
  }
}
