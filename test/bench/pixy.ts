// How fast the REST and gRPC listeners are beside a bare fastify and a bare grpc-js: wrk over HTTP, h2load over gRPC, one broker, the gateway as a process.
//
// `node build/test/bench/pixy.js [--quick] [--seconds 3]`. Needs wrk and h2load (Debian: wrk, nghttp2-client).
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { KafkaServer } from '../support/kafka-server.js';
import { askUrl, pixyYaml, silent } from '../support/pixy-lab.js';
import { keepAwake } from './yardsticks/awake.js';
import { bareServer, cpuSeconds, median, percentile, residentBytes, rounds } from './yardsticks/run.js';
import { interleaved, row } from './yardsticks/table.js';

const at = process.argv.indexOf('--seconds');
const seconds = at < 0 ? (process.argv.includes('--quick') ? 1 : 3) : Number(process.argv[at + 1]);
const dir = mkdtempSync(join(tmpdir(), 'pixy-bench-'));
const bin = join(import.meta.dirname, '../../../bin/rafka');
const run = promisify(execFile);
const value = Buffer.alloc(100, 'x');

keepAwake();
const server = await KafkaServer.start({ fast: true });
const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log: silent });
for (const name of ['sync', 'async', 'fill']) await kafka.admin.createTopic({ name, partitions: 4 });
const yaml = join(dir, 'pixy.yaml');
writeFileSync(yaml, pixyYaml(server.brokers));
const child = spawn(bin, ['pixy', '--config', yaml], { stdio: ['ignore', 'inherit', 'pipe'] });
const { http, grpc } = await addresses(child);
const fastify = await bareServer('bare-fastify');
const bareGrpc = await bareServer('bare-grpc');
const post = join(dir, 'post.lua');
const body = `wrk.method = "POST"\nwrk.body = "${value}"\nwrk.headers["Content-Type"] = "text/plain"\n`;
writeFileSync(post, body);
const frame = join(dir, 'produce.bin');
writeFileSync(frame, produceFrame('async', value));

try {
  await produce();
  await lone();
  await consume();
} finally {
  fastify.stop();
  bareGrpc.stop();
  child.kill('SIGTERM');
  await kafka.close();
  await server.stop();
  rmSync(dir, { recursive: true });
}

async function produce(): Promise<void> {
  const theirs = `127.0.0.1:${fastify.port}`;
  const wrk50 = async (address: string, path: string) => (await wrk(address, 50, path, '-s', post)).perSecond;
  const figures = [
    {
      name: 'async produce, 50 connections',
      target: '>= 25,000',
      ours: () => wrk50(http, '/topics/async/messages'),
      theirs: () => wrk50(theirs, '/topics/async/messages'),
    },
    {
      name: 'sync produce, 50 connections',
      target: '>= 15,000',
      ours: () => wrk50(http, '/topics/sync/messages?sync'),
      theirs: () => wrk50(theirs, '/topics/sync/messages?sync'),
    },
    ...[[1, 50, '>= 10,000'] as const, [50, 1, '>= 5,000'] as const].map(([connections, calls, target]) => ({
      name: `gRPC async, ${connections} connections with ${calls} calls each`,
      target,
      ours: () => h2load(grpc, connections, calls),
      theirs: () => h2load(`127.0.0.1:${bareGrpc.port}`, connections, calls),
    })),
  ].map((figure) => ({ ...figure, here: [] as number[], there: [] as number[] }));
  for (let round = -1; round < rounds; round++)
    for (const { ours, theirs, here, there } of figures) {
      const [mine, yours] = [await ours(), await theirs()];
      // The first round warms up.
      if (round < 0) continue;
      here.push(mine);
      there.push(yours);
    }
  for (const { name, target, here, there } of figures)
    interleaved({ what: `pixy: ${name}`, unit: '/s', against: 'a bare server', target, targetOf: 'ours' }, here, there);
  row({ what: 'pixy: memory after producing', ours: megabytes(), unit: ' MB', target: '< 300' });
}

/** Sync produce, one request at a time. */
async function lone(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let count = 0; count < 600; count++) times.push(await timed(agent));
  const settled = times.slice(100);
  row({ what: 'pixy: lone sync produce, p50', ours: median(settled), unit: ' ms', target: '<= 10' });
  row({ what: 'pixy: lone sync produce, p99', ours: percentile(settled, 0.99), unit: ' ms' });
  agent.destroy();
}

