// Two workers against one process, on a real Kafka, interleaved: throughput of every hot path, and PING while others produce.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway.js';
import { connect, pop } from '../support/redis-client.js';
import { RawClient } from '../support/resp-pair.js';
import { benchKafka } from './yardsticks/kafka.js';
import { bareServer, percentile, redisBenchmark, rounds } from './yardsticks/run.js';
import { interleaved } from './yardsticks/table.js';

const value = 'x'.repeat(100);
const kafka = await benchKafka();
const start = (...args: string[]): Promise<GatewayProcess> =>
  GatewayProcess.start({
    config: { general: { 'bootstrap.servers': kafka.brokers }, consumer: { 'auto.offset.reset': 'earliest' } },
    args,
  });
const [one, two] = [await start(), await start('--workers', '2')];
const bare = await bareServer();
const only = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));

try {
  for (const { port } of [one, two]) await produce(port, { requests: 50_000, pipeline: 64, clients: 4 });
  if (wants('throughput')) await throughput();
  if (wants('consume')) await consuming();
  if (wants('ping')) await pings();
} finally {
  bare.stop();
  await two.stop();
  await one.stop();
  await kafka.stop();
}

function wants(part: string): boolean {
  return only.length === 0 || only.includes(part);
}

function produce(port: number, load: { requests: number; pipeline: number; clients: number }): Promise<number> {
  return redisBenchmark(port, load, 'RPUSHX', 'topics:bench', value);
}

async function compare(name: string, measure: (gateway: GatewayProcess, round: number) => Promise<number>) {
  const [single, pair]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    single.push(await measure(one, round));
    pair.push(await measure(two, round));
  }
  interleaved({ what: `2 workers: ${name}`, unit: '/s', against: '1 process', target: '>= 1' }, pair, single);
}

async function throughput(): Promise<void> {
  for (const [pipeline, clients, requests] of [
    [64, 1, 300_000],
    [64, 10, 300_000],
    [16, 10, 200_000],
    [1, 1, 20_000],
    [1, 50, 60_000],
  ] as const)
    await compare(`RPUSHX P ${pipeline}, ${clients} connections`, ({ port }) =>
      produce(port, { requests, pipeline, clients }),
    );
  await compare('PING P 1, 50 connections', ({ port }) =>
    redisBenchmark(port, { requests: 60_000, pipeline: 1, clients: 50 }, 'PING'),
  );
}

/** Messages a second that consumers of one group get, each on a connection of its own. */
async function consuming(): Promise<void> {
  for (const members of [1, 10]) {
    await compare(`BLPOP, ${members} consumers`, async ({ port }, round) => {
      const group = `g${members}-${round}-${port}`;
      const clients = await Promise.all(
        Array.from({ length: members }, (_, index) => connect(port, `${group}:c${index}`)),
      );
      // A member without partitions has nothing to say: the first message of any begins the time.
      await Promise.race(clients.map((client) => pop(client, 'topics:bench', 10)));
      const until = performance.now() + 3_000;
      const counts = await Promise.all(
        clients.map(async (client) => {
          let count = 0;
          while (performance.now() < until) if (await pop(client, 'topics:bench', 1)) count += 1;
          return count;
        }),
      );
      for (const client of clients) client.disconnect();
      return counts.reduce((sum, count) => sum + count, 0) / 3;
    });
  }
}

/**
 * How long PING takes while others produce at a rate that one process can take; and how long a bare server takes to answer
 * while one process has that load: nothing that shares its cores can be faster.
 */
async function pings(): Promise<void> {
  for (const [connections, perSecond] of [
    [1, 50_000],
    [10, 50_000],
    [10, 100_000],
  ] as const) {
    const measures = [
      { pinged: two.port, loaded: two.port, pong: '+PONG\r\n' },
      { pinged: one.port, loaded: one.port, pong: '+PONG\r\n' },
      { pinged: bare.port, loaded: one.port, pong: ':1\r\n' },
    ].map((each) => ({ ...each, p50: [] as number[], p99: [] as number[] }));
    for (let round = 0; round < rounds; round += 1) {
      for (const { pinged, loaded, pong, p50, p99 } of measures) {
        const taken = await pingUnder({ port: pinged, pong }, loaded, connections, perSecond);
        p50.push(percentile(taken, 0.5));
        p99.push(percentile(taken, 0.99));
      }
    }
    const [pair, single, floor] = measures;
    for (const name of ['p50', 'p99'] as const) {
      const load = `${name}, others produce ${perSecond.toLocaleString('en')}/s on ${connections} connections`;
      const common = { unit: ' ms', against: '1 process' };
      const target = name === 'p99' ? '<= 0.5' : '';
      interleaved({ ...common, what: `2 workers: PING ${load}`, target }, pair![name], single![name]);
      interleaved({ ...common, what: `a bare server beside 1 process: PING ${load}` }, floor![name], single![name]);
    }
  }
}

interface Pinged {
  readonly port: number;
  /** What it answers. */
  readonly pong: string;
}

/** Eight connections that ping every 10 ms. @returns what each ping took, ms */
async function pingUnder(pinged: Pinged, loaded: number, connections: number, perSecond: number): Promise<number[]> {
  const script = join(import.meta.dirname, 'yardsticks/paced-produce.js');
  const load = spawn(process.execPath, [script, String(loaded), String(connections), String(perSecond)]);
  await sleep(700);
  const pingers = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(pinged)));
  const taken: number[] = [];
  const until = performance.now() + 3_000;
  await Promise.all(
    pingers.map(async (client) => {
      while (performance.now() < until) {
        const sentAt = performance.now();
        // A client library says more than PING when it connects, and a bare server answers each read, not each command.
        client.send('PING\r\n');
        await client.take(pinged.pong);
        taken.push(performance.now() - sentAt);
        await sleep(10);
      }
    }),
  );
  for (const client of pingers) client.close();
  await ended(load);
  return taken;
}

async function ended(load: ChildProcess): Promise<void> {
  load.kill();
  await once(load, 'exit');
}
