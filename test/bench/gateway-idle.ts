// What connections cost that did something once and idle: producers, and consumers that do not ask. On a real Kafka.
// node build/test/bench/gateway-idle.js [producers] [consumers] [readers] [--quick]
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { connect, pop } from '../support/redis-client.js';
import { benchKafka } from './yardsticks/kafka.js';
import { cpuSeconds, residentBytes } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const count = process.argv.includes('--quick') ? 100 : 500;
const idleTimeoutMs = 10_000;
const kafka = await benchKafka();
const producers = {
  name: 'producers',
  what: `${count} that have produced once, after producerIdleTimeoutMs`,
  targets: { cpu: '<= 1', memory: '<= 150' },
  once: (client: Redis, index: number) => client.call('RPUSHX', 'topics:idle', `m${index}`),
};
const consumers = {
  name: 'consumers',
  what: `${count} idle consumers`,
  targets: { cpu: '<= 20', memory: '<= 400' },
  once: (client: Redis) => pop(client, 'topics:few', 60),
};
/** They have asked for one message: what librdkafka has read for them stays with each. */
const readers = {
  name: 'readers',
  what: `${count} idle consumers that have left 2,000 messages unread`,
  targets: { cpu: '', memory: '' },
  once: (client: Redis) => pop(client, 'topics:first-readers', 60),
};
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
try {
  for (const crowd of [producers, consumers, readers])
    if (named.length === 0 || named.includes(crowd.name)) await measure(crowd);
} finally {
  await kafka.stop();
}

async function measure({ name, what, targets, once }: typeof producers): Promise<void> {
  const gateway = await GatewayProcess.start({
    config: { general: { 'bootstrap.servers': kafka.brokers }, consumer: { 'auto.offset.reset': 'earliest' } },
    args: ['--producer-idle-timeout', String(idleTimeoutMs), '--max-consumers', '800'],
    env: { UV_THREADPOOL_SIZE: '900' },
  });
  const threads = (): number => readdirSync(`/proc/${gateway.pid}/task`).length;
  const clients: Redis[] = [];
  try {
    const first = await connect(gateway.port);
    for (let index = 0; index < 2_000; index += 1) await first.call('RPUSHX', `topics:first-${name}`, `m${index}`);
    await first.call('RPUSHX', 'topics:few', 'one');
    await first.call('DUMP', '10000');
    first.disconnect();
    await sleep(2_000);
    const [memory, before] = [residentBytes(gateway.pid), threads()];
    for (let index = 0; index < count; index += 1) clients.push(await connect(gateway.port, `idle${index}:c`));
    await Promise.all(clients.map((client, index) => once(client, index)));
    await sleep(idleTimeoutMs + 15_000);
    const [cpu, from] = [cpuSeconds(gateway.pid), performance.now()];
    await sleep(15_000);
    const share = (cpuSeconds(gateway.pid) - cpu) / ((performance.now() - from) / 1_000);
    const above = (residentBytes(gateway.pid) - memory) / 1024 / 1024;
    row({ what: `${what}: CPU of one core`, ours: share * 100, unit: ' %', target: targets.cpu });
    row({ what: `${what}: memory above the process before`, ours: above, unit: ' MB', target: targets.memory });
    row({ what: `${what}: threads`, ours: threads(), against: 'before', yardstick: before });
  } finally {
    for (const client of clients) client.disconnect();
    await gateway.stop();
  }
}
