// GetOffsets: a group's position in every partition of a topic.
import type { GroupRequest, Method } from '../method.js';

export const getOffsets = {
  name: 'GetOffsets',
  async run({ group, topic }, proxy) {
    const offsets = await proxy.offsets(group, topic);
    return { offsets: offsets.map(({ sparseAcks, ...rest }) => ({ ...rest, sparse_acks: sparseAcks })) };
  },
} satisfies Method<GroupRequest>;
