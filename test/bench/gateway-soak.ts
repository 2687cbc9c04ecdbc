// Memory over time: a steady mixed load beside clients that come and go, on a real Kafka; resident memory each minute and its slope.
// node build/test/bench/gateway-soak.js [--minutes 30] [--warm-up 5] [--churn 50]
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway.js';
import { ack, connect, pop } from '../support/redis-client.js';
import { encodeCommand, RawClient } from '../support/resp-pair.js';
import { benchKafka } from './yardsticks/kafka.js';
import { cpuSeconds, residentBytes } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const minutes = option('minutes', process.argv.includes('--quick') ? 1 : 30);
const warmUp = option('warm-up', Math.max(minutes / 6, 0.3));
/** Connections that come and go each second. */
const churn = option('churn', 50);
const sampleEveryMs = 5_000;
const value = 'x'.repeat(100);

const rpushx = encodeCommand(['RPUSHX', 'topics:soak-visits', value]);
const dumpAll = encodeCommand(['DUMP', '5000']);

/** What a client that comes does before it goes; of twenty, so many. */
const visits: readonly {
  share: number;
  what: string;
  visit: (client: RawClient, index: number) => Promise<unknown>;
}[] = [
  { share: 8, what: 'visit: PING', visit: (client) => client.exchange(['PING']) },
  {
    share: 5,
    what: 'visit: RPUSHX, DUMP',
    visit: (client) => client.exchange(Buffer.concat([rpushx, rpushx, dumpAll]).toString('latin1')),
  },
  {
    share: 2,
    what: 'visit: RPUSHX, gone at once',
    visit: async (client) => client.send(['RPUSHX', 'topics:soak', value]),
  },
  {
    share: 1,
    what: 'visit: BLPOP, ack',
    visit: async (client, index) => {
      // A hundred groups in turn: the broker keeps each that was ever there.
      await client.exchange(['CLIENT', 'SETNAME', `visitor${index % 100}:c${index}`]);
      return client.exchange(['BLPOP', 'topics:soak-visits', '2']);
    },
  },
  {
    share: 2,
    what: 'visit: XADD, XRANGE',
    visit: (client) =>
      client.exchange(
        Buffer.concat([
          encodeCommand(['XADD', 'soak-visits', '*', 'value', value]),
          encodeCommand(['XREVRANGE', 'soak-visits', '+', '-', 'COUNT', '5']),
        ]).toString('latin1'),
      ),
  },
  {
    share: 1,
    what: 'visit: half a command',
    visit: async (client) => client.send('*2\r\n$4\r\nECHO\r\n$20000\r\nxxx'),
  },
  {
    share: 1,
    what: 'visit: INFO, HGETALL',
    visit: (client) => client.exchange('INFO\r\nHGETALL stats\r\nCLIENT LIST\r\n'),
  },
];

interface Sample {
  readonly minute: number;
  readonly mib: number;
}

const kafka = await benchKafka();
/** Has the gateway tell how much of its heap is in use, among the lines of its log. */
const tellHeap = `setInterval(() => console.error(JSON.stringify({ msg: 'heap', used: process.memoryUsage().heapUsed })), 1000).unref()`;
const gateway = await GatewayProcess.start({
  config: { general: { 'bootstrap.servers': kafka.brokers }, consumer: { 'auto.offset.reset': 'earliest' } },
  env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tellHeap)}` },
});
const startedAt = performance.now();
const endsAt = startedAt + minutes * 60_000;
const going = (): boolean => performance.now() < endsAt;
const done: Record<string, number> = {};
const failed: Record<string, number> = {};
/** Lines of the gateway's log. */
const errors: unknown[] = [];

try {
  const running = [produce(), produce(), consume(0), consume(1), dump(), streamProduce(), streamConsume(), ping()];
  const [samples] = await Promise.all([watch(), comeAndGo(), ...running]);
  const later = samples.filter(({ minute }) => minute >= warmUp);
  console.error(`done: ${JSON.stringify(done)}`);
  console.error(`failed: ${JSON.stringify(failed)}`);
  console.error(`lines of level error in the gateway's log: ${errors.length} ${JSON.stringify(errors[0] ?? '')}`);
  row({
    what: `mixed load for ${minutes} min, ${churn} new connections/s: growth of resident memory after ${warmUp} min`,
    ours: slope(later),
    unit: ' MiB/min',
    target: '< 1',
  });
} finally {
  await gateway.stop();
  await kafka.stop();
}

