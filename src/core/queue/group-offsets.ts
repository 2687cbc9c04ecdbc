// A group's position in a topic: reads it with lag and out-of-order acks, and sets it.
import { fail } from '../../errors.js';
import { AckedRanges } from '../group/acked-ranges.js';
import type { Admin, CommittedOffset, TopicPartition } from '../ports.js';
import { findTopic } from '../topics/topics.js';
import type { ConsumerPool } from './consumer-pool.js';
import type { QueueConsumer } from './queue-consumer.js';

export interface PartitionOffset {
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
  readonly count: number;
  /** Committed; -1: none, -2: the oldest. */
  readonly offset: number;
  readonly lag: number;
  readonly metadata: string;
  /** Acknowledged ranges relative to `offset`, `1-2,9-11`. */
  readonly sparseAcks: string;
}

/** A position to set. */
export interface NewOffset {
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

export interface OffsetsContext {
  readonly admin: Admin;
  readonly pool: ConsumerPool;
  /** The client id of this process's members: other ids are members elsewhere. */
  readonly clientId: string | undefined;
}

/** By partition. @throws GatewayError `topic-unknown`, KafkaError */
export async function readOffsets(context: OffsetsContext, group: string, topic: string): Promise<PartitionOffset[]> {
  const { admin, pool } = context;
  const found = await findTopic(admin, topic);
  const partitions = found.partitions.map(({ partition }): TopicPartition => ({ topic, partition }));
  const consumer = pool.find(group, topic);
  await consumer?.commit();
  const [marks, committed] = await Promise.all([admin.watermarks(partitions), admin.groupOffsets(group, partitions)]);
  return marks
    .toSorted((one, other) => one.partition - other.partition)
    .map(({ partition, low, high }) => {
      const commit = committed.find((each) => each.partition === partition);
      const offset = commit?.offset ?? -1;
      const metadata = commit?.metadata ?? '';
      const sparseAcks = liveSparse(consumer, partition, offset) ?? writtenSparse(offset, metadata);
      const count = high - low;
      return { partition, begin: low, end: high, count, offset, lag: lagOf(offset, high, count), metadata, sparseAcks };
    });
}

const lagOf = (offset: number, end: number, count: number): number =>
  offset === -1 ? 0 : offset === -2 ? count : end - offset;

function liveSparse(consumer: QueueConsumer | undefined, partition: number, offset: number): string | undefined {
  const live = consumer?.sparse(partition);
  return live?.base === offset ? live.text : undefined;
}

function writtenSparse(offset: number, metadata: string): string {
  try {
    return AckedRanges.decode(Math.max(0, offset), metadata).toString();
  } catch {
    return ''; // Another program's metadata.
  }
}

/**
 * Sets a group's positions. A group that consumes in this process continues from there at once.
 * @throws GatewayError `topic-unknown`, `group-active` while members of other processes have the partitions; KafkaError
 */
export async function writeOffsets(
  context: OffsetsContext,
  group: string,
  topic: string,
  offsets: readonly NewOffset[],
): Promise<void> {
  const { admin, pool } = context;
  const found = await findTopic(admin, topic);
  const known = new Set(found.partitions.map(({ partition }) => partition));
  if (offsets.some(({ partition }) => !known.has(partition))) throw fail('topic-unknown');
  if (offsets.length === 0) return;
  const positions = offsets.map((offset): CommittedOffset => ({ topic, ...offset }));
  await pool.left(group, topic);
  const own = pool.find(group, topic) ?? pool.anyOf(group);
  await refuseForeign(context, group, topic, positions, own !== undefined);
  if (own) await own.setOffsets(await absolute(admin, positions));
  else await admin.commitGroupOffsets(group, positions);
}

/** Members elsewhere would neither notice nor keep the new position. */
async function refuseForeign(
  { admin, clientId }: OffsetsContext,
  group: string,
  topic: string,
  positions: readonly CommittedOffset[],
  active: boolean,
): Promise<void> {
  const [description] = await admin.describeGroups([group]);
  const foreign = (description?.members ?? []).filter((member) => member.clientId !== clientId);
  const affected = active
    ? foreign.filter((member) =>
        member.assignments.get(topic)?.some((assigned) => positions.some(({ partition }) => partition === assigned)),
      )
    : foreign;
  if (affected.length > 0) throw fail('group-active', group, affected.map((member) => member.clientId).join(', '));
}

/** A live consumer commits real offsets only. */
async function absolute(admin: Admin, positions: readonly CommittedOffset[]): Promise<CommittedOffset[]> {
  if (positions.every(({ offset }) => offset >= 0)) return [...positions];
  const marks = await admin.watermarks(positions);
  return positions.map((position) => {
    const mark = marks.find(({ partition }) => partition === position.partition);
    if (position.offset >= 0 || !mark) return position;
    return { ...position, offset: position.offset === -2 ? mark.low : mark.high };
  });
}
