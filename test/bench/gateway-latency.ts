// From RPUSHX to another connection's BLPOP at 1,000 messages/s on a real Kafka, and pipelined producing: gathered by the gateway, and with
// librdkafka's lingers from 0 to 10 ms instead.
// node build/test/bench/gateway-latency.js [--lingers default,0,5] [--quick]
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway.js';
import { connect, pop } from '../support/redis-client.js';
import { keepAwake } from './yardsticks/awake.js';
import { benchKafka, warmUp } from './yardsticks/kafka.js';
import { cpuSeconds, median, percentile, redisBenchmark, rounds } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const seconds = quick ? 5 : 15;
const perSecond = 1_000;
/** At the same pace before it counts. */
const warmUpSeconds = quick ? 3 : 20;
keepAwake();
const kafka = await benchKafka();
try {
  let isFirst = true;
  for (const linger of lingers()) {
    await measure(linger, isFirst);
    isFirst = false;
  }
} finally {
  await kafka.stop();
}

/** `--lingers 0,5` chooses; undefined is the gateway's default, which gathers and does not linger. */
function lingers(): (number | undefined)[] {
  const chosen = process.argv[process.argv.indexOf('--lingers') + 1];
  if (process.argv.includes('--lingers') && chosen)
    return chosen.split(',').map((linger) => (linger === 'default' ? undefined : Number(linger)));
  return quick ? [undefined] : [undefined, 0, 1, 2, 5, 10];
}

async function measure(linger: number | undefined, warmsUp: boolean): Promise<void> {
  const gateway = await GatewayProcess.start({
    config: {
      general: { 'bootstrap.servers': kafka.brokers },
      consumer: { 'auto.offset.reset': 'earliest' },
      ...(linger === undefined ? {} : { producer: { 'linger.ms': linger }, resp: { lingerMs: 0 } }),
    },
  });
  try {
    const topic = `latency${linger ?? ''}${Date.now()}`;
    const rpushx = ['RPUSHX', `topics:${topic}x`, 'x'.repeat(100)];
    if (warmsUp) await warmUp(gateway.port, quick);
    const { latencies, cpu } = await atPace(gateway, topic);
    const name = linger === undefined ? 'gathered' : `linger.ms ${linger}`;
    const what = `RPUSHX to another connection's BLPOP, ${perSecond.toLocaleString('en')}/s, ${name}`;
    // The others are there to be compared with.
    const [p50, p99] = linger === undefined ? ['<= 2.5', '<= 7'] : ['', ''];
    row({ what: `${what}: p50`, ours: percentile(latencies, 0.5), unit: ' ms', target: p50 });
    row({ what: `${what}: p99`, ours: percentile(latencies, 0.99), unit: ' ms', target: p99 });
    row({ what: `${what}: most`, ours: latencies.at(-1)!, unit: ' ms' });
    row({ what: `${what}: CPU of one core`, ours: cpu * 100, unit: ' %' });
    if (quick) return;
    const [many, single]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      many.push(await redisBenchmark(gateway.port, { requests: 200_000, pipeline: 64, clients: 1 }, ...rpushx));
      single.push(await redisBenchmark(gateway.port, { requests: 40_000, pipeline: 1, clients: 10 }, ...rpushx));
    }
    row({ what: `RPUSHX P 64, 1 connection, ${name}`, ours: median(many), unit: '/s' });
    row({ what: `RPUSHX P 1, 10 connections, ${name}`, ours: median(single), unit: '/s' });
  } finally {
    await gateway.stop();
  }
}

/** Sends at a steady pace, so that a late answer does not hold the next message back. */
async function atPace(gateway: GatewayProcess, topic: string): Promise<{ latencies: number[]; cpu: number }> {
  const [producer, consumer] = [await connect(gateway.port), await connect(gateway.port, 'latency:c')];
  await producer.call('RPUSHX', `topics:${topic}`, '0');
  await producer.call('DUMP', '10000');
  await pop(consumer, `topics:${topic}`, 30);
  const latencies: number[] = [];
  const ahead = warmUpSeconds * perSecond;
  const total = ahead + seconds * perSecond;
  const reading = (async () => {
    for (let taken = 0; taken < total; taken += 1) {
      const got = await pop(consumer, `topics:${topic}`, 30);
      if (!got) throw new Error('nothing came for 30 s');
      if (taken >= ahead) latencies.push(performance.now() - Number(got.value));
    }
  })();
  const cpuBefore = cpuSeconds(gateway.pid);
  const startedAt = performance.now();
  for (let sent = 0; sent < total; ) {
    for (const due = ((performance.now() - startedAt) * perSecond) / 1_000; sent < due && sent < total; sent += 1)
      void producer.call('RPUSHX', `topics:${topic}`, String(performance.now()));
    await sleep(1);
  }
  await reading;
  const cpu = (cpuSeconds(gateway.pid) - cpuBefore) / ((performance.now() - startedAt) / 1_000);
  for (const client of [producer, consumer]) client.disconnect();
  return { latencies: latencies.sort((a, b) => a - b), cpu };
}
