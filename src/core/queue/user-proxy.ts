// One cluster as one user of REST and gRPC sees it: with the rights that RESP checks.
import { fail } from '../../errors.js';
import type { User } from '../access/user.js';
import type { ProducerRecord } from '../ports.js';
import { isInternalTopic } from '../topics/topic-name.js';
import type { TopicParts, TopicView } from '../topics/topics.js';
import type { Poll } from './delivery.js';
import type { Members } from './group-members.js';
import type { NewOffset, PartitionOffset } from './group-offsets.js';
import type { Ack, ConsumeMode, KafkaProxy } from './proxy.js';

/** Every method throws (or rejects with) GatewayError `not-permitted`, `topic-internal`, and what KafkaProxy's method throws. */
export class UserProxy {
  readonly #proxy: KafkaProxy;
  readonly #user: User;
  readonly #allowInternal: boolean;

  /** @param allowInternal whether Kafka's own topics may be used. */
  constructor(proxy: KafkaProxy, user: User, allowInternal: boolean) {
    this.#proxy = proxy;
    this.#user = user;
    this.#allowInternal = allowInternal;
  }

  async produce(record: ProducerRecord): Promise<{ partition: number; offset: number }> {
    this.#checkProduce(record.topic);
    return this.#proxy.produce(record);
  }

  enqueue(record: ProducerRecord): undefined | Promise<void> {
    this.#checkProduce(record.topic);
    return this.#proxy.enqueue(record);
  }

  poll(group: string, topic: string, mode: ConsumeMode): Poll {
    this.#checkConsume(group, topic);
    return this.#proxy.poll(group, topic, mode);
  }

  ack(group: string, topic: string, ack: Ack): void {
    this.#checkConsume(group, topic);
    this.#proxy.ack(group, topic, ack);
  }

  async offsets(group: string, topic: string): Promise<PartitionOffset[]> {
    this.#checkConsume(group, topic);
    return this.#proxy.offsets(group, topic);
  }

  /** For admins: it makes a group skip or repeat messages. */
  async setOffsets(group: string, topic: string, offsets: readonly NewOffset[]): Promise<void> {
    this.#checkConsume(group, topic);
    this.#user.checkAdmin();
    return this.#proxy.setOffsets(group, topic, offsets);
  }

  /** Whether the user may see settings of topics. */
  get maySeeConfig(): boolean {
    return this.#user.isAdmin;
  }

  /** Topics that the user may see. @param parts settings need an admin */
  async topics(parts: TopicParts): Promise<Map<string, TopicView>> {
    if (parts.config) this.#user.checkAdmin();
    const topics = await this.#proxy.topics(parts);
    return new Map([...topics].filter(([name]) => this.#maySee(name)));
  }

  /** @param parts settings need an admin */
  async topic(name: string, parts: TopicParts): Promise<TopicView> {
    this.#checkSee(name);
    if (parts.config) this.#user.checkAdmin();
    return this.#proxy.topic(name, parts);
  }

  /** @param group absent: all that the user may join. */
  async consumers(topic: string, group?: string): Promise<Map<string, Members>> {
    if (group === undefined) this.#checkSee(topic);
    else this.#checkConsume(group, topic);
    const groups = await this.#proxy.consumers(topic, group);
    return new Map([...groups].filter(([name]) => this.#user.mayJoin(name)));
  }

  #checkProduce(topic: string): void {
    this.#checkInternal(topic);
    this.#user.checkProduce(topic);
  }

  #checkConsume(group: string, topic: string): void {
    this.#checkInternal(topic);
    this.#user.checkConsume(group, [topic]);
  }

  #checkSee(topic: string): void {
    this.#checkInternal(topic);
    const { name } = this.#user;
    if (!this.#maySee(topic)) throw fail('not-permitted', `User ${name} has no permissions to see '${topic}'`);
  }

  #checkInternal(topic: string): void {
    if (!this.#allowInternal && isInternalTopic(topic)) throw fail('topic-internal', topic);
  }

  #maySee(topic: string): boolean {
    return (this.#allowInternal || !isInternalTopic(topic)) && this.#user.maySee(topic);
  }
}