function timed(agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const headers = { 'content-type': 'text/plain', 'content-length': value.length };
    const sent = request(
      `http://${http}/topics/sync/messages?sync&key=a`,
      { method: 'POST', agent, headers },
      (response) => {
        response.resume().on('end', () => resolve(performance.now() - startedAt));
      },
    );
    sent.on('error', reject).end(value);
  });
}

/** Auto-ack of a filled topic. */
async function consume(): Promise<void> {
  const path = '/topics/fill/messages?group=bench';
  await fill(Math.round(seconds * (rounds + 1) * 30_000));
  for (let tries = 0; tries < 20 && (await askUrl(`http://${http}${path}`)).status !== 200; tries++);
  const rates: number[] = [];
  await wrk(http, 10, path);
  for (let round = 0; round < rounds; round++) rates.push((await wrk(http, 10, path)).perSecond);
  const target = '>= 10,000';
  row({ what: 'pixy: consume with auto-ack, 10 pollers', ours: median(rates), unit: '/s', target });
  row({ what: 'pixy: memory after consuming', ours: megabytes(), unit: ' MB', target: '< 300' });
}

async function fill(count: number): Promise<void> {
  const producer = await kafka.producer({ reports: 'errors', onReport: () => {} }, 10_000);
  for (let i = 0; i < count; i++) {
    producer.produce({ topic: 'fill', key: null, value });
    if (i % 20_000 === 0) await producer.flush(10_000);
  }
  await producer.flush(10_000);
  await producer.close(1_000);
}

/** Answers other than 200 fail the run; CPU of the gateway goes to stderr. */
async function wrk(
  address: string,
  connections: number,
  path: string,
  ...more: string[]
): Promise<{ perSecond: number }> {
  const before = cpuSeconds(child.pid!);
  const { stdout } = await run('wrk', [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    ...more,
    `http://${address}${path}`,
  ]);
  if (/Non-2xx or 3xx/.test(stdout)) throw new Error(stdout);
  const perSecond = Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]));
  note(`${address}${path}`, perSecond, before);
  return { perSecond };
}

async function h2load(address: string, connections: number, calls: number): Promise<number> {
  const before = cpuSeconds(child.pid!);
  const flags = ['-t1', `-c${connections}`, `-m${calls}`, '-D', String(seconds), '-d', frame];
  const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const { stdout } = await run('h2load', [...flags, ...headers, `http://${address}/KafkaPixy/Produce`]);
  const perSecond = Math.round(Number(/ ([\d.]+) req\/s/.exec(stdout)?.[1]));
  if (!/ 0 failed, 0 errored, 0 timeout/.test(stdout)) throw new Error(stdout);
  note(`${address} gRPC ${connections}x${calls}`, perSecond, before);
  return perSecond;
}

function note(what: string, perSecond: number, cpuBefore: number): void {
  const cpu = Math.round(((cpuSeconds(child.pid!) - cpuBefore) / seconds) * 100);
  console.error(`${what}: ${perSecond}/s, gateway ${cpu} % CPU`);
}

/** A ProdRq in a gRPC frame: topic, no key, the message, async_mode. */
function produceFrame(topic: string, message: Buffer): Buffer {
  const bytes = (field: number, content: Buffer) => [Buffer.from([(field << 3) | 2, content.length]), content];
  const parts = [
    ...bytes(2, Buffer.from(topic)),
    Buffer.from([4 << 3, 1]),
    ...bytes(5, message),
    Buffer.from([6 << 3, 1]),
  ];
  const proto = Buffer.concat(parts);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(proto.length, 1);
  return Buffer.concat([prefix, proto]);
}

function megabytes(): number {
  return Math.round(residentBytes(child.pid!) / 1024 / 1024);
}

async function addresses(from: ChildProcess): Promise<{ http: string; grpc: string }> {
  let found = '';
  for await (const line of createInterface({ input: from.stderr! })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'HTTP is served') found = entry.addresses[0];
    if (entry.msg !== 'gRPC is served') continue;
    from.stderr!.resume();
    return { http: found, grpc: entry.address };
  }
  throw new Error('the gateway did not start');
}
