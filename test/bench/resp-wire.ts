// The wire alone: decoding against bare redis-parser, encoding, and a server whose RPUSHX does nothing against a bare Node server (E)
// and redis-server (S), in CPU time of the server process, which other work on the machine disturbs least.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import RedisParser from 'redis-parser';
import type { Command } from '../../src/resp/command/context.js';
import * as commands from '../../src/resp/commands/index.js';
import { Decoder } from '../../src/resp/wire/decoder.js';
import { Encoder } from '../../src/resp/wire/encoder.js';
import { freePort } from '../support/gateway.js';
import { encodeCommand, RespPair } from '../support/resp-pair.js';
import { bareServer, cpuSeconds, median, redisBenchmark, rounds } from './yardsticks/run.js';
import { interleaved, row } from './yardsticks/table.js';

const value = 'x'.repeat(100);
const command = encodeCommand(['RPUSHX', 'topics:bench', value]);
/** As much as one read brings. */
const chunk = Buffer.concat(Array(Math.floor((64 * 1024) / command.length)).fill(command));
const chunks = 1500;

/** RPUSHX without Kafka. */
const noop: Command = { ...commands.rpushx, run: () => 1 };

if (process.argv[2] === 'serve') {
  const all = Object.values({ ...commands, rpushx: noop });
  const pair = await RespPair.start({ settings: { port: Number(process.argv[3]) }, commands: all });
  console.log(JSON.stringify({ port: pair.server.port }));
} else {
  decoding();
  encoding();
  await serving();
}

function decoding(): void {
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds + 2; round += 1) {
    const decoder = new Decoder({ maxBulkBytes: 1 << 25, maxArgs: 1 << 20, refuseBulkBytes: 1_000_000 });
    ours.push(
      perSecond(() => {
        let count = 0;
        for (let i = 0; i < chunks; i += 1) {
          decoder.push(chunk);
          while (decoder.next()) count += 1;
        }
        return count;
      }),
    );
    bare.push(
      perSecond(() => {
        let count = 0;
        const take = (): void => {
          count += 1;
        };
        const parser = new RedisParser({ returnBuffers: true, returnReply: take, returnError: take });
        for (let i = 0; i < chunks; i += 1) parser.execute(chunk);
        return count;
      }),
    );
  }
  const what = 'decoding RPUSHX of 100 B, guarded, a CPU second';
  // The first rounds compile.
  interleaved(
    { what, unit: '/s', against: 'redis-parser', target: '> 2,000,000', targetOf: 'ours' },
    ours.slice(2),
    bare.slice(2),
  );
}

function encoding(): void {
  const encoder = new Encoder();
  const message = Buffer.from(value);
  const labels = ['topic', 'partition', 'offset', 'value'].map((name) => Buffer.from(name));
  const batches = 10_000;
  const measure = (append: (i: number) => void): number =>
    perSecond(() => {
      for (let batch = 0; batch < batches; batch += 1) {
        for (let i = 0; i < 64; i += 1) append(i);
        encoder.moveTo([]);
        encoder.rewind();
      }
      return batches * 64;
    });
  const integers = Array.from({ length: rounds }, () => measure(() => encoder.append(1, 2)));
  const messages = Array.from({ length: rounds }, () =>
    measure((i) =>
      encoder.append([labels[0]!, 'bench', labels[1]!, 3, labels[2]!, 100_000 + i, labels[3]!, message], 2),
    ),
  );
  row({ what: 'encoding `:1`, 64 a batch, a CPU second', ours: median(integers), unit: '/s' });
  row({ what: 'encoding a message as BLPOP answers it, 64 a batch, a CPU second', ours: median(messages), unit: '/s' });
}

async function serving(): Promise<void> {
  const ourPort = await freePort();
  const ours = spawn(process.execPath, [import.meta.filename, 'serve', String(ourPort)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(ours.stdout!, 'data');
  const redisPort = await freePort();
  const redis = spawn('redis-server', ['--port', String(redisPort), '--save', ''], { stdio: 'ignore' });
  const bare = await bareServer();
  try {
    const cases = [
      { name: 'P 1, 1 connection', requests: 30_000, pipeline: 1, clients: 1 },
      { name: 'P 1, 50 connections', requests: 50_000, pipeline: 1, clients: 50 },
      { name: 'P 16, 1 connection', requests: 300_000, pipeline: 16, clients: 1 },
      { name: 'P 64, 1 connection', requests: 600_000, pipeline: 64, clients: 1 },
    ];
    for (const { name, ...load } of cases) {
      const [us, them]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round += 1) {
        us.push(await microseconds(ours.pid!, ourPort, load, 'RPUSHX'));
        them.push(await microseconds(redis.pid!, redisPort, load, 'RPUSH'));
      }
      interleaved({ what: `no-op RPUSHX ${name}: CPU a request`, unit: ' us', against: 'redis-server' }, us, them);
    }
    const load = { requests: 30_000, pipeline: 1, clients: 1 };
    const [us, floor]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      floor.push(await redisBenchmark(bare.port, load, 'RPUSHX', 'topics:bench', value));
      us.push(await redisBenchmark(ourPort, load, 'RPUSHX', 'topics:bench', value));
    }
    interleaved({ what: 'no-op RPUSHX P 1, 1 connection', unit: '/s', against: 'E', target: '>= 0.85' }, us, floor);
  } finally {
    bare.stop();
    ours.kill();
    redis.kill();
  }
}

type Load = Parameters<typeof redisBenchmark>[1];

/** CPU time of a server for each request. */
async function microseconds(pid: number, port: number, load: Load, name: string): Promise<number> {
  const before = cpuSeconds(pid);
  await redisBenchmark(port, load, name, 'topics:bench', value);
  return ((cpuSeconds(pid) - before) / load.requests) * 1e6;
}

/** What `run` counts, a second of this process's CPU time. */
function perSecond(run: () => number): number {
  const before = process.cpuUsage();
  const count = run();
  const { user, system } = process.cpuUsage(before);
  return count / ((user + system) / 1e6);
}
