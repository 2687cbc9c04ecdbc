// Real clusters for the relay's tests: started once, shared by the tests of a file, each test with its own topics.
import { pino } from 'pino';
import type { KafkaFactory, Producer, ProducerRecord, Properties } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { KafkaServer, type KafkaServerOptions } from './kafka-server.js';

export interface RealCluster {
  readonly server: KafkaServer;
  readonly kafka: KafkaFactory;
}

const log = pino({ level: process.env.RELAY_TEST_LOG ?? 'silent' });

export const openKafka = (brokers: string, properties: Properties = {}): Promise<KafkaFactory> =>
  createKafkaFactory({
    general: { 'bootstrap.servers': brokers, 'reconnect.backoff.max.ms': 500, ...properties },
    log,
  });

/** Starts clusters of one node each, side by side. */
export async function startClusters(count: number, options: KafkaServerOptions = {}): Promise<RealCluster[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const server = await KafkaServer.start({
        ...options,
        // The cleaner runs every 15 s by default; a compacted topic, or the return of a killed node, should not take a test that long.
        properties: {
          'auto.create.topics.enable': 'false',
          'log.cleaner.backoff.ms': '200',
          'broker.session.timeout.ms': '2000',
          'broker.heartbeat.interval.ms': '300',
          ...options.properties,
        },
      });
      return { server, kafka: await openKafka(server.brokers) };
    }),
  );
}

export async function stopClusters(clusters: readonly RealCluster[]): Promise<void> {
  await Promise.all(
    clusters.map(async ({ server, kafka }) => {
      await kafka.close();
      await server.stop();
    }),
  );
}

/** Creates a topic and waits until every partition has a leader. */
export async function makeTopic(
  kafka: KafkaFactory,
  name: string,
  partitions = 1,
  config: Record<string, string> = {},
): Promise<void> {
  await kafka.admin.createTopic({ name, partitions, config });
  await untilLed(kafka, name, partitions);
}

/** Waits until every partition has a leader. */
async function untilLed(kafka: KafkaFactory, name: string, partitions: number): Promise<void> {
  for (const deadline = Date.now() + 15_000; ; ) {
    const [topic] = await kafka.admin.topics([name]);
    if (topic?.partitions.length === partitions && topic.partitions.every(({ leader }) => leader >= 0)) return;
    if (Date.now() > deadline) throw new Error(`topic ${name} has no leaders`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Adds partitions to a topic and waits until they have leaders. */
export async function addPartitions({ kafka }: RealCluster, name: string, count: number): Promise<void> {
  await kafka.admin.createPartitions(name, count);
  await untilLed(kafka, name, count);
}

/** Produces in one transaction, which is committed or aborted. */
export async function inTransaction(
  kafka: KafkaFactory,
  end: 'commit' | 'abort',
  records: Iterable<ProducerRecord>,
): Promise<void> {
  const properties = { 'transactional.id': `test-${Math.random()}`, 'enable.idempotence': true };
  const producer = await kafka.producer({ reports: 'errors', onReport: () => {}, properties }, 10_000);
  try {
    await producer.initTransactions(10_000);
    await producer.beginTransaction();
    for (const record of records) producer.produce(record);
    await producer.flush(10_000);
    await (end === 'commit' ? producer.commitTransaction(10_000) : producer.abortTransaction(10_000));
  } finally {
    await producer.close(5_000);
  }
}

/** A producer whose transaction stays open after one record, until the test or, after timeoutMs, the broker ends it. */
export async function openTransaction(kafka: KafkaFactory, topic: string, timeoutMs = 60_000): Promise<Producer> {
  const properties = { 'transactional.id': `test-${Math.random()}`, 'transaction.timeout.ms': timeoutMs };
  const producer = await kafka.producer({ reports: 'errors', onReport: () => {}, properties }, 10_000);
  await producer.initTransactions(10_000);
  await producer.beginTransaction();
  producer.produce({ topic, partition: 0, key: Buffer.from('open'), value: Buffer.from('{}') });
  await producer.flush(10_000);
  return producer;
}
