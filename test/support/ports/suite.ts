// Shared by the port tests: clients that are always closed, fresh topics, reading until messages have arrived.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import {
  type Consumer,
  type ConsumerOptions,
  type DeliveryReport,
  KafkaError,
  type KafkaFactory,
  type Message,
  OFFSET_BEGINNING,
  type Producer,
  type ProducerOptions,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../../src/core/ports.js';
import { eventually } from '../eventually.js';

/** Features that not every Kafka has. */
export interface Abilities {
  /** Topics with a chosen number of partitions, settings, groups of others, deleting records. */
  readonly admin: boolean;
  /** Aborted and open transactions are hidden from readers. */
  readonly isolation: boolean;
  /** Records that only the broker refuses for their size. */
  readonly sizeLimit: boolean;
}

export const timeoutMs = 15_000;

/** Kafka's INVALID_REPLICATION_FACTOR: more replicas requested than there are brokers in service. */
const brokersFenced = 38;

export const unique = (what: string) => `${what}-${randomUUID().slice(0, 8)}`;
export const bytes = (text: string) => Buffer.from(text);
export const texts = (messages: readonly Message[]) => messages.map(({ value }) => String(value));
export const startOf = (topic: string, partition = 0): TopicPartitionOffset => ({
  topic,
  partition,
  offset: OFFSET_BEGINNING,
});
export const sorted = (partitions: readonly TopicPartition[]): TopicPartition[] =>
  [...partitions].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);

interface Reported {
  readonly report: DeliveryReport;
  readonly tag: unknown;
}

/** One Kafka under test. */
export class PortSuite {
  readonly abilities: Abilities;
  #kafka: KafkaFactory | undefined;
  readonly #open: { close(timeoutMs: number): Promise<void> }[] = [];

  constructor(abilities: Abilities) {
    this.abilities = abilities;
  }

  get kafka(): KafkaFactory {
    return this.#kafka!;
  }

  set kafka(kafka: KafkaFactory) {
    this.#kafka = kafka;
  }

  /** Declares a test; it closes what it opened, also when it fails. */
  readonly test = (title: string, run: () => Promise<void>): void => {
    it(title, async () => {
      try {
        await run();
      } finally {
        await Promise.all(this.#open.splice(0).map((client) => client.close(timeoutMs)));
      }
    });
  };

  readonly producing = async (
    options: Partial<ProducerOptions> = {},
  ): Promise<{ producer: Producer; reports: Reported[] }> => {
    const reports: Reported[] = [];
    const onReport = (report: DeliveryReport, tag: unknown) => reports.push({ report, tag });
    const producer = await this.kafka.producer({ reports: 'all', onReport, ...options }, timeoutMs);
    this.#open.push(producer);
    return { producer, reports };
  };

  readonly consuming = async (options: ConsumerOptions = {}): Promise<Consumer> => {
    const properties = { 'auto.offset.reset': 'earliest', ...options.properties };
    const consumer = await this.kafka.consumer({ ...options, properties }, timeoutMs);
    this.#open.push(consumer);
    return consumer;
  };

  readonly topicWith = async (partitions: number): Promise<string> => {
    const topic = unique('topic');
    const { admin } = this.kafka;
    await eventually(timeoutMs, async () => {
      const refused = await admin.createTopic({ name: topic, partitions }).catch((error: unknown) => error);
      // A broker that was paused, or starved by other processes, is fenced until its next heartbeat.
      if (refused instanceof KafkaError && refused.code === brokersFenced) return false;
      if (refused !== undefined) throw refused;
      return true;
    });
    await eventually(timeoutMs, async () => {
      const [found] = await admin.topics([topic]);
      return found?.partitions.every(({ leader }) => leader >= 0);
    });
    return topic;
  };

  readonly fill = async (topic: string, values: readonly (string | null)[], partition = 0): Promise<void> => {
    const { producer } = await this.producing();
    for (const value of values)
      producer.produce({ topic, partition, key: null, value: value === null ? null : bytes(value) });
    assert.equal(await producer.flush(timeoutMs), true);
  };

  /** A topic that is created on first use has four. */
  readonly partitionsOf = (wanted: number): number => (this.abilities.admin ? wanted : 4);

  /** Polls until this many messages have arrived. */
  readonly read = async (consumer: Consumer, count: number): Promise<Message[]> => {
    const messages: Message[] = [];
    await eventually(timeoutMs, async () => {
      messages.push(...(await consumer.poll(100, 200)));
      return messages.length >= count;
    });
    return messages;
  };
}
