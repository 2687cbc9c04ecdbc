// The gateway as a process of its system: signals, and a log that can't be written. On the embedded Kafka.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess } from '../support/gateway.js';

const bin = join(import.meta.dirname, '../../../bin/rafka');

/** Sends commands on one connection. @returns what is answered up to PONG, the last one's. */
async function ask(port: number, commands: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(`${commands}PING\r\n`);
    let got = '';
    for await (const chunk of socket.setEncoding('latin1')) {
      got += chunk;
      if (got.endsWith('+PONG\r\n')) return got;
    }
    throw new Error(`closed behind ${got.slice(-100)}`);
  } finally {
    socket.destroy();
  }
}

const answers = async (port: number): Promise<boolean> => (await ask(port, '').catch(() => '')) === '+PONG\r\n';

test('signals that tools send to whoever they find end nothing and open no debugger', async () => {
  const gateway = await GatewayProcess.start();
  try {
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const) {
      gateway.signal(signal);
      assert.equal(await ask(gateway.port, ''), '+PONG\r\n', signal);
    }
    await eventually(10_000, () => gateway.lines.some(({ msg }) => msg.startsWith('reload: ')));
    assert.ok(!gateway.lines.some(({ msg }) => msg.includes('Debugger listening')));
    assert.equal(await gateway.end('SIGTERM'), 0);
  } finally {
    await gateway.stop();
  }
});

test('a peer that never begins its TLS handshake is closed, by every listener', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-tls-'));
  const tls = { keyFile: join(dir, 'key.pem'), certFile: join(dir, 'cert.pem') };
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=x',
  ];
  execFileSync('openssl', [...request, '-keyout', tls.keyFile, '-out', tls.certFile], { stdio: 'ignore' });
  const ports = { resp: await freePort(), http: await freePort(), grpc: await freePort() };
  const gateway = await GatewayProcess.start({
    port: ports.resp,
    config: { embedded: true, resp: { tls }, http: { port: ports.http, tls }, grpc: { port: ports.grpc, tls } },
  });
  try {
    // Ten seconds each: that they are closed at all is the point.
    await Promise.all(
      Object.values(ports).map(async (port) => {
        const socket = connect(port, '127.0.0.1').on('error', () => {});
        await once(socket.resume(), 'close', { signal: AbortSignal.timeout(60_000) });
      }),
    );
  } finally {
    await gateway.stop();
    rmSync(dir, { recursive: true });
  }
});

describe('a log that can not be written', () => {
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  /** @param stderr a descriptor, or a pipe that nobody reads. */
  async function start(stderr: number | 'pipe'): Promise<{ child: ChildProcess; port: number }> {
    const port = await freePort();
    const child = spawn(bin, ['--port', String(port)], { stdio: ['ignore', 'ignore', stderr] });
    children.push(child);
    await eventually(30_000, () => answers(port));
    return { child, port };
  }

  /** Each of these is a line of the log. */
  const named = 'CLIENT SETNAME group:member\r\nRESET\r\n'.repeat(2_000);

  async function ends(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  }

  test('on a full disk the gateway serves on, and ends in good order', async () => {
    const full = openSync('/dev/full', 'w');
    const { child, port } = await start(full);
    closeSync(full);
    assert.ok((await ask(port, named)).startsWith('+OK\r\n+RESET\r\n'));
    assert.equal(await answers(port), true);
    await ends(child);
  });

  test('with a reader that does not read the gateway serves on, and its end does not wait for it', async () => {
    const { child, port } = await start('pipe');
    for (let i = 0; i < 5; i++) await ask(port, named);
    assert.equal(await answers(port), true);
    await ends(child);
  });
});
