// XINFO's facts about a topic's consumer groups: from Kafka's positions and from this gateway.
import { all } from '../../core/promises.js';
import { firstOf } from '../../core/streams/group/pending.js';
import { committedOf } from '../../core/streams/group/positions.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { deliverable } from '../../core/streams/log/deliverable.js';
import { lengthOf, type Marks } from '../../core/streams/log/marks.js';
import { comparePlaced } from '../../core/streams/log/place.js';
import { TimeLine } from '../../core/streams/log/time-line.js';
import type { Streams } from '../../core/streams/streams.js';
import type { Context } from '../command/context.js';
import type { MemberFacts, OpenGroup } from '../siblings/open-group.js';
import { formatId, lowestId } from './ids.js';
import { maySeeGroup } from './key.js';

export interface GroupFacts {
  readonly name: string;
  /** Undefined: no process of this gateway reads it. */
  readonly open: OpenGroup | undefined;
  readonly lastDeliveredId: string;
  /** Null: not read here, so it is not counted. */
  readonly entriesRead: number | null;
  readonly lag: number;
}

/** The groups of a stream that this process reads. @param maxEntries maximum pending entries listed of each */
export function openGroups({ groups }: Streams, topic: string, maxEntries: number): OpenGroup[] {
  return [...groups].filter((group) => group.topic === topic).map((group) => openGroup(group, maxEntries));
}

function openGroup(group: StreamGroup, maxEntries: number): OpenGroup {
  const counts = group.pendingCounts();
  const members = [...group.members].map(({ name, seenAt, activeAt }): MemberFacts => {
    return { name, seenAt, activeAt, pending: counts.get(name) ?? 0 };
  });
  return {
    kafkaGroup: group.kafkaGroup,
    isSettled: group.isSettled,
    positions: group.partitions.map(({ partition, position }) => [partition, position]),
    pending: group.pending,
    members: members.sort((one, other) => (one.name < other.name ? -1 : 1)),
    entries: firstOf(group.pendingFrom(lowestId), maxEntries).map((entry) => {
      const { member, deliveredAt, deliveries } = entry;
      return { id: formatId(entry), member, deliveredAt, deliveries };
    }),
  };
}

/**
 * The consumer groups with positions on a topic and names of the configured form that the user may use.
 * @param maxEntries maximum pending entries listed of each @throws KafkaError
 */
export async function groupsOf(
  ctx: Context,
  topic: string,
  marks: readonly Marks[],
  maxEntries = 0,
): Promise<GroupFacts[]> {
  const { siblings, gateway } = ctx.server;
  const { admin, streams } = gateway;
  const names = new Map<string, string>();
  for (const kafkaGroup of await admin.groups()) {
    const name = streams.groupForm.groupOf(kafkaGroup, topic);
    if (name !== undefined && maySeeGroup(ctx, name, kafkaGroup)) names.set(kafkaGroup, name);
  }
  const elsewhere = siblings.exist ? await siblings.askAll('openGroups', topic, maxEntries) : [];
  const open = new Map(
    [...elsewhere.flat(), ...openGroups(streams, topic, maxEntries)].map((each) => [each.kafkaGroup, each]),
  );
  const status = await all(names, ([kafkaGroup, name]) =>
    factsOf(ctx, topic, marks, kafkaGroup, name, open.get(kafkaGroup)),
  );
  const found = status.filter((each) => each !== undefined);
  return found.sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function factsOf(
  ctx: Context,
  topic: string,
  marks: readonly Marks[],
  kafkaGroup: string,
  name: string,
  open: OpenGroup | undefined,
): Promise<GroupFacts | undefined> {
  const { admin, streams } = ctx.server.gateway;
  const committed = await committedOf({ admin, groups: streams.groups }, kafkaGroup, topic, marks);
  if (committed.length === 0 && !open) return undefined;
  const positions = new Map(committed.map(({ partition, offset }) => [partition, offset]));
  for (const [partition, offset] of open?.positions ?? []) positions.set(partition, offset);
  const lag = await deliverable(streams.ranges.within(ctx.memory), topic, marks, positions);
  const lastDeliveredId = await lastBefore(ctx, topic, marks, positions);
  return { name, open, lastDeliveredId, entriesRead: open?.isSettled ? lengthOf(marks) - lag : null, lag };
}

/** The id of the last record before the positions. */
async function lastBefore(
  ctx: Context,
  topic: string,
  marks: readonly Marks[],
  positions: ReadonlyMap<number, number>,
): Promise<string> {
  const ranges = marks.map(({ partition, low }) => {
    const to = positions.get(partition) ?? low;
    return { partition, from: Math.max(low, to - 1), to, max: 1 };
  });
  const { ranges: reader } = ctx.server.gateway.streams;
  const read = await reader.read(topic, ranges, ctx.memory);
  const found = [...read.values()].flatMap(({ messages }) => messages);
  const levels = await new TimeLine(reader, topic, marks).levelsOf(found);
  const placed = found.map((message) => ({ message, level: levels.get(message.partition)! }));
  const last = placed.sort(comparePlaced).at(-1);
  return last ? formatId(last.message) : '0-0';
}
