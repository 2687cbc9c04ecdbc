// Bench: the relay with exactly_once against a raw loop (consume feeding produce, with `_t`, no checks), in one run.
//
// npm run build && node build/test/bench/relay.js [--small 1000000] [--large 200000] [--rounds 5] [--json]
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { KafkaFactory, ProducerRecord } from '../../src/core/ports.js';
import { makeTopic, type RealCluster, startClusters, stopClusters } from '../support/relay-clusters.js';
import { fill } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';

const { values: options } = parseArgs({
  options: {
    small: { type: 'string', default: '1000000' },
    large: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});

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

/** The yardstick: one consumer feeding one idempotent producer, errors-only reports. */
async function rawRate(
  source: RealCluster,
  target: RealCluster,
  from: string,
  to: string,
  count: number,
): Promise<number> {
  await makeTopic(target.kafka, to, partitions);
  const properties = {
    'enable.idempotence': true,
    'linger.ms': 20,
    'queue.buffering.max.messages': 100_000,
    'batch.num.messages': 10_000,
  };
  const producer = await target.kafka.producer(
    {
      reports: 'errors',
      onReport: (report) => {
        throw new Error(report.error?.message);
      },
      properties,
    },
    10_000,
  );
  const reading = { 'fetch.queue.backoff.ms': 5, 'auto.offset.reset': 'earliest' };
  const consumer = await source.kafka.consumer({ properties: reading }, 10_000);
  const began = performance.now();
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: from, partition, offset: 0 })));
  for (let done = 0; done < count; ) {
    const batch = await consumer.poll(1_000, 100);
    for (const { partition, key, value, timestamp } of batch) {
      const record = {
        topic: to,
        partition,
        key,
        value,
        timestamp,
        headers: [{ key: '_t', value: Buffer.from(`${timestamp}000000`) }],
      };
      for (;;) {
        try {
          producer.produce(record);
          break;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
    }
    done += batch.length;
  }
  await producer.flush(60_000);
  const rate = (count * 1_000) / (performance.now() - began);
  await Promise.all([producer.close(5_000), consumer.close(5_000)]);
  return rate;
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

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
  const result = {
    name,
    messages: count,
    bytes,
    relay: Math.round(median(rounds.map(({ relay }) => relay))),
    raw: Math.round(median(rounds.map(({ raw }) => raw))),
    ratio: Number(median(rounds.map(({ relay, raw }) => relay / raw)).toFixed(2)),
    peakRssMiB: Math.round(peak / 1_048_576),
  };
  console.log(
    options.json
      ? JSON.stringify(result)
      : `${name}: relay ${result.relay}/s, raw loop ${result.raw}/s, ratio ${result.ratio}, peak RSS ${result.peakRssMiB} MiB`,
  );
}

const clusters = await startClusters(2, { fast: true });
try {
  await measure('100 B', clusters, Number(options.small), 100);
  await measure('1 KiB', clusters, Number(options.large), 1_024);
} finally {
  await stopClusters(clusters);
}
