// Yardstick R: node-rdkafka alone, a delivery report for each message. usage: raw-produce.js <brokers> <topic> <messages>
import { createRequire } from 'node:module';

const rdkafka = createRequire(import.meta.url)('node-rdkafka');
const [brokers, topic, count = '300000'] = process.argv.slice(2);
const messages = Number(count);
const value = Buffer.alloc(100, 'x');

const producer = new rdkafka.Producer(
  { 'bootstrap.servers': brokers, dr_cb: true, 'queue.buffering.max.messages': 100_000, 'enable.idempotence': true },
  { acks: 'all' },
);
let reported = 0;
let startedAt = 0;
producer.on('delivery-report', () => {
  reported += 1;
  if (reported < messages) return;
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(JSON.stringify({ perSecond: messages / seconds }));
  producer.disconnect(() => process.exit(0));
});
producer.connect({ topic, allTopics: false }, () => {
  startedAt = performance.now();
  let produced = 0;
  const fill = (): void => {
    try {
      for (let burst = 0; burst < 2_000 && produced < messages; burst += 1) {
        producer.produce(topic, null, value, null);
        produced += 1;
      }
    } catch {
      // The queue is full: poll and go on.
    }
    producer.poll();
    if (reported < messages) setImmediate(fill);
  };
  fill();
});
