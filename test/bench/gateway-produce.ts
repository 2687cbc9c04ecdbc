// RPUSHX through the gateway on a real Kafka: against raw producing (R), redis-server (S) and a bare Node server (E), interleaved.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { bareServer, cpuSeconds, head, median, redisBenchmark, report, rounds, yardstick } from './yardsticks/run.js';

const value = 'x'.repeat(100);
const rpushx = ['RPUSHX', 'topics:bench', value];

const kafka = await KafkaServer.start({ fast: true });
const gateway = await GatewayProcess.start({ config: { general: { 'bootstrap.servers': kafka.brokers } } });
const redisPort = await freePort();
const redis = spawn('redis-server', ['--port', String(redisPort), '--save', '', '--appendonly', 'no'], {
  stdio: 'ignore',
});
const bare = await bareServer();
try {
  await redisBenchmark(gateway.port, { requests: 200_000, pipeline: 64, clients: 1 }, ...rpushx);
  await pipelined();
  await oneByOne();
} finally {
  bare.stop();
  redis.kill();
  await once(redis, 'exit');
  await gateway.stop();
  await kafka.stop();
}

/** Many commands under way: against raw producing. */
async function pipelined(): Promise<void> {
  head('requests/s', 'R');
  const cases = [
    { name: 'P 64, 1 connection', target: '>= 1.4', requests: 400_000, pipeline: 64, clients: 1 },
    { name: 'P 64, 10 connections', target: '>= 1.4', requests: 400_000, pipeline: 64, clients: 10 },
    { name: 'P 16, 1 connection', target: '>= 0.9', requests: 300_000, pipeline: 16, clients: 1 },
    { name: 'P 16, 10 connections', target: '>= 0.9', requests: 300_000, pipeline: 16, clients: 10 },
  ];
  const cpu: number[] = [];
  for (const { name, target, ...load } of cases) {
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      raw.push(await yardstick('raw-produce', kafka.brokers, 'raw', 300_000));
      const before = cpuSeconds(gateway.pid);
      ours.push(await redisBenchmark(gateway.port, load, ...rpushx));
      if (load.pipeline === 64) cpu.push(((cpuSeconds(gateway.pid) - before) / load.requests) * 1e6);
    }
    report(`RPUSHX ${name}`, target, ours, raw);
  }
  const [ours, raw]: [number[], number[]] = [[], []];
  const many = ['RPUSHX', 'topics:bench', ...Array.from({ length: 64 }, () => value)];
  for (let round = 0; round < rounds; round += 1) {
    raw.push(await yardstick('raw-produce', kafka.brokers, 'raw', 300_000));
    ours.push(64 * (await redisBenchmark(gateway.port, { requests: 10_000, pipeline: 1, clients: 1 }, ...many)));
  }
  report('RPUSHX with 64 values, messages/s', '>= 2', ours, raw);
  console.log(`\nCPU of the gateway process a message at P 64: ${median(cpu).toFixed(2)} us (target <= 2.5)`);
}

/** One command under way on each connection: against the floor of a Node server, and redis-server. */
async function oneByOne(): Promise<void> {
  head('requests/s', 'yardstick');
  const load = (clients: number) => ({ requests: clients === 1 ? 40_000 : 100_000, pipeline: 1, clients });
  for (const clients of [1, 10, 50]) {
    const [ours, floor, reference]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      floor.push(await redisBenchmark(bare.port, load(clients), ...rpushx));
      ours.push(await redisBenchmark(gateway.port, load(clients), ...rpushx));
      reference.push(await redisBenchmark(redisPort, load(clients), 'RPUSH', `list${round}`, value));
    }
    report(`RPUSHX P 1, ${clients} connections, against E`, clients === 1 ? '>= 0.85' : '', ours, floor);
    report(`RPUSHX P 1, ${clients} connections, against S`, clients === 1 ? '' : '>= 0.65', ours, reference);
  }
}
