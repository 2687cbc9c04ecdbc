// GET /topics/{topic}: a topic's own settings and partitions.
import type { TopicView } from '../../core/topics/topics.js';
import { goJson } from '../go-json.js';
import type { Route } from '../route.js';

const integers = { type: 'array', items: { type: 'integer' } };

export const topicReply = {
  type: 'object',
  properties: {
    config: {
      type: 'object',
      properties: {
        version: { type: 'integer' },
        config: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    partitions: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          partition: { type: 'integer' },
          leader: { type: 'integer', description: '-1: none at present' },
          replicas: integers,
          isr: integers,
        },
      },
    },
  },
};

export const getTopic = {
  name: 'getTopic',
  method: 'GET',
  path: '/topics/{topic}',
  summary: "A topic's own settings (not the broker's defaults; to an admin), and its partitions.",
  parameters: [{ name: 'withPartitions', description: 'Show partitions', type: 'flag' }],
  reply: topicReply,
  errors: { 400: 'Unknown cluster', 404: 'The topic does not exist', 500: 'Kafka refused' },
  async run({ proxy, topic, params }) {
    const view = await proxy.topic(topic, { partitions: params.has('withPartitions'), config: proxy.maySeeConfig });
    return goJson(topicJson(view));
  },
} satisfies Route;

export const topicJson = ({ config, partitions }: TopicView): object => ({
  ...(config ? { config: { version: 1, config } } : {}),
  ...(partitions ? { partitions } : {}),
});
