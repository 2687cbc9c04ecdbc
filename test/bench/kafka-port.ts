// The Producer and Consumer ports against the raw binding they stand on: the ratio is what the port costs.
//
// npm run bench -- kafka-port   (a real Kafka of its own; rounds interleaved, medians)
// node build/test/bench/kafka-port.js [messages] [part of a name]
import { createRequire } from 'node:module';
import { pino } from 'pino';
import type { KafkaFactory } from '../../src/core/ports.js';
import { OFFSET_BEGINNING } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { rounds } from './yardsticks/run.js';
import { interleaved } from './yardsticks/table.js';

const rdkafka = createRequire(import.meta.url)('node-rdkafka');
const [messages, only = ''] = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const count = Number(messages ?? (process.argv.includes('--quick') ? 100_000 : 300_000));
const value = Buffer.alloc(100, 'x');
const roomy = { 'queue.buffering.max.messages': 2_000_000, 'queue.buffering.max.kbytes': 2_000_000 };

interface Result {
  readonly perSecond: number;
  /** Client CPU a message, microseconds. */
  readonly cpu: number;
}

async function measure(run: () => Promise<void>): Promise<Result> {
  const before = process.cpuUsage();
  const start = performance.now();
  await run();
  const { user, system } = process.cpuUsage(before);
  return { perSecond: (count / (performance.now() - start)) * 1000, cpu: (user + system) / count };
}

const callback = <T>(call: (done: (error: unknown, result: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));

/** node-rdkafka as its documentation shows it. */
async function rawProduce(brokers: string, topic: string, onlyErrors: boolean): Promise<Result> {
  const config = { 'bootstrap.servers': brokers, dr_cb: true, 'enable.idempotence': true, ...roomy };
  const producer = new rdkafka.Producer({ ...config, 'delivery.report.only.error': onlyErrors }, {});
  await callback((done) => producer.connect({ topic, allTopics: false }, done));
  producer.setPollInterval(10);
  let reported = 0;
  let finish = () => {};
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  producer.on('delivery-report', () => {
    if (++reported === count) finish();
  });
  const result = await measure(async () => {
    for (let i = 0; i < count; ) {
      for (let end = Math.min(count, i + 256); i < end; i++) {
        producer.produce(topic, 0, value, null, undefined, onlyErrors ? undefined : i);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (onlyErrors) await callback((done) => producer.flush(60_000, done));
    else await all;
  });
  await callback((done) => producer.disconnect(done));
  return result;
}

async function portProduce(kafka: KafkaFactory, topic: string, onlyErrors: boolean): Promise<Result> {
  const options = { reports: onlyErrors ? ('errors' as const) : ('all' as const), onReport: () => {} };
  const producer = await kafka.producer({ ...options, properties: roomy }, 10_000);
  const result = await measure(async () => {
    for (let i = 0; i < count; ) {
      for (let end = Math.min(count, i + 256); i < end; i++) {
        producer.produce({ topic, partition: 0, key: null, value }, onlyErrors ? undefined : i);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!(await producer.flush(60_000))) throw new Error('not flushed');
  });
  await producer.close(10_000);
  return result;
}

const fetching = { 'fetch.queue.backoff.ms': 5, 'enable.auto.commit': false };

async function rawConsume(brokers: string, topic: string): Promise<Result> {
  const config = { 'bootstrap.servers': brokers, 'group.id': 'raw', ...fetching };
  const consumer = new rdkafka.KafkaConsumer(config, { 'auto.offset.reset': 'earliest' });
  await callback((done) => consumer.connect({ topic, allTopics: false }, done));
  consumer.assign([{ topic, partition: 0, offset: OFFSET_BEGINNING }]);
  consumer.setDefaultConsumeTimeout(0);
  const result = await measure(async () => {
    for (let seen = 0; seen < count; ) {
      const messages = await callback<unknown[]>((done) => consumer.consume(1000, done));
      seen += messages.length;
      if (messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  await callback((done) => consumer.disconnect(done));
  return result;
}

async function portConsume(kafka: KafkaFactory, topic: string): Promise<Result> {
  const consumer = await kafka.consumer({}, 10_000);
  consumer.assign([{ topic, partition: 0, offset: OFFSET_BEGINNING }]);
  const result = await measure(async () => {
    for (let seen = 0; seen < count; ) seen += (await consumer.poll(1000, 1000)).length;
  });
  await consumer.close(10_000);
  return result;
}

async function compare(
  name: string,
  ways: Record<'raw' | 'port', (topic: string) => Promise<Result>>,
  topicOf: () => Promise<string>,
) {
  if (!name.includes(only)) return;
  const results: Record<'raw' | 'port', Result[]> = { raw: [], port: [] };
  for (let round = 0; round < rounds; round++) {
    for (const way of round % 2 === 0 ? (['raw', 'port'] as const) : (['port', 'raw'] as const)) {
      results[way].push(await ways[way](await topicOf()));
    }
  }
  const of = (what: 'perSecond' | 'cpu') => [results.port, results.raw].map((runs) => runs.map((run) => run[what]));
  const [rates, theirRates] = of('perSecond');
  interleaved({ what: `port: ${name}`, unit: '/s', against: 'node-rdkafka' }, rates!, theirRates!);
  const [cpu, theirCpu] = of('cpu');
  interleaved({ what: `port: ${name}, CPU a message`, unit: ' us', against: 'node-rdkafka' }, cpu!, theirCpu!);
}

const why = whyNoKafka();
if (why) throw new Error(why);
const server = await KafkaServer.start({ fast: true, properties: { 'log.flush.interval.messages': '100000000' } });
const log = pino({ level: 'silent' });
const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log });
try {
  let serial = 0;
  const fresh = async () => {
    const name = `bench-${++serial}`;
    await kafka.admin.createTopic({ name, partitions: 1 });
    return name;
  };
  const { brokers } = server;
  const warm = await fresh();
  await portProduce(kafka, warm, true);
  await compare(
    'produce, reports of errors',
    { raw: (topic) => rawProduce(brokers, topic, true), port: (topic) => portProduce(kafka, topic, true) },
    fresh,
  );
  await compare(
    'produce, all reports',
    { raw: (topic) => rawProduce(brokers, topic, false), port: (topic) => portProduce(kafka, topic, false) },
    fresh,
  );
  await compare(
    'consume, batches of 1000',
    { raw: (topic) => rawConsume(brokers, topic), port: (topic) => portConsume(kafka, topic) },
    async () => warm,
  );
} finally {
  await kafka.close();
  await server.stop();
}
