// TopicCatalog: which topics exist, asked of the cluster at most once in a while for everybody.
import type { Admin, Clock, TopicMetadata } from './ports.js';

/** How old an answer may be, ms. */
const maxAgeMs = 1_000;

/** A shared, cached look at the cluster's topics: single flight, so that a hundred waiting consumers cost one request. */
export class TopicCatalog {
  readonly #admin: Admin;
  readonly clock: Clock;
  #topics: Promise<ReadonlyMap<string, TopicMetadata>> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(admin: Admin, clock: Clock) {
    this.#admin = admin;
    this.clock = clock;
  }

  /** All topics by name, at most a second old. @throws KafkaError when no broker answers. */
  all(): Promise<ReadonlyMap<string, TopicMetadata>> {
    const now = this.clock.monotonic();
    if (!this.#topics || now - this.#askedAt > maxAgeMs) {
      this.#askedAt = now;
      this.#topics = this.#admin.topics().then((topics) => new Map(topics.map((topic) => [topic.name, topic])));
      this.#topics.catch(() => {
        this.#topics = undefined;
      });
    }
    return this.#topics;
  }

  /** The next question is asked of the cluster: something was made or deleted. */
  forget(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  /** Which of these do not exist; undefined when the cluster does not answer. */
  async missing(names: readonly string[]): Promise<string[] | undefined> {
    const topics = await this.all().catch(() => undefined);
    return topics && names.filter((name) => !topics.has(name));
  }
}
