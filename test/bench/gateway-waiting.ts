// What waiting costs: 100 BLPOPs in 100 groups; 200 consumers in 200 groups and in one group; idle connections. On a real Kafka.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { createLog } from '../../src/log.js';
import { GatewayProcess } from '../support/gateway.js';
import { connect, pop } from '../support/redis-client.js';
import { keepAwake } from './yardsticks/awake.js';
import { benchKafka } from './yardsticks/kafka.js';
import { cpuSeconds, median, percentile, residentBytes } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

keepAwake();
const kafka = await benchKafka();
const factory = await createKafkaFactory({
  general: { 'bootstrap.servers': kafka.brokers },
  log: createLog({ level: 'silent', pretty: false }),
});
const gateway = await GatewayProcess.start({
  config: {
    general: { 'bootstrap.servers': kafka.brokers },
    consumer: { 'auto.offset.reset': 'earliest' },
    producer: { 'linger.ms': 0 },
  },
});
const threads = (): number => readdirSync(`/proc/${gateway.pid}/task`).length;
const files = (): number => readdirSync(`/proc/${gateway.pid}/fd`).length;
const quick = process.argv.includes('--quick');
const line = (what: string, ours: number, unit: string, target: string): void => row({ what, ours, unit, target });

try {
  await waiting(100);
  await many(200, 'in 200 groups', 4, (index) => `many${index}:c`);
  if (!quick) await many(200, 'in one group of a 200-partition topic', 200, (index) => `one:c${index}`);
} finally {
  await factory.close();
  await gateway.stop();
  await kafka.stop();
}

/** Consumers that wait and are given nothing; then messages, one at a time. */
async function waiting(count: number): Promise<void> {
  const producer = await connect(gateway.port);
  await producer.call('RPUSHX', 'topics:wait', 'warm');
  await producer.call('DUMP', '10000');
  const clients = await Promise.all(
    Array.from({ length: count }, (_, index) => connect(gateway.port, `wait${index}:c`)),
  );
  await Promise.all(clients.map((client) => pop(client, 'topics:wait', 30)));
  const idle = clients.map((client) => pop(client, 'topics:wait', 120));
  await sleep(2_000);
  const other = await connect(gateway.port);
  const [cpu, startedAt] = [cpuSeconds(gateway.pid), performance.now()];
  const pings: number[] = [];
  while (performance.now() - startedAt < 10_000) {
    const sentAt = performance.now();
    await other.ping();
    pings.push(performance.now() - sentAt);
    await sleep(20);
  }
  const share = (cpuSeconds(gateway.pid) - cpu) / ((performance.now() - startedAt) / 1_000);
  line(`${count} waiting in BLPOP: CPU of one core`, share * 100, ' %', '<= 8');
  line(`${count} waiting in BLPOP: another connection's PING p99`, percentile(pings, 0.99), ' ms', '<= 5');
  // The others go on waiting; on a topic of its own, or each message would be fetched for a hundred groups.
  const lone = await connect(gateway.port, 'lone:c');
  await producer.call('RPUSHX', 'topics:lone', 'warm');
  await pop(lone, 'topics:lone', 30);
  const latencies: number[] = [];
  for (let round = 0; round < 200; round += 1) {
    const answer = pop(lone, 'topics:lone', 30);
    await sleep(5);
    const sentAt = performance.now();
    await producer.call('RPUSHX', 'topics:lone', `m${round}`);
    await answer;
    latencies.push(performance.now() - sentAt);
  }
  line(`${count} waiting in BLPOP: another's RPUSHX (linger 0) to its BLPOP, p50`, median(latencies), ' ms', '<= 4');
  for (const client of [...clients, producer, other, lone]) client.disconnect();
  await Promise.allSettled(idle);
  await untilClosed();
}

async function many(count: number, how: string, partitions: number, name: (index: number) => string): Promise<void> {
  const topic = `many${Date.now()}`;
  await factory.admin.createTopic({ name: topic, partitions });
  const producer = await connect(gateway.port);
  for (let index = 0; index < 2_000; index += 1) void producer.call('RPUSHX', `topics:${topic}`, `m${index}`);
  await producer.call('DUMP', '30000');
  producer.disconnect();
  await sleep(500);
  const [threadsBefore, filesBefore] = [threads(), files()];
  const clients = await Promise.all(Array.from({ length: count }, (_, index) => connect(gateway.port, name(index))));
  const startedAt = performance.now();
  const probe = pingUntil();
  await Promise.all(clients.map((client) => assigned(client, topic)));
  const them = `${count} consumers ${how}`;
  line(`${them}: all assigned after`, (performance.now() - startedAt) / 1_000, ' s', '<= 15');
  // The event loop lags no more than that.
  line(`${them}: PING p99 meanwhile`, percentile(await probe.stop(), 0.99), ' ms', '<= 20');
  line(`${them}: memory of the gateway`, residentBytes(gateway.pid) / 1e6, ' MB', '');
  const leftAt = performance.now();
  for (const client of clients) client.disconnect();
  await untilClosed();
  line(`${them}: all disconnected and left after`, (performance.now() - leftAt) / 1_000, ' s', '<= 10');
  await sleep(2_000);
  row({ what: `${them}: threads left over`, ours: threads() - threadsBefore, target: '<= 0' });
  row({ what: `${them}: file descriptors left over`, ours: files() - filesBefore, target: '<= 0' });
}

/** A member has its partitions when it got a message. */
async function assigned(client: Redis, topic: string): Promise<void> {
  while (!(await pop(client, `topics:${topic}`, 1))) {
    if (client.status === 'end') throw new Error('the gateway closed a consumer');
  }
}

function pingUntil(): { stop(): Promise<number[]> } {
  const pings: number[] = [];
  let going = true;
  const run = async (): Promise<void> => {
    const client = await connect(gateway.port);
    while (going) {
      const sentAt = performance.now();
      await client.ping();
      pings.push(performance.now() - sentAt);
      await sleep(10);
    }
    client.disconnect();
  };
  const running = run();
  return {
    async stop() {
      going = false;
      await running;
      return pings;
    },
  };
}

/** No consumer and no producer is open any more. */
async function untilClosed(): Promise<void> {
  const client = await connect(gateway.port);
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; await sleep(50)) {
    const info = String(await client.call('INFO', 'kafka'));
    if (/kafka_consumers:0\r/.test(info)) break;
  }
  client.disconnect();
}
