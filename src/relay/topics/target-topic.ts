// The target topic as found before anything is written: existence, size, limits, identity.
import { KafkaError, type KafkaFactory, type TopicMetadata } from '../../core/ports.js';
import { fail } from '../../errors.js';
import type { TargetConfig } from '../config/config.js';
import { type Mapping, mappingName } from '../config/topic-map.js';
import type { TargetLimits } from './target-limits.js';

export interface TargetTopic {
  readonly cluster: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly limits: TargetLimits;
}

/** Kafka's code for a topic that another client created first. */
const topicExists = 36;

/**
 * Checks the target topic.
 * @throws GatewayError `relay-waiting` if it, or the pinned partition, does not exist (yet); KafkaError: retry
 */
export async function inspectTarget(
  kafka: KafkaFactory,
  mapping: Mapping,
  config: TargetConfig,
  sourcePartitions: () => Promise<number>,
): Promise<TargetTopic> {
  const topic = await findTopic(kafka, mapping, config, sourcePartitions);
  const count = await grown(kafka, mapping, config, topic.partitions.length, sourcePartitions);
  if (mapping.pin !== undefined && mapping.pin >= count) {
    throw fail('relay-waiting', mappingName(mapping), `partition ${mapping.pin} not found for topic ${mapping.target}`);
  }
  const { clusterId, topicIds } = await kafka.admin.identity([mapping.target]);
  return {
    cluster: clusterId,
    topicId: topicIds.get(mapping.target) ?? '',
    partitions: count,
    limits: await readLimits(kafka, mapping.target, config),
  };
}

/** With create_topics the target gets as many partitions as the source. @returns how many there are */
async function grown(
  kafka: KafkaFactory,
  { target, pin }: Mapping,
  config: TargetConfig,
  count: number,
  sourcePartitions: () => Promise<number>,
): Promise<number> {
  if (!config.create_topics || pin !== undefined) return count;
  // While no source answers there is nothing to read either.
  const wanted = await sourcePartitions().catch(() => count);
  if (wanted <= count) return count;
  await kafka.admin.createPartitions(target, wanted);
  throw fail('relay-waiting', target, `partitions were added: ${wanted}, as the source has`);
}

async function findTopic(
  kafka: KafkaFactory,
  mapping: Mapping,
  config: TargetConfig,
  sourcePartitions: () => Promise<number>,
): Promise<TopicMetadata> {
  const [found] = await kafka.admin.topics([mapping.target]);
  if (found) return found;
  if (config.create_topics) {
    const partitions = Math.max(await sourcePartitions(), (mapping.pin ?? 0) + 1);
    await kafka.admin.createTopic({ name: mapping.target, partitions }).catch((error: unknown) => {
      if (!(error instanceof KafkaError) || error.code !== topicExists) throw error;
    });
  }
  throw fail(
    'relay-waiting',
    mappingName(mapping),
    config.create_topics ? `target topic ${mapping.target} was made` : `target topic ${mapping.target} does not exist`,
  );
}

/** A record that the broker refuses fails its whole batch, so records are checked against its limits before they are sent. */
async function readLimits(kafka: KafkaFactory, topic: string, config: TargetConfig): Promise<TargetLimits> {
  const { checkpoint_topic: checkpoints } = config;
  const [settings, others] = await Promise.all(
    [topic, checkpoints].map(async (name) =>
      // Without the right to read them, or before the topic exists, the broker decides.
      (await kafka.admin.topicConfigs([name]).catch(() => undefined))?.get(name),
    ),
  );
  const number = (key: string, otherwise: number, of = settings): number => {
    const value = Number(of?.get(key)?.value ?? Number.NaN);
    return Number.isFinite(value) ? value : otherwise;
  };
  const appendTime = settings?.get('message.timestamp.type')?.value === 'LogAppendTime';
  // A compressed batch may be smaller than its records: then the broker decides.
  const brokerLimit = number('max.message.bytes', config.max_message_bytes);
  const policies = settings?.get('cleanup.policy')?.value.split(',') ?? [];
  const retentionMs = number('retention.ms', -1);
  const compressed = config.compression !== '' && config.compression !== 'none';
  return {
    maxBatchBytes: Math.min(brokerLimit, number('max.message.bytes', brokerLimit, others)),
    needsKey: policies.includes('compact'),
    retentionMs: appendTime || !policies.includes('delete') || retentionMs < 0 ? Number.POSITIVE_INFINITY : retentionMs,
    maxRecordBytes: compressed ? config.max_message_bytes : Math.min(config.max_message_bytes, brokerLimit),
    timestampBeforeMs: appendTime
      ? Number.MAX_SAFE_INTEGER
      : number('message.timestamp.before.max.ms', Number.MAX_SAFE_INTEGER),
    timestampAheadMs: appendTime ? Number.MAX_SAFE_INTEGER : number('message.timestamp.after.max.ms', 3_600_000),
  };
}
