// POST /topics/{topic}/messages: produce one message.
import { fail } from '../../errors.js';
import { isForm } from '../params.js';
import { recordHeaders } from '../record-headers.js';
import { type ApiRequest, empty, type Route } from '../route.js';

/** Deviation: parameters such as `; charset=utf-8` are also accepted with text/plain. */
const raw = /^(?:text\/plain|application\/(?:json|[^;\s]+\+json))\s*(?:;|$)/i;

export const produce = {
  name: 'produce',
  method: 'POST',
  path: '/topics/{topic}/messages',
  summary: 'Produce a message. Without `sync` the answer means that it is queued, not that Kafka has it.',
  parameters: [
    { name: 'key', description: 'Decides the partition; absent: any partition; empty: an empty key', type: 'string' },
    { name: 'sync', description: 'Answer when Kafka has the message, with its partition and offset', type: 'flag' },
    {
      name: 'X-Kafka-{name}',
      description: 'Record headers, as HTTP headers with a Base64 value',
      type: 'string',
    },
  ],
  body: {
    types: ['text/plain', 'application/json', 'application/x-www-form-urlencoded'],
    description: 'The value, any bytes; of a form, its field `msg`',
    schema: { type: 'string' },
  },
  reply: {
    type: 'object',
    description: 'Empty without `sync`',
    properties: { partition: { type: 'integer' }, offset: { type: 'integer', format: 'int64' } },
  },
  errors: {
    400: 'Unknown cluster, content type or header encoding',
    404: 'The topic does not exist (sync)',
    500: 'Kafka refused the message (sync)',
    503: 'The queue is full, or the service stops',
  },
  run(request) {
    const { proxy, topic, params } = request;
    const value = messageOf(request);
    const headers = recordHeaders(request.raw.rawHeaders);
    const key = params.first('key');
    const record = { topic, key: key === undefined ? null : Buffer.from(key), value, headers };
    if (!params.has('sync')) return proxy.enqueue(record)?.then(() => empty) ?? empty;
    return proxy
      .produce(record)
      .then(({ partition, offset }) => `{\n  "partition": ${partition},\n  "offset": ${offset}\n}`);
  },
} satisfies Route;

function messageOf({ contentType, body, params }: ApiRequest): Buffer {
  if (contentType === 'text/plain' || raw.test(contentType)) return body;
  if (!isForm(contentType)) throw fail('request-invalid', `unsupported content type ${contentType}`);
  const message = params.first('msg') ?? '';
  if (message === '') throw fail('request-invalid', 'empty message');
  return Buffer.from(message);
}
