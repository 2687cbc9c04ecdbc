// The topic of a collector's progress: made on first use, and looked at in each term.
import { type Admin, KafkaCode, KafkaError } from '../../core/ports.js';
import type { Log } from '../../log.js';

/** Compacts soon, so that it stays small (the newest segment is never compacted); nothing in it ever expires. */
const topicConfig = {
  'cleanup.policy': 'compact',
  // The smallest that Kafka 4 allows.
  'segment.bytes': `${1024 * 1024}`,
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '0.1',
  'delete.retention.ms': '60000',
};

/**
 * Creates the checkpoint topic if it is missing. One that is not compacted is reported with what mends it: it grows, and where its records
 * expire a worker that was away for long publishes what it holds again.
 * @throws KafkaError if it cannot be created.
 */
export async function ensureTopic(
  admin: Admin,
  name: string,
  replicationFactor: number | undefined,
  log: Log,
): Promise<void> {
  if ((await admin.topics([name])).length > 0) return checkTopic(admin, name, log);
  try {
    const factor = replicationFactor === undefined ? {} : { replicationFactor };
    await admin.createTopic({ name, partitions: 1, ...factor, config: topicConfig });
  } catch (error) {
    // Another replica was quicker.
    if (!(error instanceof KafkaError && error.code === KafkaCode.topicExists)) throw error;
  }
}

async function checkTopic(admin: Admin, name: string, log: Log): Promise<void> {
  let policy: string | undefined;
  try {
    policy = (await admin.topicConfigs([name])).get(name)?.get('cleanup.policy')?.value;
  } catch (error) {
    // Reading settings takes a right of its own (DescribeConfigs), which the work itself does not need.
    log.debug({ topic: name, reason: (error as Error).message }, 'The settings of the checkpoint topic are not known');
    return;
  }
  if (policy === undefined || policy === 'compact') return;
  log.error(
    {
      topic: name,
      policy,
      mend: `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config cleanup.policy=compact`,
    },
    'The checkpoint topic is not compacted: it grows, and where its records expire, progress is lost and messages are published twice',
  );
}
