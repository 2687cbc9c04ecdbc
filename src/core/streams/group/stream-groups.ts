// StreamGroups: the open stream groups of one cluster, by Kafka group and topic; opened on the first read, closed when idle.
import { fail } from '../../../errors.js';
import type { ReaderContext } from '../../group/reader-context.js';
import { keepSparse } from '../../group/save-out-of-order-acks.js';
import { KafkaError } from '../../ports.js';
import { all, own } from '../../promises.js';
import type { TopicCatalog } from '../../topics/topic-catalog.js';
import type { Pending } from './pending.js';
import { StreamGroup, type StreamGroupSettings } from './stream-group.js';

export interface StreamGroupsOptions {
  readonly context: ReaderContext;
  readonly catalog: TopicCatalog;
  readonly settings: StreamGroupSettings;
  /** Maximum open consumers: each holds a thread of the pool while it waits. */
  readonly maxConsumers: number;
  readonly onGivenUp: (group: StreamGroup, entry: Pending) => Promise<void>;
  /** A group has been left. */
  readonly onLeft?: (group: StreamGroup) => void;
}

/** How long a topic must be missing before its groups end, ms: a broker that has just started may lack it once. */
const goneMs = 4_000;
/** How long a group's members must be unused before it makes room for another group, ms. */
const desertedMs = 1_000;

export class StreamGroups {
  readonly #options: StreamGroupsOptions;
  readonly #open = new Map<string, StreamGroup>();
  /** Groups that are leaving Kafka's group; a successor waits for them. */
  readonly #leaving = new Map<string, Promise<unknown>>();
  readonly #watches = new Map<StreamGroup, () => void>();
  #stopping = false;

  constructor(options: StreamGroupsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<StreamGroup> {
    return this.#open.values();
  }

  find(kafkaGroup: string, topic: string): StreamGroup | undefined {
    return this.#open.get(keyOf(kafkaGroup, topic));
  }

  /** The group; joins it if it is not open. @throws GatewayError `too-many-consumers`, `shutting-down`. */
  open(kafkaGroup: string, topic: string): StreamGroup {
    const key = keyOf(kafkaGroup, topic);
    const found = this.#open.get(key);
    if (found) return found;
    if (this.#stopping) throw fail('shutting-down');
    const { maxConsumers, context, catalog, settings, onGivenUp } = this.#options;
    if (this.size >= maxConsumers) this.#leaveDeserted();
    const group = new StreamGroup({
      kafkaGroup,
      topic,
      context,
      catalog,
      settings,
      after: this.#leaving.get(key) ?? Promise.resolve(),
      onIdle: (idle) => own(this.leave(idle), this.#failed),
      onGivenUp,
    });
    this.#open.set(key, group);
    this.#watches.set(group, this.#watch(group));
    return group;
  }

  /** Makes room: pending entries of a group without connections are redelivered to its next readers. */
  #leaveDeserted(): void {
    const { clock, log } = this.#options.context;
    let oldest: StreamGroup | undefined;
    let since = clock.now() - desertedMs;
    for (const group of this.#open.values()) {
      const { desertedAt } = group;
      if (desertedAt === undefined || desertedAt > since) continue;
      oldest = group;
      since = desertedAt;
    }
    if (!oldest) throw fail('too-many-consumers', this.size);
    const { kafkaGroup, topic, pending } = oldest;
    log.info(
      { group: kafkaGroup, topic, pending },
      'group closed to make room for another: its members have no connections',
    );
    own(this.leave(oldest), this.#failed);
  }

  /** Ends the groups of a deleted stream, or one destroyed group. Never rejects. */
  async end(topic: string, kafkaGroup?: string): Promise<void> {
    const ended = [...this.#open.values()].filter(
      (group) => group.topic === topic && (kafkaGroup === undefined || group.kafkaGroup === kafkaGroup),
    );
    await all(ended, (group) => this.#end(group));
  }

  async #end(group: StreamGroup): Promise<void> {
    group.end();
    await this.leave(group);
  }

  /** @returns a function that stops watching */
  #watch(group: StreamGroup): () => void {
    const { kafkaGroup, topic } = group;
    const { catalog, context } = this.#options;
    let isGone = false;
    return catalog.ids.watch([topic], {
      remade: () => {
        context.log.warn({ group: kafkaGroup, topic }, 'the topic was deleted and made again: the group has ended');
        own(this.#endRemade(group), this.#failed);
      },
      gone: (_, sinceMs) => {
        if (isGone || sinceMs < goneMs) return;
        isGone = true;
        context.log.warn({ group: kafkaGroup, topic }, 'the topic was deleted: the group has ended');
        own(this.#end(group), this.#failed);
      },
    });
  }

  /** Positions committed before that was noticed belong to the old topic. */
  async #endRemade(group: StreamGroup): Promise<void> {
    await this.#end(group);
    const { kafkaGroup, topic } = group;
    const { catalog, context } = this.#options;
    try {
      const partitions = (await catalog.all()).get(topic)?.partitions ?? [];
      const places = partitions.map(({ partition }) => ({ topic, partition }));
      await context.kafka.admin.deleteGroupOffsets(kafkaGroup, places);
    } catch (err) {
      if (!(err instanceof KafkaError)) throw err;
      // Another gateway continues the group.
      context.log.info({ group: kafkaGroup, topic, err }, 'positions of the group were not removed');
    }
  }

  /** Closes a group here; its next reader opens another. Never rejects. */
  async leave(group: StreamGroup): Promise<void> {
    const key = keyOf(group.kafkaGroup, group.topic);
    if (this.#open.get(key) === group) this.#open.delete(key);
    this.#watches.get(group)?.();
    this.#watches.delete(group);
    const left = group
      .close()
      .then((sparse) => keepSparse(this.#options.context, group.kafkaGroup, sparse))
      .catch(this.#failed)
      .finally(() => {
        if (this.#leaving.get(key) === left) this.#leaving.delete(key);
        this.#options.onLeft?.(group);
      });
    this.#leaving.set(key, left);
    await left;
  }

  /** Resolves when a group that is leaving has left. */
  async left(kafkaGroup: string, topic: string): Promise<void> {
    await this.#leaving.get(keyOf(kafkaGroup, topic));
  }

  readonly #failed = (err: unknown): void => {
    this.#options.context.log.error({ err }, 'A group could not be left in good order: this is a bug');
  };

  /** A connection has closed. */
  gone(socket: object): void {
    for (const group of this.#open.values()) group.gone(socket);
  }

  /** No new groups from now on; all are closed and acknowledged entries committed. Never rejects. */
  async close(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#open.values()].map((group) => this.leave(group)));
    await Promise.all(this.#leaving.values());
  }
}

const keyOf = (kafkaGroup: string, topic: string): string => `${kafkaGroup}\n${topic}`;
