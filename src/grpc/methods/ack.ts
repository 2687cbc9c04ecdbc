// Ack: one message.
import { ackOf } from '../ack-numbers.js';
import type { GroupRequest, Method } from '../method.js';

interface AckRq extends GroupRequest {
  readonly partition: number;
  readonly offset: number;
}

export const ack = {
  name: 'Ack',
  run({ group, topic, partition, offset }, proxy) {
    proxy.ack(group, topic, ackOf(partition, offset));
    return {};
  },
} satisfies Method<AckRq>;
