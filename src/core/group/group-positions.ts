// What decides where a member begins to read: the group's commits and the partitions' watermarks.

import {
  type Admin,
  type CommittedOffset,
  type Consumer,
  KafkaCode,
  KafkaError,
  OFFSET_NONE,
  type TopicPartition,
} from '../ports.js';
import { type InitialOffset, OFFSET_NEWEST } from './partition-start.js';

/** Time limit of the consumer's own request, ms. */
const askMs = 20_000;

export interface Watermarks {
  readonly low: number;
  readonly high: number;
}

export interface GroupPosition extends TopicPartition {
  /** Absent: nothing. */
  readonly committed: CommittedOffset | undefined;
  readonly marks: Watermarks;
}

export interface PositionsContext {
  readonly group: string;
  readonly admin: Admin;
  /** The member itself. */
  readonly consumer: Consumer;
  readonly initialOffset: InitialOffset;
}

/** @throws KafkaError if it is unknown for some partition */
export async function groupPositions(
  context: PositionsContext,
  partitions: readonly TopicPartition[],
): Promise<GroupPosition[]> {
  const [offsets, found] = await Promise.all([
    committedOffsets(context, partitions),
    watermarksOf(context.admin, partitions),
  ]);
  return partitions.map(({ topic, partition }) => {
    const committed = offsets.find((each) => each.partition === partition);
    const marks = found.get(partition) ?? initialMarks(committed, context.initialOffset);
    if (!marks) throw missingMarks(topic, partition);
    return { topic, partition, committed, marks };
  });
}

/** With metadata, which only the admin client can read; the embedded cluster has none. */
async function committedOffsets(
  { group, admin, consumer }: PositionsContext,
  partitions: readonly TopicPartition[],
): Promise<CommittedOffset[]> {
  // What a transaction of the member before moves counts, and only the member waits until it has ended.
  const committed = await consumer.committed(partitions, askMs);
  try {
    return await admin.groupOffsets(group, partitions);
  } catch (error) {
    if (!(error instanceof KafkaError && error.code === KafkaCode.unsupportedFeature)) throw error;
    return committed.filter(({ offset }) => offset !== OFFSET_NONE).map((each) => ({ ...each, metadata: '' }));
  }
}

/** By partition number; without those whose broker does not answer now. @throws KafkaError if there are no others */
export async function watermarksOf(
  admin: Admin,
  partitions: readonly TopicPartition[],
): Promise<Map<number, Watermarks>> {
  const asked = await Promise.allSettled(partitions.map((each) => admin.watermarks([each])));
  const failed = asked.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason);
  const lasting = failed.find((reason) => !(reason instanceof KafkaError && reason.retriable));
  if (lasting !== undefined || failed.length === partitions.length) throw lasting ?? failed[0];
  const marks = asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  return new Map(marks.map((mark) => [mark.partition, mark]));
}

/** For a partition without a leader, so that the others need not wait for it: the group's own position is trusted. */
function initialMarks(committed: CommittedOffset | undefined, initialOffset: InitialOffset): Watermarks | undefined {
  const isKnown = committed === undefined ? initialOffset === 'oldest' : committed.offset !== OFFSET_NEWEST;
  return isKnown ? { low: 0, high: Number.MAX_SAFE_INTEGER } : undefined;
}

export const missingMarks = (topic: string, partition: number): KafkaError =>
  new KafkaError({
    code: KafkaCode.unknownPartition,
    message: `no watermarks for ${topic}:${partition}`,
    fatal: false,
    retriable: true,
    abortable: false,
  });
