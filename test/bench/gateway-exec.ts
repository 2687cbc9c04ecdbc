// EXEC on a real Kafka: 100 RPUSHX in each of ten connections, one of two records alone, and one of a single record beside XADD.
// node build/test/bench/gateway-exec.js [--quick]
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { connect } from '../support/redis-client.js';
import { benchKafka, warmUp } from './yardsticks/kafka.js';
import { percentile } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const seconds = quick ? 3 : 10;
const connections = 10;
const each = 100;
const value = 'x'.repeat(100);

const kafka = await benchKafka();
const gateway = await GatewayProcess.start({ config: { general: { 'bootstrap.servers': kafka.brokers } } });
const clients = await Promise.all(Array.from({ length: connections }, () => connect(gateway.port)));
try {
  const topic = `topics:exec${Date.now()}`;
  await clients[0]!.call('RPUSHX', topic, value);
  await clients[0]!.call('DUMP', '10000');
  await warmUp(gateway.port, true);
  await together(topic, 1_000);
  const perSecond = await together(topic, seconds * 1_000);
  const what = `EXEC of ${each} RPUSHX, ${connections} connections, messages`;
  row({ what, ours: perSecond, unit: '/s', target: '>= 30000', targetOf: 'ours' });
  const two = await times(() => exec(clients[0]!, topic, 2));
  row({ what: 'EXEC of two records, alone: p50', ours: percentile(two, 0.5), unit: ' ms', target: '<= 40' });
  row({ what: 'EXEC of two records, alone: p99', ours: percentile(two, 0.99), unit: ' ms' });
  const one = await times(() => exec(clients[0]!, topic, 1));
  const xadd = await times(() => clients[0]!.call('XADD', topic, '*', 'value', value));
  const [ours, theirs] = [percentile(one, 0.5), percentile(xadd, 0.5)];
  row({ what: 'EXEC of one record: p50', ours, unit: ' ms', yardstick: theirs, against: 'XADD', target: '<= 1.1' });
} finally {
  for (const client of clients) client.disconnect();
  await gateway.stop();
  await kafka.stop();
}

async function exec(client: Redis, topic: string, count: number): Promise<void> {
  const multi = client.multi();
  for (let n = 0; n < count; n++) multi.call('RPUSHX', topic, value);
  for (const [error] of (await multi.exec()) ?? []) if (error) throw error;
}

/** Messages a second, of all connections. */
async function together(topic: string, forMs: number): Promise<number> {
  const start = performance.now();
  const counts = await Promise.all(
    clients.map(async (client) => {
      let count = 0;
      for (; performance.now() - start < forMs; count += each) await exec(client, topic, each);
      return count;
    }),
  );
  return (counts.reduce((sum, count) => sum + count, 0) / (performance.now() - start)) * 1_000;
}

/** How long each call took, ms, in order of length. */
async function times(call: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  const until = performance.now() + (seconds * 1_000) / 2;
  while (performance.now() < until) {
    const from = performance.now();
    await call();
    taken.push(performance.now() - from);
  }
  return taken.sort((a, b) => a - b);
}
