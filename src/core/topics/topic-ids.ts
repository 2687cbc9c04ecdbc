// TopicIds: notices that a topic was deleted and made again. Same name, other id: positions and whatever else was known of it are void.
import { type Admin, type Clock, KafkaCode, KafkaError } from '../ports.js';

/** What becomes of a watched topic. */
export interface TopicWatcher {
  /** What the name stands for is another topic now than when the watch began, or when this was told last. */
  remade(topic: string): void;
  /**
   * The topic was there and is not: told at each look until it is there again. A broker that has just started may be behind.
   * @param sinceMs how long ago it was missed first, without having been there since
   */
  gone?(topic: string, sinceMs: number): void;
}

/** How often ids are looked at while somebody watches, ms. */
const everyMs = 5_000;
/** How long a new watch waits for others to ask with, ms. */
const gatherMs = 100;

interface Watch {
  readonly topic: string;
  readonly watcher: TopicWatcher;
  /** The number of the look that began before this watch: its answer is too old. */
  readonly after: number;
  /** Undefined until the topic was seen. */
  id: string | undefined;
  /** When it was missed first; undefined while it is there. */
  missedAt: number | undefined;
}

/** One question for all topics that somebody watches, every few seconds; none while nobody does, or where ids can't be asked for. */
export class TopicIds {
  readonly #admin: Admin;
  readonly #clock: Clock;
  readonly #watches = new Set<Watch>();
  /** Looks begun so far. */
  #looks = 0;
  #looking: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  #unsupported = false;

  constructor(admin: Admin, clock: Clock) {
    this.#admin = admin;
    this.#clock = clock;
  }

  /** Whether a topic that was made again can be told from the one before. */
  get isSupported(): boolean {
    return !this.#unsupported;
  }

  /** Watches topics, from what they are now. A topic that is missing is watched from its first appearance. @returns how to end it. */
  watch(topics: readonly string[], watcher: TopicWatcher): () => void {
    const watches = topics.map(
      (topic): Watch => ({ topic, watcher, after: this.#looks, id: undefined, missedAt: undefined }),
    );
    for (const watch of watches) this.#watches.add(watch);
    this.#lookIn(gatherMs);
    return () => {
      for (const watch of watches) this.#watches.delete(watch);
      if (this.#watches.size === 0) this.#cancel();
    };
  }

  /** Looks now: every change until this call is told when it resolves. Never rejects; a broker that doesn't answer tells nothing. */
  look(): Promise<void> {
    if (this.#unsupported) return Promise.resolve();
    if (!this.#looking) {
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
      });
      return this.#looking;
    }
    // The one under way may have been answered before this call.
    this.#next ??= this.#looking.then(() => {
      this.#next = undefined;
      return this.look();
    });
    return this.#next;
  }

  async #look(): Promise<void> {
    this.#cancel();
    const look = ++this.#looks;
    const topics = [...new Set([...this.#watches].map(({ topic }) => topic))];
    try {
      if (topics.length > 0) this.#compare(look, (await this.#admin.identity(topics)).topicIds);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#unsupported = error.code === KafkaCode.unsupportedFeature;
    }
    this.#lookIn(everyMs);
  }

  #compare(look: number, ids: ReadonlyMap<string, string>): void {
    for (const watch of [...this.#watches]) {
      if (watch.after >= look) continue;
      const id = ids.get(watch.topic);
      const before = watch.id;
      if (id === undefined) {
        if (before === undefined) continue;
        const now = this.#clock.monotonic();
        watch.missedAt ??= now;
        watch.watcher.gone?.(watch.topic, now - watch.missedAt);
        continue;
      }
      watch.id = id;
      watch.missedAt = undefined;
      if (before !== undefined && before !== id) watch.watcher.remade(watch.topic);
    }
  }

  /** One timer, for the earliest look that is wanted. */
  #lookIn(ms: number): void {
    if (this.#unsupported || this.#watches.size === 0) return;
    const at = this.#clock.monotonic() + ms;
    if (this.#timer && this.#timer.at <= at) return;
    this.#cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#timer = undefined;
      return this.look();
    });
    this.#timer = { at, cancel };
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
