// Consumers of a topic: groups, their members by client id, and the partitions of each.
import { fail } from '../../errors.js';
import type { Admin, GroupDescription } from '../ports.js';

/** Client id -> partitions, ascending. */
export type Members = ReadonlyMap<string, readonly number[]>;

/**
 * One group's members that have partitions of the topic.
 * @throws GatewayError `group-unknown`, `group-topic-unknown`, KafkaError
 */
export async function membersOf(admin: Admin, group: string, topic: string): Promise<Members> {
  const [description] = await admin.describeGroups([group]);
  if (!description || description.members.length === 0) throw fail('group-unknown', group);
  const members = consuming(description, topic);
  if (members.size === 0) throw fail('group-topic-unknown', topic, group);
  return members;
}

/** All groups with members that have partitions of the topic, by name. @throws KafkaError */
export async function groupsOf(admin: Admin, topic: string): Promise<Map<string, Members>> {
  const names = await admin.groups();
  if (names.length === 0) return new Map();
  const descriptions = await admin.describeGroups(names);
  const groups = descriptions
    .map((description): [string, Members] => [description.groupId, consuming(description, topic)])
    .filter(([, members]) => members.size > 0);
  return new Map(groups.toSorted(([one], [other]) => (one < other ? -1 : 1)));
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
