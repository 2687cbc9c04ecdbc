// GET /topics: names of all topics, or their descriptions.
import { goJson } from '../go-json.js';
import type { Route } from '../route.js';
import { topicJson, topicReply } from './get-topic.js';

export const listTopics = {
  name: 'listTopics',
  method: 'GET',
  path: '/topics',
  summary: 'All topics that the user may see; an array of names without flags.',
  parameters: [
    { name: 'withPartitions', description: 'Show partitions', type: 'flag' },
    { name: 'withConfig', description: "Show the topics' own settings, to an admin", type: 'flag' },
  ],
  reply: {
    oneOf: [
      { type: 'array', items: { type: 'string' } },
      { type: 'object', additionalProperties: topicReply },
    ],
  },
  errors: { 400: 'Unknown cluster', 403: 'Settings are for admins', 500: 'Kafka refused' },
  async run({ proxy, params }) {
    const parts = { partitions: params.has('withPartitions'), config: params.has('withConfig') };
    const topics = await proxy.topics(parts);
    if (!parts.partitions && !parts.config) return goJson([...topics.keys()]);
    return goJson(Object.fromEntries([...topics].map(([name, view]) => [name, topicJson(view)])));
  },
} satisfies Route;
