// Streams against redis-server's own, in one run: XADD pipelined and one at a time, XREADGROUP COUNT 100 + XACK. Ratios count, not timings.
// node build/test/bench/streams.js  (redis-server and a Kafka of its own are started; RAFKA_BENCH_BROKERS names another one)
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import RedisParser from 'redis-parser';
import { keepAwake } from './yardsticks/awake.js';
import { benchKafka } from './yardsticks/kafka.js';
import { median } from './yardsticks/run.js';
import { interleaved } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const rounds = Number(process.env.RAFKA_BENCH_ROUNDS ?? (quick ? 3 : 5));
/** Below 1: fewer entries, for a first impression. */
const scale = Number(process.env.RAFKA_BENCH_SCALE ?? (quick ? 0.3 : 1));
const batch = 64;
const value = 'x'.repeat(100);

/** A client as thin as can be: both servers are asked by the same one. */
class Client {
  readonly #socket: Socket;
  readonly #waiting: ((reply: unknown) => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const take = (reply: unknown) => this.#waiting.shift()?.(reply);
    const parser = new RedisParser({ returnReply: take, returnError: take });
    socket.on('data', (chunk: Buffer) => parser.execute(chunk));
  }

  static async open(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Client(socket);
  }

  /** Sends commands that are encoded already, in one packet. Resolves with the last one's reply. */
  send(bytes: Buffer | string, replies: number): Promise<unknown> {
    for (let index = 1; index < replies; index++) this.#waiting.push(() => {});
    const last = new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
    this.#socket.write(bytes);
    return last;
  }

  ask(...argv: string[]): Promise<unknown> {
    return this.send(encode(argv), 1);
  }

  close(): void {
    this.#socket.destroy();
  }
}

const encode = (argv: readonly string[]): string =>
  `*${argv.length}\r\n${argv.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;

async function pipelined(port: number, key: string, connections: number, total: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: connections }, () => Client.open(port)));
  const packet = Buffer.from(encode(['XADD', key, '*', 'value', value]).repeat(batch));
  const startedAt = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      // Two packets on their way: the next one is there when the server has answered the first.
      let before: Promise<unknown> = Promise.resolve();
      for (let sent = 0; sent < total / connections; sent += batch) {
        const next = client.send(packet, batch);
        await before;
        before = next;
      }
      await before;
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const client of clients) client.close();
  return total / seconds;
}

async function oneByOne(port: number, key: string, times: number): Promise<number> {
  const client = await Client.open(port);
  const took: number[] = [];
  for (let index = 0; index < times; index++) {
    const startedAt = performance.now();
    await client.ask('XADD', key, '*', 'value', value);
    took.push(performance.now() - startedAt);
  }
  client.close();
  return median(took);
}

async function consumed(port: number, key: string, group: string, total: number): Promise<number> {
  const client = await Client.open(port);
  await client.ask('XGROUP', 'CREATE', key, group, '0');
  const read = encode(['XREADGROUP', 'GROUP', group, 'c', 'COUNT', '100', 'BLOCK', '10000', 'STREAMS', key, '>']);
  // The join of the group is no part of it: the first entries are.
  let entries = idsOf(await client.send(read, 1));
  let count = 0;
  const startedAt = performance.now();
  for (;;) {
    count += entries.length;
    const ack = encode(['XACK', key, group, ...entries]);
    if (count >= total) {
      await client.send(ack, 1);
      break;
    }
    entries = idsOf(await client.send(ack + read, 2));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  client.close();
  return count / seconds;
}

function idsOf(reply: unknown): string[] {
  const [[, entries]] = reply as [[string, [string, string[]][]]];
  return entries.map(([id]) => id);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await once(server.close(), 'close');
  return port;
}

async function ready(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      const client = await Client.open(port);
      const reply = await client.ask('PING');
      client.close();
      if (reply === 'PONG') return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`nobody answers on port ${port}`);
}

async function main(): Promise<void> {
  keepAwake();
  const dir = mkdtempSync(join(tmpdir(), 'rafka-bench-'));
  const kafka = await benchKafka();
  const { brokers } = kafka;
  const config = join(dir, 'rafka.json');
  writeFileSync(config, JSON.stringify({ general: { 'bootstrap.servers': brokers }, log: { level: 'warn' } }));
  const [ours, theirs] = [await freePort(), await freePort()];
  const children: ChildProcess[] = [
    spawn('bin/rafka', ['-c', config, '--port', String(ours)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
    spawn('redis-server', ['--port', String(theirs), '--save', '', '--appendonly', 'no', '--dir', dir], {
      stdio: 'ignore',
    }),
  ];
  try {
    await Promise.all([ready(ours), ready(theirs)]);
    const run = String(Date.now());
    const measures: Record<string, (port: number, round: number) => Promise<number>> = {
      'XADD, 64 a packet, 1 connection': (port) => pipelined(port, `one-${run}`, 1, 64 * 1_500 * scale),
      'XADD, 64 a packet, 10 connections': (port) => pipelined(port, `ten-${run}`, 10, 64 * 3_000 * scale),
      'XADD one at a time, p50': (port) => oneByOne(port, `single-${run}`, 2_000 * scale),
      'XREADGROUP COUNT 100 + XACK, entries': (port, round) =>
        consumed(port, `ten-${run}`, `g${round}`, 150_000 * scale),
    };
    for (const [name, measure] of Object.entries(measures)) {
      const rafka: number[] = [];
      const redis: number[] = [];
      // A broker that has just started is slow for its first half million records.
      for (let warm = 1; warm <= 3; warm++) await measure(ours, -warm);
      await measure(theirs, -1);
      for (let round = 0; round < rounds; round++) {
        rafka.push(await measure(ours, round));
        redis.push(await measure(theirs, round));
      }
      interleaved(
        { what: `streams: ${name}`, unit: name.includes('p50') ? ' ms' : '/s', against: 'redis-server' },
        rafka,
        redis,
      );
    }
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
    await kafka.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

await main();
