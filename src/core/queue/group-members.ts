// Consumers of a topic: groups, their members by client id, and the partitions of each.
import { fail } from '../../errors.js';
import type { Admin, GroupDescription } from '../ports.js';

/** Client id -> partitions, ascending. */
export type Members = ReadonlyMap<string, readonly number[]>;

/** Groups remembered at most. */
const maxRemembered = 1_000;
/** During a rebalance Kafka knows a group's members, but not their partitions. */
const rebalancing: readonly string[] = ['PREPARING_REBALANCE', 'COMPLETING_REBALANCE'];

/** Kafka's groups with their members. During a rebalance: the members as they were last known. */
export class GroupMembers {
  readonly #admin: Admin;
  readonly #own: (group: string, topic: string) => Members;
  /** The last description outside a rebalance, by group; the one asked for longest ago is first. */
  readonly #known = new Map<string, GroupDescription>();

  /** @param own members of a group in this process */
  constructor(admin: Admin, own: (group: string, topic: string) => Members) {
    this.#admin = admin;
    this.#own = own;
  }

  /**
   * One group's members that have partitions of the topic.
   * @throws GatewayError `group-unknown`, `group-topic-unknown`, KafkaError
   */
  async of(group: string, topic: string): Promise<Members> {
    const [description] = await this.#admin.describeGroups([group]);
    const members = description && this.#consuming(description, topic);
    if (!members || description.members.length === 0) throw fail('group-unknown', group);
    if (members.size === 0) throw fail('group-topic-unknown', topic, group);
    return members;
  }

  /** All groups with members that have partitions of the topic, by name. @throws KafkaError */
  async all(topic: string): Promise<Map<string, Members>> {
    const names = await this.#admin.groups();
    if (names.length === 0) return new Map();
    const descriptions = await this.#admin.describeGroups(names);
    const groups = descriptions
      .map((description): [string, Members] => [description.groupId, this.#consuming(description, topic)])
      .filter(([, members]) => members.size > 0);
    return new Map(groups.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  }

  #consuming(description: GroupDescription, topic: string): Members {
    const { groupId, state, members } = description;
    if (rebalancing.includes(state)) {
      const known = this.#known.get(groupId);
      return known ? consuming(known, topic) : this.#own(groupId, topic);
    }
    this.#known.delete(groupId);
    if (members.length > 0) this.#known.set(groupId, description);
    if (this.#known.size > maxRemembered) this.#known.delete(this.#known.keys().next().value!);
    return consuming(description, topic);
  }
}

function consuming({ members }: GroupDescription, topic: string): Members {
  const found = new Map<string, number[]>();
  for (const { clientId, assignments } of members) {
    const partitions = assignments.get(topic);
    if (partitions && partitions.length > 0)
      found.set(
        clientId,
        [...(found.get(clientId) ?? []), ...partitions].sort((one, other) => one - other),
      );
  }
  return new Map([...found].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
