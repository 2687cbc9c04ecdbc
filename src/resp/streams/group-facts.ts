// What XINFO tells of a topic's consumer groups: from Kafka's positions, and of what lives in this gateway.
import { comparePlaced } from '../../core/streams/place.js';
import { lagOf, positionsOf } from '../../core/streams/positions.js';
import type { StreamGroup } from '../../core/streams/stream-group.js';
import { lengthOf, type Marks } from '../../core/streams/stream-log.js';
import { TimeLine } from '../../core/streams/time-line.js';
import type { Context } from '../context.js';
import { formatId } from './ids.js';

export interface GroupFacts {
  readonly name: string;
  /** The part of it in this gateway, if it is read here. */
  readonly open: StreamGroup | undefined;
  readonly pending: number;
  readonly lastDeliveredId: string;
  /** Null: not read here, so that it is not counted. */
  readonly entriesRead: number | null;
  readonly lag: number;
}

/** The consumer groups that have positions on a topic and whose names are of the configured form. @throws KafkaError */
export async function groupsOf(ctx: Context, topic: string, marks: readonly Marks[]): Promise<GroupFacts[]> {
  const { admin, streams } = ctx.server.gateway;
  const names = new Map<string, string>();
  for (const kafkaGroup of await admin.groups()) {
    const name = streams.groupForm.groupOf(kafkaGroup, topic);
    if (name !== undefined) names.set(kafkaGroup, name);
  }
  const facts = [...names].map(([kafkaGroup, name]) => factsOf(ctx, topic, marks, kafkaGroup, name));
  const found = (await Promise.all(facts)).filter((each) => each !== undefined);
  return found.sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function factsOf(
  ctx: Context,
  topic: string,
  marks: readonly Marks[],
  kafkaGroup: string,
  name: string,
): Promise<GroupFacts | undefined> {
  const { admin, streams } = ctx.server.gateway;
  const open = streams.groups.find(kafkaGroup, topic);
  const positions = await positionsOf({ admin, groups: streams.groups }, kafkaGroup, topic, marks);
  if (positions.size === 0 && !open) return undefined;
  const lag = lagOf(marks, positions);
  const lastDeliveredId = await lastBefore(ctx, topic, marks, positions);
  return {
    name,
    open,
    pending: open?.pending ?? 0,
    lastDeliveredId,
    entriesRead: open?.isSettled ? lengthOf(marks) - lag : null,
    lag,
  };
}

/** The id of the last record in front of the positions. */
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
