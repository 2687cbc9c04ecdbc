// A consumer group that a command names: whether it exists, and its part in this gateway.

import { committedOf } from '../../core/streams/group/positions.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { type Marks, marksOf } from '../../core/streams/log/marks.js';
import { type ErrorCode, fail } from '../../errors.js';
import type { Context } from '../command/context.js';
import type { GroupKey } from './key.js';

/** Each command's error for a missing group: some texts name the group first. */
export type MissingGroup = Extract<ErrorCode, 'group-missing' | 'group-or-stream-missing'>;

/**
 * The group as it is read here; undefined if it exists and is not read here.
 * @throws GatewayError of the given code if it does not exist; KafkaError
 */
export function existingGroup(
  ctx: Context,
  at: GroupKey,
  missing: MissingGroup,
): StreamGroup | Promise<StreamGroup | undefined> {
  const { groups } = ctx.server.gateway.streams;
  const open = groups.find(at.kafkaGroup, at.topic);
  if (!open) return exists(ctx, at, missing).then(() => groups.find(at.kafkaGroup, at.topic));
  open.used();
  return open;
}

async function exists(ctx: Context, at: GroupKey, missing: MissingGroup): Promise<void> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const marks = await marksOf(catalog, admin, at.topic);
  const committed = marks ? await committedOf({ admin, groups: streams.groups }, at.kafkaGroup, at.topic, marks) : [];
  if (committed.length > 0) return;
  throw missing === 'group-missing' ? fail(missing, at.group, at.key) : fail(missing, at.key, at.group);
}

/** The stream's partitions. @throws GatewayError `group-needs-stream` or `stream-missing` as given; KafkaError */
export async function marksOfExisting(
  ctx: Context,
  topic: string,
  missing: 'group-needs-stream' | 'stream-missing',
): Promise<Marks[]> {
  const { catalog, admin } = ctx.server.gateway;
  const marks = await marksOf(catalog, admin, topic);
  if (!marks) throw fail(missing);
  return marks;
}
