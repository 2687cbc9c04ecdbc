// Reads that do not block, or not long enough: while Kafka has entries that the group has not fetched yet, an empty answer would be wrong.
import { positionsOf } from '../../core/streams/group/positions.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { deliverable } from '../../core/streams/log/deliverable.js';
import { type Marks, marksOf } from '../../core/streams/log/marks.js';
import type { Context } from '../command/context.js';

/** How long a read waits for the fetch, ms. */
const fetchMs = 1_000;
/** How long it waits while the group is joining as well, ms: longer than brokers wait for the first members of a group. */
const joinMs = 5_000;

/** @returns how long a read of these groups may wait, ms; 0: there is nothing to deliver. @throws KafkaError, GatewayError */
export async function fetchWaitMs(ctx: Context, groups: readonly StreamGroup[]): Promise<number> {
  let ms = 0;
  for (const group of groups) if (await isBehind(ctx, group)) ms = Math.max(ms, group.isSettled ? fetchMs : joinMs);
  return ms;
}

/**
 * How much longer a read may wait that was armed for `waitedMs` and got nothing, ms. It may have been too short for a fetch, and a group that
 * has not joined yet has fetched nothing, however long that was. @throws KafkaError, GatewayError
 */
export async function furtherWaitMs(ctx: Context, groups: readonly StreamGroup[], waitedMs: number): Promise<number> {
  const unsure = groups.filter(({ hasJoined, isSettled }) => !hasJoined || (isSettled && waitedMs < fetchMs));
  return unsure.length === 0 ? 0 : fetchWaitMs(ctx, unsure);
}

/** Whether Kafka has entries that this gateway would hand out, and has not fetched yet. */
async function isBehind(ctx: Context, group: StreamGroup): Promise<boolean> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const marks = await marksOf(catalog, admin, group.topic);
  if (!marks) return false;
  if (group.isSettled) return hasMore(ctx, group.topic, marks, group.awaited());
  const context = { admin, groups: streams.groups };
  const positions = await positionsOf(context, group.kafkaGroup, group.topic, marks);
  const all = marks.map(({ partition, low }): [number, number] => [partition, positions.get(partition) ?? low]);
  return hasMore(ctx, group.topic, marks, new Map(all));
}

/** @param from positions, of the partitions that count */
async function hasMore(
  ctx: Context,
  topic: string,
  marks: readonly Marks[],
  from: ReadonlyMap<number, number>,
): Promise<boolean> {
  const own = marks.filter(({ partition }) => from.has(partition));
  const reader = ctx.server.gateway.streams.ranges.within(ctx.memory);
  return (await deliverable(reader, topic, own, from)) > 0;
}
