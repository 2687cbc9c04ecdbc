// GroupReader: consumer groups for the console: members, positions, lag, and where a reset would put them.
import {
  type Clock,
  type CommittedOffset,
  type GroupDescription,
  KafkaError,
  type KafkaFactory,
  type TopicMetadata,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../../core/ports.js';
import { isInternalTopic } from '../../../core/topics/topic-name.js';
import { findTopic } from '../../../core/topics/topics.js';
import { fail } from '../../../errors.js';
import { partitionsOf, type TopicReader } from './topics.js';

/** How old the list of groups may be, ms. */
const maxAgeMs = 5_000;
/** Partitions whose positions are asked in one request. */
const chunk = 2_000;
/** Partitions that are looked through for the positions of one group. */
const mostSearched = 20_000;
/** In a list, a group without members is looked for only in clusters of at most this many partitions. */
const mostListed = 2_000;
/** Positions remembered, to say since when they stand still. */
const mostSeen = 20_000;

/** null: unknown. */
export interface PositionRow extends TopicPartition {
  readonly committed: number | null;
  readonly end: number | null;
  readonly lag: number | null;
  /** The member that has the partition. */
  readonly member: string | null;
  /** For how long the position has stood still with messages behind it, as far as the console has watched, ms. */
  readonly stillMs: number | null;
}

export interface GroupRow {
  readonly group: string;
  readonly state: string | null;
  readonly members: number | null;
  readonly topics: readonly string[];
  readonly lag: number | null;
}

export interface ResetRow extends TopicPartition {
  readonly committed: number | null;
  readonly next: number;
}

export class GroupReader {
  readonly #kafka: KafkaFactory;
  readonly #topics: TopicReader;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly offset: number; readonly since: number }>();
  #all: Promise<readonly string[]> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(kafka: KafkaFactory, topics: TopicReader, clock: Clock) {
    this.#kafka = kafka;
    this.#topics = topics;
    this.#clock = clock;
  }

  /** All names, at most some seconds old. @throws KafkaError */
  all(): Promise<readonly string[]> {
    const now = this.#clock.monotonic();
    if (!this.#all || now - this.#askedAt > maxAgeMs) {
      this.#askedAt = now;
      const asked = this.#kafka.admin.groups();
      this.#all = asked;
      asked.catch(() => {
        if (this.#all === asked) this.#all = undefined;
      });
    }
    return this.#all;
  }

  /** The details of some groups; what cannot be found out is null. @throws KafkaError */
  async rows(names: readonly string[]): Promise<GroupRow[]> {
    if (names.length === 0) return [];
    const descriptions = await this.#kafka.admin.describeGroups(names);
    const byName = new Map(descriptions.map((each) => [each.groupId, each]));
    return Promise.all(names.map((group) => this.#row(group, byName.get(group))));
  }

  /** One group with members and positions. @throws GatewayError `group-unknown`, KafkaError */
  async describe(group: string): Promise<{
    state: string;
    members: { id: string; clientId: string; partitions: TopicPartition[] }[];
    positions: PositionRow[];
    isComplete: boolean;
  }> {
    const description = await this.#description(group);
    const { committed, isComplete } = await this.#committed(group, description, mostSearched);
    if (description.state.toUpperCase() === 'DEAD' && committed.length === 0) throw fail('group-unknown', group);
    return {
      state: description.state,
      members: description.members.map(({ memberId, clientId, assignments }) => ({
        id: memberId,
        clientId,
        partitions: [...assignments].flatMap(([topic, all]) => all.map((partition) => ({ topic, partition }))),
      })),
      positions: await this.#positions(group, description, committed),
      isComplete,
    };
  }

  /**
   * Where a reset would put a group in a topic. Nothing is changed.
   * @param at the offset, or the time in ms
   * @throws GatewayError `topic-unknown`, KafkaError
   */
  async resetPlan(
    group: string,
    topic: string,
    to: 'earliest' | 'latest' | 'offset' | 'time',
    at: number,
    only?: ReadonlySet<number>,
    offsetsAt?: (times: ReadonlyMap<number, number>) => Promise<ReadonlyMap<number, number>>,
  ): Promise<ResetRow[]> {
    const found = await findTopic(this.#kafka.admin, topic);
    const partitions = partitionsOf(found).filter(({ partition }) => only === undefined || only.has(partition));
    const [marks, committed] = await Promise.all([
      this.#topics.marks(partitions),
      this.#kafka.admin.groupOffsets(group, partitions),
    ]);
    const times =
      to === 'time' ? await offsetsAt?.(new Map(partitions.map(({ partition }) => [partition, at]))) : undefined;
    return partitions.map(({ partition }) => {
      const mark = marks.get(`${topic}:${partition}`);
      if (!mark) throw fail('kafka-unavailable', `the leader of ${topic}:${partition} does not answer`);
      const wanted = { earliest: mark.low, latest: mark.high, offset: at, time: times?.get(partition) ?? mark.high }[
        to
      ];
      const next = Math.min(Math.max(wanted, mark.low), mark.high);
      const before = committed.find((each) => each.partition === partition)?.offset;
      return { topic, partition, committed: before !== undefined && before >= 0 ? before : null, next };
    });
  }

  /** @throws GatewayError `group-active` while it has members; KafkaError */
  async reset(group: string, rows: readonly TopicPartitionOffset[]): Promise<void> {
    await this.#refuseActive(group);
    await this.#kafka.admin.commitGroupOffsets(
      group,
      rows.map((row) => ({ ...row, metadata: '' })),
    );
  }

  /** @throws GatewayError `group-active`, KafkaError */
  async delete(group: string): Promise<void> {
    await this.#refuseActive(group);
    await this.#kafka.admin.deleteGroup(group);
    this.#all = undefined;
  }

  /** Committed offsets of a group in one topic, by partition. @throws GatewayError `topic-unknown`, KafkaError */
  async committedIn(group: string, topic: string): Promise<Map<number, number>> {
    const found = await findTopic(this.#kafka.admin, topic);
    const offsets = await this.#kafka.admin.groupOffsets(group, partitionsOf(found));
    return new Map(offsets.filter(({ offset }) => offset >= 0).map(({ partition, offset }) => [partition, offset]));
  }

  async #refuseActive(group: string): Promise<void> {
    const { members } = await this.#description(group);
    if (members.length > 0)
      throw fail('group-active', group, [...new Set(members.map(({ clientId }) => clientId))].join(', '));
  }

  async #description(group: string): Promise<GroupDescription> {
    const [found] = await this.#kafka.admin.describeGroups([group]);
    return found ?? { groupId: group, state: 'DEAD', members: [] };
  }

  async #row(group: string, description: GroupDescription | undefined): Promise<GroupRow> {
    const unknown = { group, state: null, members: null, topics: [], lag: null };
    if (!description) return unknown;
    const known = { group, state: description.state, members: description.members.length };
    try {
      const { committed, isComplete } = await this.#committed(group, description, mostListed);
      const positions = await this.#positions(group, description, committed);
      const topics = [...new Set(positions.map(({ topic }) => topic))].sort();
      const isKnown = isComplete && positions.length > 0 && positions.every(({ lag }) => lag !== null);
      return { ...known, topics, lag: isKnown ? positions.reduce((sum, { lag }) => sum + lag!, 0) : null };
    } catch (error) {
      if (error instanceof KafkaError) return { ...known, topics: [], lag: null };
      throw error;
    }
  }

  /** What the group has committed. A group with members is asked about their topics, others about the whole cluster, within a bound. */
  async #committed(
    group: string,
    { members }: GroupDescription,
    most: number,
  ): Promise<{ committed: CommittedOffset[]; isComplete: boolean }> {
    const assigned = new Set(members.flatMap(({ assignments }) => [...assignments.keys()]));
    const all = await this.#topics.all();
    if (assigned.size === 0 && hasMore(all, most)) return { committed: [], isComplete: false };
    const topics = all.filter(({ name }) => (assigned.size > 0 ? assigned.has(name) : !isInternalTopic(name)));
    const partitions = topics.flatMap(partitionsOf);
    const searched = partitions.slice(0, most);
    const committed: CommittedOffset[] = [];
    for (let at = 0; at < searched.length; at += chunk)
      committed.push(...(await this.#kafka.admin.groupOffsets(group, searched.slice(at, at + chunk))));
    return { committed, isComplete: searched.length === partitions.length };
  }

  async #positions(
    group: string,
    { members }: GroupDescription,
    committed: readonly CommittedOffset[],
  ): Promise<PositionRow[]> {
    const owners = new Map(
      members.flatMap(({ clientId, assignments }) =>
        [...assignments].flatMap(([topic, all]) =>
          all.map((partition): [string, string] => [`${topic}:${partition}`, clientId]),
        ),
      ),
    );
    const offsets = new Map(committed.map(({ topic, partition, offset }) => [`${topic}:${partition}`, offset]));
    const keys = [...new Set([...owners.keys(), ...offsets.keys()])];
    const partitions = keys.map((key): TopicPartition => {
      const colon = key.lastIndexOf(':');
      return { topic: key.slice(0, colon), partition: Number(key.slice(colon + 1)) };
    });
    const marks = await this.#topics.marks(partitions);
    return partitions
      .map((place): PositionRow => {
        const key = `${place.topic}:${place.partition}`;
        const offset = offsets.get(key);
        const mark = marks.get(key);
        const isCommitted = offset !== undefined && offset >= 0;
        const lag = isCommitted && mark ? Math.max(0, mark.high - offset) : null;
        const stillMs = isCommitted ? this.#stillFor(`${group} ${key}`, offset, lag) : null;
        return {
          ...place,
          committed: isCommitted ? offset : null,
          end: mark?.high ?? null,
          lag,
          member: owners.get(key) ?? null,
          stillMs,
        };
      })
      .sort((one, other) =>
        one.topic === other.topic ? one.partition - other.partition : one.topic < other.topic ? -1 : 1,
      );
  }

  #stillFor(key: string, offset: number, lag: number | null): number | null {
    const now = this.#clock.monotonic();
    const before = this.#seen.get(key);
    if (before?.offset === offset && lag !== 0) return Math.round(now - before.since);
    this.#seen.delete(key);
    if (this.#seen.size >= mostSeen) this.#seen.delete(this.#seen.keys().next().value!);
    this.#seen.set(key, { offset, since: now });
    return null;
  }
}

/** Whether the topics have more partitions than `most`; a large cluster is not looked through to know it. */
function hasMore(topics: readonly TopicMetadata[], most: number): boolean {
  let count = 0;
  for (const { name, partitions } of topics) {
    if (!isInternalTopic(name)) count += partitions.length;
    if (count > most) return true;
  }
  return false;
}
