// Validates the numbers of an ack.
import type { Ack } from '../core/queue/proxy.js';
import { fail } from '../errors.js';

/** @throws GatewayError `ack-numbers` */
export function ackOf(partition: number, offset: number): Ack {
  if (partition < 0) throw fail('ack-numbers', `bad partition: ${partition}`);
  if (offset < 0) throw fail('ack-numbers', `bad offset: ${offset}`);
  return { partition, offset };
}
