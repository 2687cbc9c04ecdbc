// A consumer that is far behind and slow: what its backlog costs the gateway in memory, on a real Kafka.
// node build/test/bench/gateway-backlog.js [--quick]
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway.js';
import { ack, connect, pop } from '../support/redis-client.js';
import { benchKafka } from './yardsticks/kafka.js';
import { redisBenchmark, residentBytes } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const messages = quick ? 300_000 : 3_000_000;
const popsPerSecond = 20;
const minutes = quick ? 0.5 : 3;

const kafka = await benchKafka();
const gateways: GatewayProcess[] = [];
try {
  const general = { 'bootstrap.servers': kafka.brokers };
  const start = async (): Promise<GatewayProcess> => {
    const gateway = await GatewayProcess.start({ config: { general, consumer: { 'auto.offset.reset': 'earliest' } } });
    gateways.push(gateway);
    return gateway;
  };
  const load = { requests: messages, pipeline: 64, clients: 4 };
  await redisBenchmark((await start()).port, load, 'RPUSHX', 'topics:backlog', 'x'.repeat(100));
  await readSlowly(await start());
} finally {
  for (const gateway of gateways) await gateway.stop();
  await kafka.stop();
}

async function readSlowly(gateway: GatewayProcess): Promise<void> {
  const client = await connect(gateway.port, 'slow:c');
  const before = residentBytes(gateway.pid);
  const above = (): number => (residentBytes(gateway.pid) - before) / 1024 / 1024;
  let [most, halfway] = [0, 0];
  const pops = popsPerSecond * 60 * minutes;
  for (let taken = 0; taken < pops; taken += 1) {
    const message = await pop(client, 'topics:backlog', 30);
    if (!message) throw new Error('the backlog is not read');
    await ack(client, message);
    most = Math.max(most, above());
    if (taken === pops / 2) halfway = most;
    await sleep(1_000 / popsPerSecond);
  }
  client.disconnect();
  const what = `a slow client behind ${messages.toLocaleString('en')} messages`;
  row({ what: `${what}: most memory above the process before`, ours: most, unit: ' MiB', target: '<= 32' });
  const second = `of it in the second half of ${minutes} minutes`;
  row({ what: `${what}: ${second}`, ours: most - halfway, unit: ' MiB', target: '<= 8' });
}
