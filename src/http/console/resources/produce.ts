// POST /topics/{topic}/messages: sends one message and answers when Kafka has it.
import {
  type DeliveryReport,
  type Header,
  KafkaError,
  type KafkaFactory,
  type ProducerRecord,
} from '../../../core/ports.js';
import { fail } from '../../../errors.js';
import { clusterOf } from '../host.js';
import type { Resource } from '../resource.js';

/** Time limit for the connection and for the delivery, ms. */
const timeoutMs = 10_000;

export const produce = {
  name: 'consoleProduce',
  method: 'POST',
  path: '/topics/{topic}/messages',
  isAction: true,
  summary: 'Sends one message, and answers with its place when Kafka has it',
  body: {
    type: 'object',
    properties: {
      key: { type: 'string', nullable: true },
      value: { type: 'string', nullable: true },
      partition: { type: 'integer' },
      headers: { type: 'object', additionalProperties: { type: 'string' } },
    },
  },
  errors: { 400: 'A bad body', 503: 'Kafka does not answer' },
  async run({ user, query, path, body }, host) {
    const topic = path.topic!;
    user.checkProduce(topic);
    const { kafka } = clusterOf(host, query);
    const record = {
      topic,
      key: textOf(body, 'key'),
      value: textOf(body, 'value'),
      headers: headersOf(body.headers),
      ...(body.partition === undefined || body.partition === null ? {} : { partition: partitionOf(body.partition) }),
    };
    return sendOne(kafka, record);
  },
} satisfies Resource;

/** Sends one message. @returns its place when Kafka has it @throws GatewayError `produce-unconfirmed`, KafkaError */
export async function sendOne(
  kafka: KafkaFactory,
  record: ProducerRecord,
): Promise<{ partition: number; offset: number }> {
  const reports: DeliveryReport[] = [];
  const producer = await kafka.producer({ reports: 'all', onReport: (report) => reports.push(report) }, timeoutMs);
  try {
    producer.produce(record, record.topic);
    const isFlushed = await producer.flush(timeoutMs);
    const [report] = reports;
    if (!isFlushed || !report) throw fail('produce-unconfirmed', timeoutMs / 1_000);
    const { partition, offset, error } = report;
    if (error) throw new KafkaError(error);
    return { partition, offset };
  } finally {
    await producer.close(1_000);
  }
}

function textOf(body: Readonly<Record<string, unknown>>, name: string): Buffer | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw fail('request-invalid', `${name} must be a text or null`);
  return Buffer.from(value);
}

function headersOf(given: unknown): Header[] {
  if (given === undefined || given === null) return [];
  if (typeof given !== 'object' || Object.values(given).some((value) => typeof value !== 'string'))
    throw fail('request-invalid', 'headers must be an object of texts');
  return Object.entries(given as Record<string, string>).map(([key, value]) => ({ key, value: Buffer.from(value) }));
}

function partitionOf(given: unknown): number {
  if (!Number.isSafeInteger(given) || (given as number) < 0)
    throw fail('request-invalid', 'partition must be a whole number');
  return given as number;
}
