// TopicCatalog: which topics exist; cached, for all users of the cluster.
import { type Admin, type Clock, KafkaCode, KafkaError, type KafkaFault, type TopicMetadata } from '../ports.js';
import { own } from '../promises.js';
import { TopicIds } from './topic-ids.js';
import { type EndsElsewhere, WrittenEnds } from './written-ends.js';

/** Maximum age of an answer, ms. */
const maxAgeMs = 1_000;
/** The same while a topic that was just produced to is expected; and how long it is expected, ms. */
const maxAgeOfNewsMs = 100;
const newsMs = 5_000;
/** Maximum age of what is shown without waiting before the cluster is asked again, ms. */
const maxAgeKnownMs = 5_000;
/** How long it is cached whether a topic may be seen, ms; and for how many topics. */
const maxAgeDeniedMs = 2_000;
const mostAsked = 1_000;
/** As librdkafka reports it. */
const denied: KafkaFault = {
  code: KafkaCode.topicAuthorizationFailed,
  message: 'Broker: Topic authorization failed',
  fatal: false,
  retriable: false,
  abortable: false,
};
const none: ReadonlyMap<string, TopicMetadata> = new Map();

/** A shared, cached list of the cluster's topics: single flight, so that a hundred waiting consumers cost one request. */
export class TopicCatalog {
  readonly #admin: Admin;
  readonly clock: Clock;
  /** Which topic each name stands for. */
  readonly ids: TopicIds;
  /** What reads wait for. */
  readonly written: WrittenEnds;
  #topics: Promise<ReadonlyMap<string, TopicMetadata>> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The last answer. */
  #latest = none;
  /** Until when a topic is expected that was produced to and is not in the last answer. */
  #awaited = '';
  #awaitedUntil = Number.NEGATIVE_INFINITY;
  readonly #asked = new Map<string, { readonly at: number; readonly denial: Promise<KafkaError | undefined> }>();

  /** @param endsElsewhere what EXECs of other processes of this gateway have written; absent: there are none */
  constructor(admin: Admin, clock: Clock, endsElsewhere?: EndsElsewhere) {
    this.#admin = admin;
    this.clock = clock;
    this.ids = new TopicIds(admin, clock);
    this.written = new WrittenEnds(clock, endsElsewhere);
  }

  /** All topics by name, at most a second old. @throws KafkaError if no broker answers. */
  all(): Promise<ReadonlyMap<string, TopicMetadata>> {
    const now = this.clock.monotonic();
    const maxAge = now < this.#awaitedUntil ? maxAgeOfNewsMs : maxAgeMs;
    if (!this.#topics || now - this.#askedAt > maxAge) {
      this.#askedAt = now;
      this.#topics = this.#ask();
      this.#topics.catch(() => {
        this.#topics = undefined;
      });
    }
    return this.#topics;
  }

  /** The last known topics, without waiting: none before the first answer. The next call knows more. */
  known(): ReadonlyMap<string, TopicMetadata> {
    if (this.clock.monotonic() - this.#askedAt > maxAgeKnownMs) own(this.all(), () => {});
    return this.#latest;
  }

  /** A record is produced to this topic: if it is new, expect it. */
  produced(name: string): void {
    if (name === this.#awaited || this.#latest.has(name)) return;
    this.#awaited = name;
    this.#awaitedUntil = this.clock.monotonic() + newsMs;
  }

  /** The next call asks the cluster: something was created or deleted. */
  forget(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * For a topic that is not in all(): whether it exists and may not be seen.
   * @throws KafkaError if Kafka says so; at most a few seconds old
   */
  async checkVisible(name: string): Promise<void> {
    const now = this.clock.monotonic();
    let asked = this.#asked.get(name);
    if (!asked || now - asked.at > maxAgeDeniedMs) {
      asked = { at: now, denial: this.#denialOf(name) };
      if (this.#asked.size >= mostAsked) this.#asked.clear();
      this.#asked.set(name, asked);
    }
    const denial = await asked.denial;
    if (denial) throw denial;
  }

  /** Which of these do not exist; undefined if the cluster does not answer. */
  async missing(names: readonly string[]): Promise<string[] | undefined> {
    const topics = await this.all().catch(() => undefined);
    return topics && names.filter((name) => !topics.has(name));
  }

  /** A list of all topics omits those that may not be seen; asked for by name, a topic is refused. */
  async #denialOf(name: string): Promise<KafkaError | undefined> {
    // Without an answer nothing is known: the topic counts as missing.
    const found = await this.#admin.identity([name]).catch(() => undefined);
    return found?.denied?.includes(name) ? new KafkaError(denied) : undefined;
  }

  async #ask(): Promise<ReadonlyMap<string, TopicMetadata>> {
    const topics = await this.#admin.topics();
    this.#latest = new Map(topics.map((topic) => [topic.name, topic]));
    if (this.#latest.has(this.#awaited)) this.#awaitedUntil = Number.NEGATIVE_INFINITY;
    return this.#latest;
  }
}
