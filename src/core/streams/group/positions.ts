// A stream group's positions in Kafka: whether the group exists, its positions, setting and removing them.
import { fail } from '../../../errors.js';
import type { Admin, CommittedOffset } from '../../ports.js';
import type { Marks } from '../log/marks.js';
import type { StreamGroups } from './stream-groups.js';

export interface PositionsContext {
  readonly admin: Admin;
  readonly groups: StreamGroups;
}

/** Committed positions of a topic; none: the group does not exist. @throws KafkaError */
export function committedOf(
  { admin }: PositionsContext,
  kafkaGroup: string,
  topic: string,
  marks: readonly Marks[],
): Promise<CommittedOffset[]> {
  return admin.groupOffsets(
    kafkaGroup,
    marks.map(({ partition }) => ({ topic, partition })),
  );
}

/** How far the group has read, by partition: here what was handed out, elsewhere what is committed. @throws KafkaError */
export async function positionsOf(
  context: PositionsContext,
  kafkaGroup: string,
  topic: string,
  marks: readonly Marks[],
): Promise<Map<number, number>> {
  const committed = await committedOf(context, kafkaGroup, topic, marks);
  const positions = new Map(committed.map(({ partition, offset }) => [partition, offset]));
  for (const { partition, position } of context.groups.find(kafkaGroup, topic)?.partitions ?? [])
    positions.set(partition, position);
  return positions;
}

/** Sets positions. A group that is read here continues from there. @throws GatewayError `group-active`; KafkaError */
export async function setPositions(
  context: PositionsContext,
  kafkaGroup: string,
  topic: string,
  positions: ReadonlyMap<number, number>,
): Promise<void> {
  const offsets = [...positions].map(([partition, offset]): CommittedOffset => {
    return { topic, partition, offset, metadata: '' };
  });
  await context.groups.left(kafkaGroup, topic);
  const open = context.groups.find(kafkaGroup, topic);
  if (open) await open.setPositions(offsets);
  else {
    await refuseActive(context.admin, kafkaGroup);
    await context.admin.commitGroupOffsets(kafkaGroup, offsets);
  }
}

/** Removes the group's positions of a topic. @throws GatewayError `group-active`; KafkaError */
export async function removePositions(
  context: PositionsContext,
  kafkaGroup: string,
  topic: string,
  marks: readonly Marks[],
): Promise<void> {
  await context.groups.end(topic, kafkaGroup);
  await context.groups.left(kafkaGroup, topic);
  await refuseActive(context.admin, kafkaGroup);
  await context.admin.deleteGroupOffsets(
    kafkaGroup,
    marks.map(({ partition }) => ({ topic, partition })),
  );
}

/** Members elsewhere would continue from their positions and commit over it. */
async function refuseActive(admin: Admin, kafkaGroup: string): Promise<void> {
  const [description] = await admin.describeGroups([kafkaGroup]);
  const members = description?.members ?? [];
  if (members.length > 0) throw fail('group-active', kafkaGroup, members.map(({ clientId }) => clientId).join(', '));
}
