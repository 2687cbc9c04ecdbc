// What crowds of clients cost the gateway: plain ones that idle, ones that stop in the middle of a command, ones that never read.
// Resident memory for each while they are there and after they have gone, and how long another client's PING takes meanwhile.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway.js';
import { RawClient } from '../support/resp-pair.js';
import { percentile, residentBytes } from './yardsticks/run.js';
import { row } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const echo = (bytes: number): string => `*2\r\n$4\r\nECHO\r\n$${bytes}\r\n${'x'.repeat(bytes)}\r\n`;

interface Crowd {
  readonly name: string;
  readonly count: number;
  /** What each sends once it is connected. */
  readonly send: string;
  readonly reads: boolean;
  /** KB each. */
  readonly target?: string;
}

const crowds: readonly Crowd[] = [
  { name: 'idle after a PING', count: quick ? 2000 : 9900, send: 'PING\r\n', reads: true, target: '<= 30' },
  { name: 'half a command of 10 KB', count: quick ? 1000 : 5000, send: echo(20_000).slice(0, 10_000), reads: true },
  { name: 'never read 200 replies of 10 KB', count: 200, send: echo(10_000).repeat(200), reads: false },
];

async function measure({ name, count, send, reads, target = '' }: Crowd): Promise<void> {
  const gateway = await GatewayProcess.start();
  try {
    const probe = new Probe(gateway.port);
    await sleep(2000);
    const before = residentBytes(gateway.pid);
    const sockets: Socket[] = [];
    const probing = probe.run();
    for (let i = 0; i < count; i += 1) sockets.push(await join(gateway.port, send, reads));
    await sleep(3000);
    const during = residentBytes(gateway.pid);
    const { p50, p99 } = await probe.stop(probing);
    for (const socket of sockets) socket.destroy();
    await sleep(10_000);
    const left = (residentBytes(gateway.pid) - before) / 1024 / 1024;
    const them = `${count.toLocaleString('en')} that ${name}`;
    row({ what: `${them}: memory for each`, ours: (during - before) / 1024 / count, unit: ' KB', target });
    row({ what: `${them}: PING p50 of another`, ours: p50, unit: ' ms' });
    row({ what: `${them}: PING p99 of another`, ours: p99, unit: ' ms' });
    row({ what: `${them}: memory left 10 s after they have gone`, ours: left, unit: ' MB' });
  } finally {
    await gateway.stop();
  }
}

async function join(port: number, send: string, reads: boolean): Promise<Socket> {
  const socket = connect({ port });
  socket.on('error', () => {});
  if (reads) socket.resume();
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(send);
  return socket;
}

/** Another client, that pings. */
class Probe {
  readonly #port: number;
  readonly #took: number[] = [];
  #stopped = false;

  constructor(port: number) {
    this.#port = port;
  }

  async run(): Promise<void> {
    const client = await RawClient.connect({ port: this.#port });
    while (!this.#stopped) {
      const from = performance.now();
      client.send(['PING']);
      await client.take('+PONG\r\n');
      this.#took.push(performance.now() - from);
      await sleep(3);
    }
    client.close();
  }

  async stop(running: Promise<void>): Promise<{ p50: number; p99: number }> {
    this.#stopped = true;
    await running;
    return { p50: percentile(this.#took, 0.5), p99: percentile(this.#took, 0.99) };
  }
}

// Last: the class above has to be there.
for (const crowd of crowds) await measure(crowd);
