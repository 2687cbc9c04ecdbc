// The fuzz program, by hand, against a gateway that runs: node build/test/fuzz/resp.js --port 6380 --seed 1 --frames 10000000
// Tells how long others' PING took meanwhile, and the gateway's memory before, meanwhile and after. With --monitors there are clients that
// watch all of it, with --user name:password the gateway has users and half of the connections log in. Those that fail to log in come from
// other addresses than monitors and probe, whose logins would have to wait for theirs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CommandTable } from '../../src/resp/command/command.js';
import * as commands from '../../src/resp/commands/index.js';
import { encodeCommand, RawClient } from '../support/resp-pair.js';
import { hammer } from './hammer.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '6380' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    frames: { type: 'string', default: '1000000' },
    clients: { type: 'string', default: '8' },
    monitors: { type: 'string', default: '0' },
    user: { type: 'string' },
    probe: { type: 'boolean', default: false },
  },
});
const port = Number(values.port);
const seed = Number(values.seed);
const clients = Number(values.clients);
const names = [...new CommandTable(Object.values(commands)).all()].map(({ fullName }) => fullName.split('|'));

const login = values.user === undefined ? undefined : ['AUTH', ...values.user.split(':')];

/** A connection that may do what its user may. */
async function open(): Promise<RawClient> {
  const client = await RawClient.connect({ port });
  if (login) await client.exchange(login);
  return client;
}

async function ask(words: readonly string[]): Promise<string> {
  const client = await open();
  const answer = await client.exchange(words);
  client.close();
  return answer;
}

const rss = async (): Promise<number> =>
  Number(/used_memory_rss:(\d+)/.exec(await ask(['INFO', 'memory']))?.[1]) / 1024 / 1024;

/** Watches everything, and comes back when it is thrown out, until the signal. @returns the bytes that it read */
async function monitor(signal: AbortSignal): Promise<number> {
  let bytes = 0;
  while (!signal.aborted) {
    const socket = connect({ port });
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    if (login) socket.write(encodeCommand(login));
    socket.write(encodeCommand(['MONITOR']));
    const end = () => socket.destroy();
    signal.addEventListener('abort', end, { once: true });
    await once(socket, 'close');
    signal.removeEventListener('abort', end);
    await sleep(10);
  }
  return bytes;
}

/** The probe is a process of its own: making frames would hold up its clock. */
async function probe(): Promise<void> {
  const took: number[] = [];
  process.on('SIGTERM', () => {
    took.sort((a, b) => a - b);
    const at = (share: number): string => (took[Math.floor((took.length - 1) * share)] ?? Number.NaN).toFixed(1);
    console.log(`PING of others: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms (${took.length})`);
    process.exit();
  });
  for (;;) {
    const client = await open();
    // CLIENT KILL is among what is sent: it may be thrown out.
    while (!client.isClosed) {
      const from = performance.now();
      client.send(['PING']);
      await client.until(() => client.received.length >= 7 || client.isClosed);
      if (!client.isClosed) await client.take('+PONG\r\n');
      took.push(performance.now() - from);
      await sleep(5);
    }
  }
}

if (values.probe) await probe();

const before = await rss();
const frames = Math.ceil(Number(values.frames) / clients);
console.log(`seed ${seed}, ${clients} clients, ${frames} frames each; rss ${before.toFixed(1)} MB`);
const own = values.user === undefined ? [] : ['--user', values.user];
const probing = spawn(process.execPath, [import.meta.filename, '--probe', '--port', values.port, ...own], {
  stdio: 'inherit',
});
const over = new AbortController();
const monitors = Array.from({ length: Number(values.monitors) }, () => monitor(over.signal));
const greeting = login && encodeCommand(login);
const from = performance.now();
const runs = Array.from({ length: clients }, (_, i) =>
  hammer({ port, seed: seed + i, frames, names, ...(greeting ? { greeting, spread: true } : {}) }),
);
const connections = (await Promise.all(runs)).reduce((sum, count) => sum + count, 0);
const seconds = (performance.now() - from) / 1000;
const meanwhile = await rss();
over.abort();
const watched = (await Promise.all(monitors)).reduce((sum, bytes) => sum + bytes, 0);
probing.kill();
await once(probing, 'exit');
// What stays open a while for the next client (groups, readers of streams) closes after a minute.
await sleep(90_000);
if (monitors.length > 0) console.log(`${monitors.length} monitors read ${(watched / 1e6).toFixed(0)} MB`);
console.log(`${frames * clients} frames in ${seconds.toFixed(1)} s over ${connections} connections`);
console.log(
  `rss: before ${before.toFixed(1)}, at the end ${meanwhile.toFixed(1)}, 90 s later ${(await rss()).toFixed(1)} MB`,
);
