// GET /topics/{topic}/consumers: the consumers of a topic.
import { goJsonWithLists } from '../go-json.js';
import type { Route } from '../route.js';

export const listConsumers = {
  name: 'listConsumers',
  method: 'GET',
  path: '/topics/{topic}/consumers',
  summary: 'Groups that consume the topic, their members and partitions. Groups of the classic protocol only.',
  parameters: [{ name: 'group', description: 'Only this group', type: 'string' }],
  reply: {
    type: 'object',
    additionalProperties: {
      type: 'object',
      additionalProperties: { type: 'array', items: { type: 'integer' } },
    },
  },
  errors: { 400: 'Unknown cluster or group, or the group does not consume the topic', 500: 'Kafka refused' },
  async run({ proxy, topic, params }) {
    const group = params.has('group') ? params.group() : undefined;
    return goJsonWithLists(await proxy.consumers(topic, group));
  },
} satisfies Route;
