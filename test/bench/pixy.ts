// How fast the REST and gRPC faces are: wrk over HTTP, grpc-js clients over gRPC, one broker and the gateway as a process.
//
// `node build/test/bench/pixy.js [seconds] [only]`: one JSON line a measurement, with the gateway's CPU and RSS.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { KafkaServer } from '../support/kafka-server.js';
import { PixyClient } from '../support/pixy-client.js';
import { askUrl, pixyYaml, silent } from '../support/pixy-lab.js';

const seconds = Number(process.argv[2] ?? 5);
const only = process.argv[3] ?? '';
const dir = mkdtempSync(join(tmpdir(), 'pixy-bench-'));
const bin = join(import.meta.dirname, '../../../bin/rafka.cjs');
const run = promisify(execFile);

const server = await KafkaServer.start({ fast: true });
const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log: silent });
for (const name of ['sync', 'async', 'grpc', 'fill']) await kafka.admin.createTopic({ name, partitions: 4 });

const yaml = join(dir, 'pixy.yaml');
// A bench of the gateway, not of the queue limit: the default of 64 requests holds 50 clients well.
writeFileSync(yaml, pixyYaml(server.brokers, { consumer: { offsets_commit_interval: '500ms' } }));
const child = spawn(process.execPath, [bin, 'pixy', '--config', yaml], { stdio: ['ignore', 'inherit', 'pipe'] });
const { http, grpc } = await addresses(child);

if (wanted('lone')) await lone();
if (wanted('async')) {
  for (const connections of [1, 10, 50])
    await wrk(`async produce, ${connections} connections`, connections, 'async', '');
}
if (wanted('sync')) await wrk('sync produce, 50 connections', 50, 'sync', '?sync');
if (wanted('grpc')) {
  await grpcProduce('gRPC async, 50 calls on one connection', 1, 50, true);
  await grpcProduce('gRPC async, 50 connections', 50, 1, true);
  await grpcProduce('gRPC sync, 50 calls on one connection', 1, 50, false);
}
if (wanted('consume')) await consume();

child.kill('SIGTERM');
await kafka.close();
await server.stop();
rmSync(dir, { recursive: true });

function wanted(name: string): boolean {
  return only === '' || only === name;
}

async function addresses(from: ChildProcess): Promise<{ http: string; grpc: string }> {
  let found = '';
  for await (const line of createInterface({ input: from.stderr! })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'HTTP is served') found = entry.addresses[0];
    if (entry.msg === 'gRPC is served') {
      from.stderr!.resume();
      return { http: `http://${found}`, grpc: entry.address };
    }
  }
  throw new Error('the gateway did not start');
}

/** CPU seconds so far, and RSS in MB. */
function usage(): { cpu: number; rssMb: number } {
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return { cpu: (Number(stat[11]) + Number(stat[12])) / 100, rssMb: Math.round(Number(rss) / 1024) };
}

function report(what: string, before: { cpu: number }, elapsed: number, numbers: object): void {
  const after = usage();
  const cpu = `${Math.round(((after.cpu - before.cpu) / elapsed) * 100)} %`;
  console.log(JSON.stringify({ what, ...numbers, cpu, rssMb: after.rssMb }));
}

/** Sync produce, one request at a time. */
async function lone(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const once = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const headers = { 'content-type': 'text/plain', 'content-length': 5 };
      const sent = request(
        `${http}/topics/sync/messages?sync&key=a`,
        { method: 'POST', agent, headers },
        (response) => {
          response.resume().on('end', () => resolve(performance.now() - startedAt));
        },
      );
      sent.on('error', reject).end('hello');
    });
  for (let i = 0; i < 50; i++) await once();
  const before = usage();
  const startedAt = performance.now();
  const times: number[] = [];
  while (performance.now() - startedAt < seconds * 500) times.push(await once());
  times.sort((one, other) => one - other);
  const at = (part: number) => Number(times[Math.floor(times.length * part)]!.toFixed(2));
  report('lone sync produce', before, (performance.now() - startedAt) / 1000, { p50: at(0.5), p99: at(0.99) });
  agent.destroy();
}

async function wrk(what: string, connections: number, topic: string, query: string): Promise<void> {
  const script = join(dir, 'post.lua');
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = "${'x'.repeat(100)}"\nwrk.headers["Content-Type"] = "text/plain"\n`,
  );
  await measure(what, connections, `/topics/${topic}/messages${query}`, ['-s', script]);
}

async function measure(what: string, connections: number, path: string, more: readonly string[]): Promise<void> {
  const before = usage();
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...more, `${http}${path}`];
  const { stdout } = await run('wrk', flags);
  const perSecond = Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]));
  const wrong = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  const p50 = /50%\s+(\S+)/.exec(stdout)?.[1];
  const p99 = /99%\s+(\S+)/.exec(stdout)?.[1];
  report(what, before, seconds, { perSecond, p50, p99, ...(wrong ? { wrong } : {}) });
}

async function grpcProduce(what: string, connections: number, calls: number, async_mode: boolean): Promise<void> {
  const clients = Array.from({ length: connections }, () => new PixyClient(grpc));
  const rq = { topic: 'grpc', key_undefined: true, message: Buffer.alloc(100, 'x'), async_mode };
  await Promise.all(clients.map((client) => client.call('Produce', rq)));
  const before = usage();
  const startedAt = performance.now();
  let done = 0;
  const caller = async (client: PixyClient) => {
    while (performance.now() - startedAt < seconds * 1000) {
      await client.call('Produce', rq);
      done++;
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: calls }, () => caller(client))));
  const elapsed = (performance.now() - startedAt) / 1000;
  report(what, before, elapsed, { perSecond: Math.round(done / elapsed) });
  for (const client of clients) client.close();
}

/** Auto-ack of a filled topic. */
async function consume(): Promise<void> {
  const producer = await kafka.producer({ reports: 'errors', onReport: () => {} }, 10_000);
  const value = Buffer.alloc(100, 'x');
  const count = Math.round(seconds * 40_000);
  for (let i = 0; i < count; i++) {
    producer.produce({ topic: 'fill', key: null, value });
    if (i % 20_000 === 0) await producer.flush(10_000);
  }
  await producer.flush(10_000);
  await producer.close(1_000);
  for (let tries = 0; tries < 10; tries++) {
    if ((await askUrl(`${http}/topics/fill/messages?group=bench`)).status === 200) break;
  }
  for (const pollers of [1, 10])
    await measure(`consume with auto-ack, ${pollers} pollers`, pollers, '/topics/fill/messages?group=bench', []);
}
