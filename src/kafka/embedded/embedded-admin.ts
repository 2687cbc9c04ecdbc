// The Admin of the embedded Kafka: BasicAdmin's requests, and group positions through consumers that never join.
import {
  type CommittedOffset,
  type Consumer,
  type GroupDescription,
  KafkaCode,
  KafkaError,
  OFFSET_NONE,
  type Properties,
  type TopicMetadata,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../core/ports.js';
import type { Log } from '../../log.js';
import { BasicAdmin } from '../admin/basic-admin.js';
import { refuse } from '../fault.js';
import type { KnownBrokers } from '../known-brokers.js';
import type { ClientProperties } from '../properties.js';
import type { EmbeddedPartitions } from './embedded-partitions.js';

const timeoutMs = 5000;
/** Time limit for joining a group beyond its session time-out, during which a group that was just left accepts no member, ms. */
const joinMs = 10_000;
/** The session time-out of groups that were not read in this process: that of stream groups, ms. */
const usualSessionMs = 10_000;

export class EmbeddedAdmin extends BasicAdmin {
  readonly #partitions: EmbeddedPartitions;
  readonly #sessions = new Map<string, number>();
  readonly #open: (groupId: string, properties: Properties) => Promise<Consumer>;
  /** Groups that were given positions here. */
  readonly #groups = new Set<string>();
  /** Positions that were deleted here. The embedded Kafka keeps them, so they are hidden until others are committed. */
  readonly #deleted = new Map<string, number>();

  /** @param open opens a consumer that has not joined the group. */
  constructor(
    properties: () => ClientProperties,
    brokers: KnownBrokers,
    partitions: EmbeddedPartitions,
    log: Log,
    open: (groupId: string, properties: Properties) => Promise<Consumer>,
  ) {
    super(properties, brokers, log, 'the embedded Kafka');
    this.#open = open;
    this.#partitions = partitions;
  }

  override async topics(names?: readonly string[]): Promise<TopicMetadata[]> {
    return (await super.topics(names)).map((topic) => this.#partitions.shown(topic));
  }

  /** A member of a group is opened here, with this session time-out. */
  seen(groupId: string, sessionMs: number): void {
    this.#sessions.set(groupId, sessionMs);
  }

  override groups = async (): Promise<string[]> => [...this.#groups];

  /** Members cannot be listed. */
  override describeGroups = async (groupIds: readonly string[]): Promise<GroupDescription[]> =>
    groupIds.map((groupId) => ({ groupId, state: 'UNKNOWN', members: [] }));

  override groupOffsets = (groupId: string, partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> =>
    this.#with(groupId, async (consumer) => {
      const committed = await consumer.committed(partitions, timeoutMs);
      return committed
        .filter(({ offset }) => offset !== OFFSET_NONE && offset >= 0)
        .filter((position) => this.#deleted.get(placeOf(groupId, position)) !== position.offset)
        .map((position) => ({ ...position, metadata: '' }));
    });

  override commitGroupOffsets = async (groupId: string, offsets: readonly CommittedOffset[]): Promise<void> => {
    this.#groups.add(groupId);
    const positions = offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
    try {
      await this.#with(groupId, async (consumer) => {
        // The first request finds the coordinator: otherwise a commit's own check would overtake it.
        await consumer.committed(positions, timeoutMs);
        await consumer.commit(positions);
        // A refusal shows only in the answer, and commit() also accepts a later position as committed.
        const committed = await consumer.committed(positions, timeoutMs);
        if (committed.some(({ offset }, index) => offset !== positions[index]!.offset))
          throw refuse(KafkaCode.state, `group ${groupId} takes commits of its members only`);
      });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      await this.#commitAsMember(groupId, positions);
    }
    for (const position of positions) this.#deleted.delete(placeOf(groupId, position));
  };

  override deleteGroupOffsets = async (groupId: string, partitions: readonly TopicPartition[]): Promise<void> => {
    for (const position of await this.groupOffsets(groupId, partitions))
      this.#deleted.set(placeOf(groupId, position), position.offset);
  };

  /** A group that was ever read accepts commits from its members only, even when it has none. */
  #commitAsMember(groupId: string, positions: readonly TopicPartitionOffset[]): Promise<void> {
    // With a different session time-out it would not be let in, or would keep the next member out.
    const sessionMs = this.#sessions.get(groupId) ?? usualSessionMs;
    const join = async (consumer: Consumer): Promise<void> => {
      consumer.subscribe([...new Set(positions.map(({ topic }) => topic))]);
      const deadline = performance.now() + sessionMs + joinMs;
      while (consumer.assignments().length === 0) {
        if (performance.now() > deadline) throw refuse(KafkaCode.timedOut, `group ${groupId} could not be joined`);
        await consumer.poll(1, 100);
      }
      await consumer.commit(positions);
    };
    return this.#with(groupId, join, { 'group.protocol': 'classic', 'session.timeout.ms': sessionMs });
  }

  async #with<T>(groupId: string, use: (consumer: Consumer) => Promise<T>, properties: Properties = {}): Promise<T> {
    const consumer = await this.#open(groupId, properties);
    try {
      return await use(consumer);
    } finally {
      await consumer.close(timeoutMs);
    }
  }
}

const placeOf = (groupId: string, { topic, partition }: TopicPartition): string => `${groupId}\n${topic}\n${partition}`;
