// POST /topics/{topic}/acks: ack one message.
import { empty, emptyReply, groupParameter, type Route } from '../route.js';

export const ack = {
  name: 'ack',
  method: 'POST',
  path: '/topics/{topic}/acks',
  summary: 'Ack a message that this process has offered. The ack of anything else has no effect.',
  parameters: [
    groupParameter,
    { name: 'partition', description: 'As consumed', required: true, type: 'integer' },
    { name: 'offset', description: 'As consumed', required: true, type: 'integer' },
  ],
  reply: emptyReply,
  errors: {
    400: 'Unknown cluster, no group, or bad numbers',
    500: 'This process does not consume that partition for the group',
  },
  run({ proxy, topic, params }) {
    const group = params.group();
    proxy.ack(group, topic, { partition: params.whole('partition', 32), offset: params.whole('offset', 64) });
    return empty;
  },
} satisfies Route;
