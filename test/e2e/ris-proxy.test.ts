// `rafka ris` as a process behind a proxy: the environment names it, and TLS to RIS Live goes through its tunnel.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createProxy, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

interface Pem {
  readonly file: string;
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** A certificate for localhost that signs itself. */
function certificate(t: TestContext): Pem {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-proxy-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [key, file] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const options = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', file, '-days', '2'];
  execFileSync('openssl', [...options, ...name], { stdio: 'ignore' });
  return { file, key: readFileSync(key), cert: readFileSync(file) };
}

/** @returns its port */
async function listening(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** Opens a tunnel to whatever is asked for. @param onTunnel gets its authority and what the client sends first through it */
function tunnel(server: Server, onTunnel: (authority: string, first: Buffer) => void): Server {
  return server.on('connect', ({ url = '' }, client: Socket, head: Buffer) => {
    const target = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.write(head);
      client.once('data', (first: Buffer) => onTunnel(url, first));
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
  });
}

for (const scheme of ['http', 'https'] as const) {
  test(`wss goes through the ${scheme}:// proxy that HTTPS_PROXY names, encrypted to its end`, async (t) => {
    const { file, key, cert } = certificate(t);
    const live = createTlsServer({ key, cert });
    const feed = new WebSocketServer({ server: live });
    const subscribed = new Promise<string>((resolve) => {
      feed.once('connection', (client) => client.once('message', (data) => resolve(String(data))));
    });
    const port = await listening(t, live);
    const tunnels: { authority: string; first: Buffer }[] = [];
    const server = scheme === 'https' ? createTlsServer({ key, cert }) : createProxy();
    const proxyPort = await listening(
      t,
      tunnel(server, (authority, first) => tunnels.push({ authority, first })),
    );
    const program = fileURLToPath(new URL('../../../bin/rafka', import.meta.url));
    const args = ['ris', '--embedded', '--no-ha', '--host', 'rrc13', '--url', `wss://localhost:${port}/v1/ws/`];
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        HTTPS_PROXY: `${scheme}://localhost:${proxyPort}`,
        NODE_EXTRA_CA_CERTS: file,
      },
    });
    t.after(() => child.kill('SIGKILL'));
    const lines: string[] = [];
    const connected = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        lines.push(line);
        if (line.includes('connected and subscribed')) resolve();
      });
      child.once('exit', () => reject(new Error(lines.join('\n'))));
    });
    const late = AbortSignal.timeout(60_000);
    late.addEventListener('abort', () => child.kill('SIGKILL'));
    await connected;
    assert.match(await subscribed, /"ris_subscribe".*"rrc13/);
    assert.equal(tunnels[0]?.authority, `localhost:${port}`);
    // The proxy sees a TLS handshake, not a request.
    assert.equal(tunnels[0]?.first[0], 0x16);
  });
}