/** Samples every few seconds, tells every minute. */
async function watch(): Promise<Sample[]> {
  const samples: Sample[] = [];
  console.error('minute: resident memory, least heap in use, threads, files, CPU of one core');
  let [cpuBefore, at, told] = [cpuSeconds(gateway.pid), performance.now(), 0];
  while (going()) {
    await sleep(sampleEveryMs);
    const sample = {
      minute: (performance.now() - startedAt) / 60_000,
      mib: residentBytes(gateway.pid) / 1024 / 1024,
    };
    samples.push(sample);
    if (Math.floor(sample.minute) === told) continue;
    told = Math.floor(sample.minute);
    const [cpu, now] = [cpuSeconds(gateway.pid), performance.now()];
    const share = ((cpu - cpuBefore) / ((now - at) / 1_000)) * 100;
    [cpuBefore, at] = [cpu, now];
    const [threads, files] = ['task', 'fd'].map((kind) => readdirSync(`/proc/${gateway.pid}/${kind}`).length);
    console.error(
      `${told}: ${sample.mib.toFixed(0)} MiB, ${leastHeap().toFixed(0)} MiB, ${threads}, ${files}, ${share.toFixed(0)} %`,
    );
  }
  return samples;
}

/** Since it was asked last, MiB: what is left after a collection. */
function leastHeap(): number {
  const told = gateway.lines.filter(({ msg }) => msg === 'heap').map(({ used }) => Number(used));
  errors.push(...gateway.lines.filter(({ level }) => level >= 50));
  gateway.lines.length = 0;
  return Math.min(...told) / 1024 / 1024;
}

/** Least squares, MiB a minute. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [minute, mib] = [mean((sample) => sample.minute), mean((sample) => sample.mib)];
  const covariance = mean((sample) => (sample.minute - minute) * (sample.mib - mib));
  return covariance / mean((sample) => (sample.minute - minute) ** 2);
}

/** Counts what went well and what did not; a failure ends nothing. */
async function counted(what: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
    done[what] = (done[what] ?? 0) + 1;
  } catch (error) {
    const how = `${what}: ${(error as Error).message.slice(0, 24)}`;
    failed[how] = (failed[how] ?? 0) + 1;
  }
}

async function produce(): Promise<void> {
  const client = await connect(gateway.port);
  while (going()) {
    await counted('RPUSHX', () =>
      Promise.all(Array.from({ length: 10 }, () => client.call('RPUSHX', 'topics:soak', value))),
    );
    await sleep(200);
  }
  client.disconnect();
}

async function consume(member: number): Promise<void> {
  const client = await connect(gateway.port, `soak:c${member}`);
  while (going())
    await counted('BLPOP and ack', async () => {
      const message = await pop(client, 'topics:soak', 1);
      if (message) await ack(client, message);
    });
  client.disconnect();
}

async function dump(): Promise<void> {
  const client = await connect(gateway.port);
  while (going()) {
    await counted('DUMP', async () => {
      await client.call('RPUSHX', 'topics:soak', value);
      await client.call('DUMP', '10000');
    });
    await sleep(500);
  }
  client.disconnect();
}

async function streamProduce(): Promise<void> {
  const client = await connect(gateway.port);
  while (going()) {
    await counted('XADD', () => client.call('XADD', 'soak-stream', '*', 'value', value));
    await sleep(50);
  }
  client.disconnect();
}

async function streamConsume(): Promise<void> {
  const client = await connect(gateway.port);
  const group = ['soak-group', 'soak-stream'];
  await counted('XGROUP CREATE', () => client.call('XGROUP', 'CREATE', group[1]!, group[0]!, '0', 'MKSTREAM'));
  while (going())
    await counted('XREADGROUP, XACK, XREVRANGE', async () => {
      const read = ['GROUP', group[0]!, 'member', 'COUNT', '50', 'BLOCK', '1000', 'STREAMS', group[1]!, '>'];
      const answer = (await client.call('XREADGROUP', ...read)) as [string, [string, unknown][]][] | null;
      const ids = answer?.[0]?.[1].map(([id]) => id) ?? [];
      if (ids.length > 0) await client.call('XACK', group[1]!, group[0]!, ...ids);
      await client.call('XREVRANGE', group[1]!, '+', '-', 'COUNT', '5');
      await sleep(1_000);
    });
  client.disconnect();
}

async function ping(): Promise<void> {
  const client = await connect(gateway.port);
  while (going()) {
    await counted('PING', () => client.ping());
    await sleep(50);
  }
  client.disconnect();
}

/** New connections at a steady pace, each with one thing to do; as many may be there at once as come in ten seconds. */
async function comeAndGo(): Promise<void> {
  const turns = visits.flatMap((each) => Array.from({ length: each.share }, () => each));
  const atOnce = churn * 10;
  const underWay = new Set<Promise<void>>();
  for (let index = 0; going(); index += 1) {
    const ahead = startedAt + (index * 1_000) / churn - performance.now();
    if (ahead > 0) await sleep(ahead);
    while (underWay.size >= atOnce) await Promise.race(underWay);
    // A step that has no factor in common with the number of turns: kinds take turns instead of coming in rows.
    const { what, visit } = turns[(index * 7) % turns.length]!;
    const one = counted(what, async () => {
      const client = await RawClient.connect({ port: gateway.port });
      try {
        await visit(client, index);
      } finally {
        client.close();
      }
    }).finally(() => underWay.delete(one));
    underWay.add(one);
  }
  await Promise.all(underWay);
}
