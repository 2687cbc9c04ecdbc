// The cluster's topics as clients see them: names, partitions, their own settings.
import { fail } from '../../errors.js';
import type { Admin, TopicMetadata } from '../ports.js';

interface PartitionView {
  readonly partition: number;
  /** -1: no leader now. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** Only the requested parts. */
export interface TopicView {
  readonly config?: Readonly<Record<string, string>>;
  readonly partitions?: readonly PartitionView[];
}

export interface TopicParts {
  readonly partitions: boolean;
  readonly config: boolean;
}

/** All topics by name, ascending, internal ones too. @throws KafkaError */
export async function listTopics(admin: Admin, parts: TopicParts): Promise<Map<string, TopicView>> {
  const topics = await admin.topics();
  return view(admin, topics, parts);
}

/** @throws GatewayError `topic-unknown`, KafkaError */
export async function describeTopic(admin: Admin, name: string, parts: TopicParts): Promise<TopicView> {
  const topic = await findTopic(admin, name);
  const views = await view(admin, [topic], parts);
  return views.get(name)!;
}

/** @throws GatewayError `topic-unknown`, KafkaError */
export async function findTopic(admin: Admin, name: string): Promise<TopicMetadata> {
  const found = (await admin.topics([name])).find((topic) => topic.name === name);
  if (!found || found.partitions.length === 0) throw fail('topic-unknown');
  return found;
}

async function view(
  admin: Admin,
  topics: readonly TopicMetadata[],
  parts: TopicParts,
): Promise<Map<string, TopicView>> {
  const sorted = topics.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const names = sorted.map(({ name }) => name);
  const configs = parts.config && names.length > 0 ? await admin.topicConfigs(names) : undefined;
  return new Map(
    sorted.map((topic) => [
      topic.name,
      {
        ...(parts.config ? { config: overrides(configs?.get(topic.name)) } : {}),
        ...(parts.partitions ? { partitions: partitionViews(topic) } : {}),
      },
    ]),
  );
}

/** Settings of the topic itself, without the broker's defaults. */
function overrides(
  config: ReadonlyMap<string, { value: string; overridden: boolean }> | undefined,
): Record<string, string> {
  const own = [...(config ?? [])].filter(([, { overridden }]) => overridden).map(([key, { value }]) => [key, value]);
  return Object.fromEntries(own.toSorted(([one], [other]) => (one! < other! ? -1 : 1)));
}

const partitionViews = (topic: TopicMetadata): PartitionView[] =>
  topic.partitions
    .map(({ partition, leader, replicas, isrs }) => ({ partition, leader, replicas, isr: isrs }))
    .sort((one, other) => one.partition - other.partition);
