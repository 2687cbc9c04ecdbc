// XRANGE and XREVRANGE with COUNT 10 over a large topic of 16 partitions: time from random places, and the gateway's memory.
// node build/test/bench/streams-range.js  (RAFKA_BENCH_ENTRIES: 10,000,000 by default; a Kafka of its own is started)
import { setImmediate as turn } from 'node:timers/promises';
import { KafkaCode, KafkaError } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { createLog } from '../../src/log.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { connect } from '../support/redis-client.js';
import { median, percentile, residentBytes } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const entries = Number(process.env.RAFKA_BENCH_ENTRIES ?? (process.argv.includes('--quick') ? 1_000_000 : 10_000_000));
const partitions = 16;
const calls = 100;
const topic = 'large';

const kafka = await KafkaServer.start({ fast: true });
const gateway = await GatewayProcess.start({ config: { general: { 'bootstrap.servers': kafka.brokers } } });
const client = await connect(gateway.port);

interface Times {
  readonly first: number;
  readonly last: number;
}

async function fill(): Promise<void> {
  const log = createLog({ level: 'silent', pretty: false });
  const factory = await createKafkaFactory({ general: { 'bootstrap.servers': kafka.brokers }, log });
  const config = { 'message.timestamp.type': 'LogAppendTime' };
  await factory.admin.createTopic({ name: topic, partitions, config });
  const properties = { 'linger.ms': 20, 'queue.buffering.max.messages': 200_000 };
  const producer = await factory.producer({ reports: 'errors', onReport: () => {}, properties }, 10_000);
  const value = Buffer.alloc(100, 'x');
  for (let index = 0; index < entries; ) {
    try {
      for (let burst = 0; burst < 5_000 && index < entries; burst++) {
        producer.produce({ topic, partition: index % partitions, key: null, value });
        index++;
      }
    } catch (error) {
      if (!(error instanceof KafkaError && error.code === KafkaCode.queueFull)) throw error;
      await producer.flush(10);
    }
    await turn();
  }
  if (!(await producer.flush(60_000))) throw new Error('not all was delivered');
  await producer.close(1_000);
  await factory.close();
}

/** Of the first and the last entry. */
async function times(): Promise<Times> {
  const facts = (await client.call('XINFO', 'STREAM', topic)) as (string | [id: string])[];
  const timeOf = (name: string) => Number.parseInt(facts[facts.indexOf(name) + 1]![0]!, 10);
  return { first: timeOf('first-entry'), last: timeOf('last-entry') };
}

async function timed(command: 'XRANGE' | 'XREVRANGE', { first, last }: Times): Promise<void> {
  const took: number[] = [];
  for (let call = 0; call < calls; call++) {
    const at = String(Math.floor(first + (0.02 + 0.96 * Math.random()) * (last - first)));
    const startedAt = performance.now();
    const found = await client.call(command, topic, at, command === 'XRANGE' ? '+' : '-', 'COUNT', '10');
    took.push(performance.now() - startedAt);
    if ((found as unknown[]).length !== 10)
      throw new Error(`${command} from ${at} found ${(found as unknown[]).length}`);
  }
  const what = `${command} COUNT 10 of ${entries.toLocaleString('en')} entries, from a random time`;
  row({ what: `${what}: p50`, ours: median(took), unit: ' ms', target: command === 'XRANGE' ? '<= 120' : '' });
  row({ what: `${what}: p95`, ours: percentile(took, 0.95), unit: ' ms' });
}

try {
  await fill();
  await client.call('XADD', 'warm', '*', 'value', 'x');
  await client.call('XRANGE', 'warm', '-', '+');
  const before = residentBytes(gateway.pid);
  const span = await times();
  await timed('XRANGE', span);
  await timed('XREVRANGE', span);
  const grown = (residentBytes(gateway.pid) - before) / 2 ** 20;
  row({ what: 'XRANGE and XREVRANGE: memory of the gateway after them', ours: grown, unit: ' MB more' });
} finally {
  client.disconnect();
  await gateway.stop();
  await kafka.stop();
}
