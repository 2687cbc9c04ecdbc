// EXEC on a real Kafka: 100 RPUSHX in each of ten connections, one of two records alone, and one of a single record beside XADD.
// node build/test/bench/gateway-exec.js [--quick]
import { GatewayProcess } from '../support/gateway.js';
import { benchKafka, warmUp } from './yardsticks/kafka.js';
import { RawClient, requestOf } from './yardsticks/raw-client.js';
import { percentile } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const seconds = quick ? 3 : 10;
const connections = 10;
const each = 100;
const value = 'x'.repeat(100);
const topic = `exec${Date.now()}`;

/** MULTI, so many RPUSHX, EXEC; the lines of its reply: OK, QUEUED, and an array of numbers. */
const execOf = (count: number): readonly [Buffer, number] => [
  requestOf(['MULTI'], ...Array.from({ length: count }, () => ['RPUSHX', `topics:${topic}`, value]), ['EXEC']),
  2 + 2 * count,
];
const xadd = [requestOf(['XADD', topic, '*', 'value', value]), 2] as const;

const kafka = await benchKafka();
const gateway = await GatewayProcess.start({ config: { general: { 'bootstrap.servers': kafka.brokers } } });
const clients = await Promise.all(Array.from({ length: connections }, () => RawClient.open(gateway.port)));
const [first] = clients as [RawClient];
try {
  await first.ask(requestOf(['RPUSHX', `topics:${topic}`, value], ['DUMP', '10000']), 2);
  await warmUp(gateway.port, true);
  // The broker compiles what transactions use.
  await together(5_000);
  const perSecond = await together(seconds * 1_000);
  const what = `EXEC of ${each} RPUSHX, ${connections} connections, messages`;
  row({ what, ours: perSecond, unit: '/s', target: '>= 30000', targetOf: 'ours' });
  const [two] = await times(execOf(2));
  row({ what: 'EXEC of two records, alone: p50', ours: percentile(two!, 0.5), unit: ' ms', target: '<= 40' });
  row({ what: 'EXEC of two records, alone: p99', ours: percentile(two!, 0.99), unit: ' ms' });
  const [one, theirs] = (await times(execOf(1), xadd)).map((taken) => percentile(taken, 0.5));
  const target = { yardstick: theirs!, against: 'XADD', target: '<= 1.1' };
  row({ what: 'EXEC of one record: p50', ours: one!, unit: ' ms', ...target });
} finally {
  for (const client of clients) client.close();
  await gateway.stop();
  await kafka.stop();
}

/** Messages a second, of all connections. */
async function together(forMs: number): Promise<number> {
  const start = performance.now();
  const request = execOf(each);
  const counts = await Promise.all(
    clients.map(async (client) => {
      let count = 0;
      for (; performance.now() - start < forMs; count += each) await client.ask(...request);
      return count;
    }),
  );
  return (counts.reduce((sum, count) => sum + count, 0) / (performance.now() - start)) * 1_000;
}

/** How long each of these takes, ms, in order of length. They take turns, so that what else the machine does meets all of them. */
async function times(...requests: readonly (readonly [Buffer, number])[]): Promise<number[][]> {
  const taken: number[][] = requests.map(() => []);
  const until = performance.now() + (seconds * 1_000) / 2;
  while (performance.now() < until) {
    for (const [index, request] of requests.entries()) {
      const from = performance.now();
      await first.ask(...request);
      taken[index]!.push(performance.now() - from);
    }
  }
  return taken.map((each) => each.sort((a, b) => a - b));
}
