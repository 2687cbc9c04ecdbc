// ConsumerPool: the queue consumers of one cluster, by group and topic; created on the first request, closed when idle.
import { fail } from '../../errors.js';
import { keepSparse } from '../group/save-out-of-order-acks.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import type { Poll } from './delivery.js';
import { QueueConsumer, type QueueView } from './queue-consumer.js';
import type { QueueContext } from './queue-settings.js';

export class ConsumerPool {
  readonly #context: QueueContext;
  readonly #catalog: TopicCatalog;
  /** Group -> topic -> consumer. */
  readonly #groups = new Map<string, Map<string, QueueConsumer>>();
  /** Consumers that are leaving their group; a successor waits for them. */
  readonly #leaving = new Map<string, Promise<unknown>>();
  #stopping = false;

  constructor(context: QueueContext, catalog: TopicCatalog) {
    this.#context = context;
    this.#catalog = catalog;
  }

  /**
   * Requests the next message of a topic for a group.
   * @throws GatewayError `consume-disabled`, `pixy-stopping`, `too-many-requests`
   */
  poll(group: string, topic: string, autoAck: boolean): Poll {
    if (this.#context.settings.disabled) throw fail('consume-disabled');
    if (this.#stopping) throw fail('pixy-stopping');
    return (this.find(group, topic) ?? this.#make(group, topic)).poll(autoAck);
  }

  /** @throws GatewayError `acks-channel-missing` */
  ack(group: string, topic: string, partition: number, offset: number): void {
    const consumer = this.find(group, topic);
    if (!consumer) throw fail('acks-channel-missing', group, topic, partition);
    consumer.ack(partition, offset);
  }

  find(group: string, topic: string): QueueConsumer | undefined {
    return this.#groups.get(group)?.get(topic);
  }

  /** Any consumer of the group: it can commit for the group. */
  anyOf(group: string): QueueConsumer | undefined {
    return this.#groups.get(group)?.values().next().value;
  }

  /** Resolves when the consumer that is leaving this group, if any, has left. */
  async left(group: string, topic: string): Promise<void> {
    await this.#leaving.get(keyOf(group, topic));
  }

  /** What the console shows of each group and topic. */
  views(): QueueView[] {
    return Array.from(this.#all(), (consumer) => consumer.view());
  }

  /** No new requests; waiting ones are answered with an error. Acks continue. */
  drain(): void {
    this.#stopping = true;
    for (const consumer of this.#all()) consumer.refuse();
  }

  /** Closes all, each within its time limit; out-of-order acks are written into the commits' metadata. Never rejects. */
  async close(): Promise<void> {
    this.drain();
    const closed = [...this.#all()].map(async (consumer) => ({
      group: consumer.group,
      sparse: await consumer.close(),
    }));
    const left = await Promise.all(closed);
    await Promise.all(this.#leaving.values());
    this.#groups.clear();
    await Promise.all(left.map(({ group, sparse }) => keepSparse(this.#context, group, sparse)));
  }

  #make(group: string, topic: string): QueueConsumer {
    const open = [...this.#all()].length;
    if (open >= this.#context.settings.maxConsumers) throw fail('too-many-consumers', open);
    const consumer = new QueueConsumer({
      group,
      topic,
      context: this.#context,
      catalog: this.#catalog,
      after: this.#leaving.get(keyOf(group, topic)) ?? Promise.resolve(),
      onRetired: (retired) => this.#retire(retired),
    });
    const topics = this.#groups.get(group) ?? new Map<string, QueueConsumer>();
    this.#groups.set(group, topics.set(topic, consumer));
    return consumer;
  }

  #retire(consumer: QueueConsumer): void {
    const { group, topic } = consumer;
    const topics = this.#groups.get(group);
    if (topics?.get(topic) !== consumer) return;
    topics.delete(topic);
    if (topics.size === 0) this.#groups.delete(group);
    const key = keyOf(group, topic);
    const left = consumer
      .close()
      .then((sparse) => keepSparse(this.#context, group, sparse))
      .catch((err: unknown) => {
        this.#context.log.error({ group, topic, err }, 'A group could not be left in good order: this is a bug');
      })
      .finally(() => {
        if (this.#leaving.get(key) === left) this.#leaving.delete(key);
      });
    this.#leaving.set(key, left);
  }

  *#all(): Iterable<QueueConsumer> {
    for (const topics of this.#groups.values()) yield* topics.values();
  }
}

const keyOf = (group: string, topic: string): string => `${group}\n${topic}`;
