// ListConsumers: the consumers of a topic.
import type { Members } from '../../core/queue/group-members.js';
import type { GroupRequest, Method } from '../method.js';

export const listConsumers = {
  name: 'ListConsumers',
  async run({ topic, group }, proxy) {
    const groups = await proxy.consumers(topic, group === '' ? undefined : group);
    return { groups: Object.fromEntries([...groups].map(([name, members]) => [name, groupReply(members)])) };
  },
} satisfies Method<GroupRequest>;

const groupReply = (members: Members): object => ({
  consumers: Object.fromEntries([...members].map(([clientId, partitions]) => [clientId, { partitions }])),
});
