// ConsumeNAck: apply the request's ack, then take the next message.
import type { ConsumeMode, Delivery } from '../../core/queue/proxy.js';
import { ackOf } from '../ack-numbers.js';
import type { GroupRequest, Method } from '../method.js';

interface ConsNAckRq extends GroupRequest {
  readonly no_ack: boolean;
  readonly auto_ack: boolean;
  readonly ack_partition: number;
  readonly ack_offset: number;
}

const none = Buffer.alloc(0);

export const consumeNAck = {
  name: 'ConsumeNAck',
  async run(request, proxy, { onEnd }) {
    const poll = proxy.poll(request.group, request.topic, modeOf(request));
    let delivery: Delivery | undefined;
    onEnd((sent) => {
      if (sent) delivery?.done();
      else poll.cancel();
    });
    delivery = await poll.delivery;
    const { partition, offset, key, value, headers } = delivery.message;
    return {
      partition,
      offset,
      key_value: key ?? none,
      key_undefined: key === null,
      message: value ?? none,
      headers: headers.map((header) => ({ key: header.key, value: header.value ?? none })),
    };
  },
} satisfies Method<ConsNAckRq>;

/** A request without ack fields acks partition 0, offset 0: harmless unless that message was offered. */
function modeOf({ no_ack, auto_ack, ack_partition, ack_offset }: ConsNAckRq): ConsumeMode {
  if (no_ack) return 'none';
  return auto_ack ? 'auto' : ackOf(ack_partition, ack_offset);
}
