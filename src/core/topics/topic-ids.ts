// TopicIds: notices that a topic was deleted and created again. Same name, other id: positions and other knowledge of it are void.
import { type Admin, type Clock, KafkaCode, KafkaError } from '../ports.js';

/** Events of a watched topic. */
export interface TopicWatcher {
  /** The name stands for another topic than at the start of the watch, or at the last call of this. */
  remade(topic: string): void;
  /**
   * The topic existed and is missing: called at each check until it exists again. A broker that has just started may lag behind.
   * @param sinceMs how long ago it was first missed, without having existed since
   */
  gone?(topic: string, sinceMs: number): void;
}

/** Interval of the checks while anything is watched, ms. */
const everyMs = 5_000;
/** How long a new watch waits to share a request, ms. */
const gatherMs = 100;

interface Watch {
  readonly topic: string;
  readonly watcher: TopicWatcher;
  /** The number of the check that began before this watch: its answer is too old. */
  readonly after: number;
  /** Undefined until the topic was seen. */
  id: string | undefined;
  /** When it was first missed; undefined while it exists. */
  missedAt: number | undefined;
}

/** One request for all watched topics, every few seconds; none without watchers, or if ids are not available. */
export class TopicIds {
  readonly #admin: Admin;
  readonly #clock: Clock;
  readonly #watches = new Set<Watch>();
  /** Checks begun so far. */
  #looks = 0;
  #looking: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  #unsupported = false;

  constructor(admin: Admin, clock: Clock) {
    this.#admin = admin;
    this.#clock = clock;
  }

  /** Whether a topic that was created again can be distinguished. */
  get isSupported(): boolean {
    return !this.#unsupported;
  }

  /** Watches topics, from their current state. A missing topic is watched from its first appearance. @returns a function that ends it. */
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

  /** Checks now: when it resolves, every change before this call was reported. Never rejects; without an answer nothing is reported. */
  look(): Promise<void> {
    if (this.#unsupported) return Promise.resolve();
    if (!this.#looking) {
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
      });
      return this.#looking;
    }
    // A check under way may have been answered before this call.
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

  /** One timer, for the earliest requested check. */
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
