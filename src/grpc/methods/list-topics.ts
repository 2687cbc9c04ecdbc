// ListTopics: all topics with their settings.
import type { ClusterRequest, Method } from '../method.js';
import { topicReply } from './get-topic-metadata.js';

interface ListTopicRq extends ClusterRequest {
  readonly with_partitions: boolean;
}

export const listTopics = {
  name: 'ListTopics',
  async run({ with_partitions }, proxy) {
    const topics = await proxy.topics({ partitions: with_partitions, config: proxy.maySeeConfig });
    return { topics: Object.fromEntries([...topics].map(([name, view]) => [name, topicReply(view)])) };
  },
} satisfies Method<ListTopicRq>;
