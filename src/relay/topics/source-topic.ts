// The source topic as one check finds it: its identity, its partitions, where each begins and ends.
import type { KafkaFactory } from '../../core/ports.js';
import { all } from '../../core/promises.js';
import { fail } from '../../errors.js';
import type { SourceView } from './source-view.js';

/** A source's topic as of its connection. */
export interface SourceTopic extends SourceView {
  readonly cluster: string;
  readonly topicId: string;
  readonly partitions: readonly number[];
}

/**
 * The source's identity and offsets.
 * @param known an earlier answer, whose partitions count as all: asking for them would ask for those of every topic
 * @throws GatewayError `relay-waiting`; KafkaError
 */
export async function inspectSource(kafka: KafkaFactory, topic: string, known?: SourceTopic): Promise<SourceTopic> {
  const { clusterId, topicIds, denied } = await kafka.admin.identity([topic]);
  if (denied?.includes(topic))
    throw fail(
      'relay-waiting',
      kafka.brokers,
      `no right to describe source topic ${topic} (DESCRIBE and READ are needed)`,
    );
  const topicId = topicIds.get(topic) ?? '';
  const partitions = known?.topicId === topicId ? known.partitions : await partitionsOf(kafka, topic);
  const asked = partitions.map((partition) => ({ topic, partition }));
  const edges = async (which: 'low' | 'high') =>
    new Map((await kafka.admin.edges(asked, which)).map(({ partition, offset }) => [partition, offset]));
  const [low, high] = await all(['low', 'high'] as const, edges);
  return { cluster: clusterId, topicId, partitions, low: low!, high: high! };
}

async function partitionsOf(kafka: KafkaFactory, topic: string): Promise<number[]> {
  const [found] = await kafka.admin.topics([topic]);
  if (!found) throw fail('relay-waiting', kafka.brokers, `source topic ${topic} does not exist`);
  return found.partitions.map(({ partition }) => partition).sort((a, b) => a - b);
}
