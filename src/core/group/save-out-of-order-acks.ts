// Keeps out-of-order acks when a group is left: they go into the metadata of its commits.
import { type CommittedOffset, KafkaError } from '../ports.js';
import type { ReaderContext } from './reader-context.js';

/** Only a group without members accepts a commit from outside; if other members remain, the messages are redelivered. Never rejects for that. */
export async function keepSparse(
  { kafka, log }: Pick<ReaderContext, 'kafka' | 'log'>,
  group: string,
  sparse: readonly CommittedOffset[],
): Promise<void> {
  if (sparse.length === 0) return;
  const { admin } = kafka;
  try {
    const now = await admin.groupOffsets(group, sparse);
    const unmoved = sparse.filter(({ topic, partition, offset }) =>
      now.some((each) => each.topic === topic && each.partition === partition && each.offset === offset),
    );
    if (unmoved.length > 0) await admin.commitGroupOffsets(group, unmoved);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    log.warn({ group, err: error }, 'Acks out of order could not be kept: their messages come again');
  }
}
