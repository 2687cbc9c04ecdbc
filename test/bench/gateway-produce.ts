// RPUSHX through the gateway on a real Kafka: against raw producing (R), redis-server (S) and a bare Node server (E), interleaved.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { benchKafka, warmUp } from './yardsticks/kafka.js';
import { bareServer, cpuSeconds, median, redisBenchmark, rounds, yardstick } from './yardsticks/run.js';
import { interleaved, row } from './yardsticks/table.js';

const value = 'x'.repeat(100);
const quick = process.argv.includes('--quick');
const rawMessages = quick ? 80_000 : 300_000;
const rpushx = ['RPUSHX', 'topics:bench', value];

const kafka = await benchKafka();
const gateway = await GatewayProcess.start({ config: { general: { 'bootstrap.servers': kafka.brokers } } });
const redisPort = await freePort();
const redis = spawn('redis-server', ['--port', String(redisPort), '--save', '', '--appendonly', 'no'], {
  stdio: 'ignore',
});
const bare = await bareServer();
try {
  await warmUp(gateway.port, quick);
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
  const cases = [
    { name: 'P 64, 1 connection', target: '>= 1.4', requests: quick ? 80_000 : 400_000, pipeline: 64, clients: 1 },
    { name: 'P 64, 10 connections', target: '>= 1.4', requests: quick ? 80_000 : 400_000, pipeline: 64, clients: 10 },
    { name: 'P 16, 1 connection', target: '>= 0.9', requests: quick ? 60_000 : 300_000, pipeline: 16, clients: 1 },
    { name: 'P 16, 10 connections', target: '>= 0.9', requests: quick ? 60_000 : 300_000, pipeline: 16, clients: 10 },
  ];
  const cpu: number[] = [];
  for (const { name, target, ...load } of cases) {
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      raw.push(await yardstick('raw-produce', kafka.brokers, 'raw', rawMessages));
      const before = cpuSeconds(gateway.pid);
      ours.push(await redisBenchmark(gateway.port, load, ...rpushx));
      if (load.pipeline === 64) cpu.push(((cpuSeconds(gateway.pid) - before) / load.requests) * 1e6);
    }
    interleaved({ what: `RPUSHX ${name}`, unit: '/s', against: 'R', target }, ours, raw);
  }
  const [ours, raw]: [number[], number[]] = [[], []];
  const many = ['RPUSHX', 'topics:bench', ...Array.from({ length: 64 }, () => value)];
  for (let round = 0; round < rounds; round += 1) {
    raw.push(await yardstick('raw-produce', kafka.brokers, 'raw', rawMessages));
    ours.push(
      64 * (await redisBenchmark(gateway.port, { requests: quick ? 2_500 : 10_000, pipeline: 1, clients: 1 }, ...many)),
    );
  }
  interleaved({ what: 'RPUSHX with 64 values, messages', unit: '/s', against: 'R', target: '>= 2' }, ours, raw);
  const what = 'CPU of the gateway process a message at P 64';
  row({ what, ours: median(cpu), unit: ' us', target: '<= 2.5' });
}

/** One command under way on each connection: against the floor of a Node server, and redis-server. */
async function oneByOne(): Promise<void> {
  const load = (clients: number) => {
    const requests = clients === 1 ? 20_000 : 60_000;
    return { requests: quick ? requests / 4 : requests, pipeline: 1, clients };
  };
  // A turn takes a second or two, and one scatters by a third.
  const turns = quick ? rounds : 3 * rounds;
  for (const clients of [1, 10, 50]) {
    const [ours, floor, reference]: [number[], number[], number[]] = [[], [], []];
    for (let turn = 0; turn < turns; turn += 1) {
      floor.push(await redisBenchmark(bare.port, load(clients), ...rpushx));
      ours.push(await redisBenchmark(gateway.port, load(clients), ...rpushx));
      reference.push(await redisBenchmark(redisPort, load(clients), 'RPUSH', `list${turn}`, value));
    }
    const what = `RPUSHX P 1, ${clients} connection${clients === 1 ? '' : 's'}`;
    interleaved({ what, unit: '/s', against: 'E', target: clients === 1 ? '>= 0.85' : '' }, ours, floor);
    interleaved({ what, unit: '/s', against: 'S', target: clients === 1 ? '' : '>= 0.65' }, ours, reference);
  }
}
