// Yardstick C: node-rdkafka alone, consume(1000). usage: raw-consume.js <brokers> <topic> <messages>
import { createRequire } from 'node:module';

const rdkafka = createRequire(import.meta.url)('node-rdkafka');
const [brokers, topic, count = '300000'] = process.argv.slice(2);
const messages = Number(count);

const consumer = new rdkafka.KafkaConsumer(
  {
    'bootstrap.servers': brokers,
    'group.id': `raw-${process.pid}-${Date.now()}`,
    'enable.auto.commit': false,
    'fetch.queue.backoff.ms': 5,
  },
  { 'auto.offset.reset': 'earliest' },
);
consumer.setDefaultConsumeTimeout(50);
consumer.connect({ topic, allTopics: false }, () => {
  consumer.subscribe([topic]);
  let consumed = 0;
  let startedAt = 0;
  const next = (): void =>
    consumer.consume(1_000, (error: Error | null, batch: unknown[]) => {
      if (error) throw error;
      if (startedAt === 0 && batch.length > 0) startedAt = performance.now();
      consumed += batch.length;
      if (consumed < messages) return next();
      const seconds = (performance.now() - startedAt) / 1_000;
      console.log(JSON.stringify({ perSecond: messages / seconds }));
      process.exit(0);
    });
  next();
});
