// GET /topics/{topic}/messages: take the next message for a group, and ack one.
import type { ConsumeMode, Delivery } from '../../core/queue/proxy.js';
import { fail } from '../../errors.js';
import { goString } from '../go-json.js';
import type { Params } from '../params.js';
import { groupParameter, type Route } from '../route.js';

export const consume = {
  name: 'consume',
  method: 'GET',
  path: '/topics/{topic}/messages',
  summary: 'Consume a message. Without ack parameters it is acked when the reply has been sent.',
  parameters: [
    groupParameter,
    { name: 'noAck', description: 'Ack nothing: the message is offered again when no ack comes in time', type: 'flag' },
    { name: 'ackPartition', description: 'Together with ackOffset: ack that message first', type: 'integer' },
    { name: 'ackOffset', description: 'Together with ackPartition', type: 'integer' },
  ],
  reply: {
    type: 'object',
    required: ['key', 'value', 'partition', 'offset', 'headers'],
    properties: {
      key: { type: 'string', format: 'byte', nullable: true },
      value: { type: 'string', format: 'byte', nullable: true },
      partition: { type: 'integer' },
      offset: { type: 'integer', format: 'int64' },
      headers: {
        type: 'array',
        items: {
          type: 'object',
          properties: { key: { type: 'string' }, value: { type: 'string', format: 'byte', nullable: true } },
        },
      },
    },
  },
  errors: {
    400: 'Unknown cluster, no group, or bad ack parameters',
    403: "Kafka's rights do not permit it",
    408: 'Nothing to read within the long polling time-out',
    429: 'Too many requests wait for this group and topic',
    503: 'Consuming is disabled, the service stops, or Kafka refuses the group until somebody mends what it says',
  },
  async run({ proxy, topic, params, onEnd }) {
    const poll = proxy.poll(params.group(), topic, modeOf(params));
    let delivery: Delivery | undefined;
    onEnd((sent) => {
      if (sent) delivery?.done();
      else poll.cancel();
    });
    delivery = await poll.delivery;
    return format(delivery);
  },
} satisfies Route;

function modeOf(params: Params): ConsumeMode {
  if (params.has('noAck')) return 'none';
  const given = [params.has('ackPartition'), params.has('ackOffset')].filter(Boolean).length;
  if (given === 0) return 'auto';
  if (given === 1)
    throw fail('request-invalid', 'ackPartition and ackOffset either both should be provided or neither');
  return { partition: params.whole('ackPartition', 32), offset: params.whole('ackOffset', 64) };
}

/** By hand: this is the hot path, and Base64 needs no escapes. */
function format({ message }: Delivery): string {
  const { key, value, partition, offset, headers } = message;
  let json = `{\n  "key": ${base64(key)},\n  "value": ${base64(value)},\n  "partition": ${partition},\n  "offset": ${offset},\n`;
  if (headers.length === 0) return `${json}  "headers": []\n}`;
  json += '  "headers": [\n';
  json += headers
    .map((header) => `    {\n      "key": ${goString(header.key)},\n      "value": ${base64(header.value)}\n    }`)
    .join(',\n');
  return `${json}\n  ]\n}`;
}

const base64 = (bytes: Buffer | null): string => (bytes === null ? 'null' : `"${bytes.toString('base64')}"`);
