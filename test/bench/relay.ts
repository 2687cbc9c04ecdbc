// Bench: the relay with exactly_once against a raw loop of node-rdkafka (consume feeding produce, with `_t`, no checks), in one run.
//
// npm run build && node build/test/bench/relay.js [--small 1000000] [--large 200000] [--rounds 5] [--quick]
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import type { KafkaFactory, ProducerRecord } from '../../src/core/ports.js';
import { makeTopic, type RealCluster, startClusters, stopClusters } from '../support/relay-clusters.js';
import { fill } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';
import { interleaved, row } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const { values: options } = parseArgs({
  options: {
    small: { type: 'string', default: quick ? '200000' : '1000000' },
    large: { type: 'string', default: quick ? '50000' : '200000' },
    rounds: { type: 'string', default: quick ? '3' : '5' },
    quick: { type: 'boolean' },
  },
});

const rdkafka = createRequire(import.meta.url)('node-rdkafka');

interface RawMessage {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
}

const partitions = 4;

interface Round {
  readonly relay: number;
  readonly raw: number;
}

/** Records of one size, in the shape the relay will find them. */
function* records(topic: string, count: number, bytes: number): Generator<ProducerRecord> {
  const value = randomBytes(bytes);
  for (let n = 0; n < count; n++) yield { topic, partition: n % partitions, key: null, value };
}

async function fillTopic(kafka: KafkaFactory, topic: string, count: number, bytes: number): Promise<void> {
  await makeTopic(kafka, topic, partitions);
  const lot = 50_000;
  for (let done = 0; done < count; done += lot) await fill(kafka, records(topic, Math.min(lot, count - done), bytes));
}

/** Messages a second from the first fetch to the end, and the most memory, of `rafka relay --stop-at-end` as a process. */
async function relayRate(
  source: RealCluster,
  target: RealCluster,
  from: string,
  to: string,
  count: number,
): Promise<{ rate: number; rss: number }> {
  await makeTopic(target.kafka, to, partitions);
  const toml = await relayToml([source.server.brokers], target.server.brokers, { topics: { [from]: to } });
  const relay = await RelayProcess.start(toml, ['--stop-at-end']);
  let rss = 0;
  const watching = setInterval(() => {
    rss = Math.max(rss, relay.peakRss);
  }, 50);
  const code = await relay.exited;
  clearInterval(watching);
  if (code !== 0 || !relay.output.includes(`${count} messages`)) throw new Error(relay.output);
  const took = Number(relay.line('topic ended')?.time) - Number(relay.line('reading')?.time);
  return { rate: (count * 1_000) / took, rss };
}

/** The yardstick: node-rdkafka itself, one consumer feeding one idempotent producer, errors-only reports, `_t`, no checks. */
async function rawRate(
  source: RealCluster,
  target: RealCluster,
  from: string,
  to: string,
  count: number,
): Promise<number> {
  await makeTopic(target.kafka, to, partitions);
  const global = {
    'bootstrap.servers': target.server.brokers,
    'enable.idempotence': true,
    'linger.ms': 20,
    dr_cb: true,
    'delivery.report.only.error': true,
  };
  const producer = new rdkafka.Producer(global, {});
  const reading = {
    'bootstrap.servers': source.server.brokers,
    'group.id': to,
    'enable.auto.commit': false,
    'fetch.queue.backoff.ms': 5,
  };
  const consumer = new rdkafka.KafkaConsumer(reading, { 'auto.offset.reset': 'earliest' });
  for (const client of [producer, consumer]) await new Promise((resolve) => client.connect({}, resolve));
  consumer.setDefaultConsumeTimeout(0);
  const began = performance.now();
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: from, partition, offset: 0 })));
  for (let done = 0; done < count; ) {
    const batch = await new Promise<RawMessage[]>((resolve) =>
      consumer.consume(1_000, (_error: unknown, list: RawMessage[]) => resolve(list ?? [])),
    );
    if (batch.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const { partition, key, value, timestamp } of batch) {
      for (;;) {
        try {
          producer.produce(to, partition, value, key, timestamp, undefined, [
            { _t: Buffer.from(`${timestamp}000000`) },
          ]);
          break;
        } catch {
          producer.poll();
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
    }
    done += batch.length;
  }
  await new Promise((resolve) => producer.flush(60_000, resolve));
  const rate = (count * 1_000) / (performance.now() - began);
  await Promise.all([producer, consumer].map((client) => new Promise((resolve) => client.disconnect(resolve))));
  return rate;
}

async function measure(name: string, clusters: readonly RealCluster[], count: number, bytes: number): Promise<void> {
  const [source, target] = clusters as [RealCluster, RealCluster];
  const from = `from-${bytes}`;
  await fillTopic(source.kafka, from, count, bytes);
  const rounds: Round[] = [];
  let peak = 0;
  for (let round = 0; round < Number(options.rounds); round++) {
    const { rate: relay, rss } = await relayRate(source, target, from, `relay-${bytes}-${round}`, count);
    peak = Math.max(peak, rss);
    const raw = await rawRate(source, target, from, `raw-${bytes}-${round}`, count);
    rounds.push({ relay, raw });
    console.error(
      `${name} round ${round + 1}: relay ${Math.round(relay)}/s, raw loop ${Math.round(raw)}/s, ratio ${(relay / raw).toFixed(2)}`,
    );
  }
  interleaved(
    { what: `relay exactly once, ${count.toLocaleString('en')} of ${name}`, unit: '/s', against: 'raw loop' },
    rounds.map(({ relay }) => relay),
    rounds.map(({ raw }) => raw),
  );
  row({ what: `relay, ${name}: peak memory`, ours: peak / 1_048_576, unit: ' MiB' });
}

const clusters = await startClusters(2, { fast: true });
try {
  await measure('100 B', clusters, Number(options.small), 100);
  if (Number(options.large) > 0) await measure('1 KiB', clusters, Number(options.large), 1_024);
} finally {
  await stopClusters(clusters);
}
