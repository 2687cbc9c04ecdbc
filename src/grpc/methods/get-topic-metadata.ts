// GetTopicMetadata: a topic's settings and partitions.
import type { TopicView } from '../../core/topics/topics.js';
import type { Method, TopicRequest } from '../method.js';

interface GetTopicMetadataRq extends TopicRequest {
  readonly with_partitions: boolean;
}

export const getTopicMetadata = {
  name: 'GetTopicMetadata',
  async run({ topic, with_partitions }, proxy) {
    return topicReply(await proxy.topic(topic, { partitions: with_partitions, config: proxy.maySeeConfig }));
  },
} satisfies Method<GetTopicMetadataRq>;

export const topicReply = ({ config = {}, partitions = [] }: TopicView): object => ({ version: 1, config, partitions });
