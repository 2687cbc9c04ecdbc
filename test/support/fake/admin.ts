// The fake Kafka's admin.
import {
  type Admin,
  type CommittedOffset,
  type GroupDescription,
  KafkaCode,
  type TopicMetadata,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../../src/core/ports.js';
import type { FakeKafka } from '../fake-kafka.js';
import { refusal } from './fault.js';
import { FakePartition, keyOf } from './log.js';

export class FakeAdmin implements Admin {
  readonly #kafka: FakeKafka;

  constructor(kafka: FakeKafka) {
    this.#kafka = kafka;
  }

  async topics(names?: readonly string[]): Promise<TopicMetadata[]> {
    this.#kafka.refuseIfUnreachable();
    return [...this.#kafka.topics]
      .filter(([name]) => names === undefined || names.includes(name))
      .map(([name, { partitions }]) => ({
        name,
        partitions: partitions.map((_, partition) => ({ partition, leader: 1, replicas: [1], isrs: [1] })),
      }));
  }

  async brokers() {
    this.#kafka.refuseIfUnreachable();
    return [{ id: 1, address: 'fake:9092', isUp: true }];
  }

  async release() {
    return undefined;
  }

  async hasQuorum() {
    return true;
  }

  async watermarks(partitions: readonly TopicPartition[]) {
    this.#kafka.refuseIfUnreachable();
    return partitions.map(({ topic, partition }) => {
      const { low } = this.#kafka.watermarks(topic, partition);
      // As librdkafka asks for them: up to the first open transaction.
      return { topic, partition, low, high: this.#kafka.partition(topic, partition)!.end(true) };
    });
  }

  async edges(partitions: readonly TopicPartition[], which: 'low' | 'high') {
    this.#kafka.refuseIfUnreachable();
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: this.#kafka.watermarks(topic, partition)[which],
    }));
  }

  async createTopic(topic: { name: string; partitions: number; config?: Readonly<Record<string, string>> }) {
    if (this.#kafka.topic(topic.name)) throw refusal(36, `Topic '${topic.name}' already exists.`);
    // -1: the broker's default.
    const partitions = topic.partitions === -1 ? Math.max(1, this.#kafka.defaultPartitions) : topic.partitions;
    this.#kafka.createTopic(topic.name, partitions, topic.config);
  }

  async createPartitions(name: string, total: number): Promise<void> {
    const topic = this.#kafka.topic(name);
    if (!topic) throw refusal(KafkaCode.unknownTopicOrPartition, `Unknown topic: ${name}`);
    if (total <= topic.partitions.length)
      throw refusal(37, `Topic already has ${topic.partitions.length} partition(s).`);
    while (topic.partitions.length < total) topic.partitions.push(new FakePartition());
  }

  async deleteTopic(name: string): Promise<void> {
    if (!this.#kafka.topics.delete(name)) {
      throw refusal(KafkaCode.unknownTopicOrPartition, 'This server does not host this topic-partition.');
    }
    // As Kafka does.
    for (const { committed } of this.#kafka.groups.values())
      for (const [key, { topic }] of committed) if (topic === name) committed.delete(key);
  }

  async deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void> {
    for (const { topic, partition, offset } of before) {
      const log = this.#kafka.partition(topic, partition);
      if (!log || offset > log.high) throw refusal(KafkaCode.offsetOutOfRange, 'Offset out of range');
      log.low = Math.max(log.low, offset);
    }
  }

  async topicConfigs(names: readonly string[]) {
    return new Map(
      names.map((name) => {
        const topic = this.#kafka.topic(name);
        if (!topic) throw refusal(KafkaCode.unknownTopicOrPartition, `Unknown topic: ${name}`);
        const settings = new Map([['retention.ms', { value: '604800000', overridden: false }]]);
        for (const [key, value] of topic.config) settings.set(key, { value, overridden: true });
        return [name, settings] as const;
      }),
    );
  }

  async identity(topics: readonly string[]) {
    const topicIds = new Map(topics.flatMap((name) => [[name, this.#kafka.topic(name)?.id ?? ''] as const]));
    for (const [name, id] of topicIds) if (id === '') topicIds.delete(name);
    return { clusterId: this.#kafka.clusterId, topicIds };
  }

  async groups(): Promise<string[]> {
    return [...this.#kafka.groups.keys()];
  }

  async describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    return groupIds.map((groupId) => {
      const group = this.#kafka.groups.get(groupId);
      const members = (group?.members ?? []).map(({ memberId, clientId, assigned }) => {
        const assignments = new Map<string, number[]>();
        for (const { topic, partition } of assigned)
          assignments.set(topic, [...(assignments.get(topic) ?? []), partition]);
        return { memberId, clientId, assignments };
      });
      const state = !group ? 'DEAD' : members.length > 0 ? 'STABLE' : 'EMPTY';
      return { groupId, state, members };
    });
  }

  async deleteGroup(groupId: string): Promise<void> {
    const group = this.#kafka.groups.get(groupId);
    if (!group) throw refusal(69, 'The group id does not exist.');
    if (group.members.length > 0) throw refusal(68, 'The group is not empty.');
    this.#kafka.groups.delete(groupId);
  }

  async groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    const committed = this.#kafka.groups.get(groupId)?.committed;
    return partitions.flatMap((partition) => committed?.get(keyOf(partition)) ?? []);
  }

  async commitGroupOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void> {
    const group = this.#kafka.group(groupId);
    if (group.members.length > 0) throw refusal(25, 'The coordinator is not aware of this member.');
    group.commit(offsets);
  }

  async deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    const group = this.#kafka.groups.get(groupId);
    if (!group) throw refusal(69, 'The group id does not exist.');
    for (const partition of partitions) group.committed.delete(keyOf(partition));
  }

  async close(): Promise<void> {}
}
