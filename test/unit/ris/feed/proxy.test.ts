// The way to RIS Live through a proxy, compressed where the server agrees.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { listCollectors } from '../../../../src/ris/feed/collectors.js';
import { LiveSocket } from '../../../../src/ris/feed/live.js';
import { isProxy, proxyFrom } from '../../../../src/ris/feed/proxy.js';
import { realClock } from '../../../support/clock.js';
import { RisLiveServer } from '../../../support/ris-live.js';

/** A proxy that lets one user in. */
async function proxy(t: TestContext): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer();
  server.on('connect', (request, client, head) => {
    seen.push(request.url!);
    const login = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    if (request.headers['proxy-authorization'] !== login) return client.end('HTTP/1.1 407 Who are you\r\n\r\n');
    const [host, port] = request.url!.split(':');
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://user:p%40ss@127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

test('goes through the proxy that is named, with its login; a refusal says so', async (t) => {
  const live = await RisLiveServer.start({ collectors: ['rrc07.ripe.net'] });
  t.after(() => live.stop());
  const { url, seen } = await proxy(t);
  const options = { url: live.url, connectTimeoutMs: 5_000 };
  assert.deepEqual(await listCollectors({ ...options, proxy: url }, realClock), ['rrc07']);
  assert.deepEqual(seen, [new URL(live.url).host]);
  const stranger = url.replace('user:', 'other:');
  await assert.rejects(listCollectors({ ...options, proxy: stranger }, realClock), /proxy 127\.0\.0\.1: answers 407/);
});

test('which proxy the environment names', () => {
  const live = 'wss://ris-live.ripe.net/v1/ws/';
  assert.equal(proxyFrom({ HTTPS_PROXY: 'http://p:3128' }, live), 'http://p:3128');
  assert.equal(proxyFrom({ https_proxy: 'p:3128' }, live), 'http://p:3128');
  assert.equal(proxyFrom({ HTTP_PROXY: 'http://p:3128' }, live), undefined);
  assert.equal(proxyFrom({ HTTP_PROXY: 'http://p:3128' }, 'ws://h/'), 'http://p:3128');
  for (const no of ['*', 'ripe.net', '.ripe.net', 'a, ris-live.ripe.net:443'])
    assert.equal(proxyFrom({ HTTPS_PROXY: 'http://p', NO_PROXY: no }, live), undefined, no);
  for (const no of ['ripe.net:80', 'e.net', ''])
    assert.equal(proxyFrom({ HTTPS_PROXY: 'http://p', NO_PROXY: no }, live), 'http://p', no);
  assert.deepEqual(['', 'http://p', 'socks5://p', 'p'].map(isProxy), [true, true, false, false]);
});

test('a server that compresses is understood', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0 } });
  await once(server, 'listening');
  const lines: string[] = [];
  let done = (): void => {};
  const got = new Promise<void>((resolve) => {
    done = resolve;
  });
  const accepted = new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const waits = { staleMs: 60_000, connectTimeoutMs: 5_000, backoffMinMs: 100, backoffMaxMs: 100 };
  const socket = new LiveSocket(
    { url, clientId: 'test', host: 'rrc13', ...waits, clock: realClock, random: Math.random },
    {
      onLine: (line) => {
        lines.push(line);
        if (lines.length === 100) done();
      },
      onUp: () => {},
      onDown: () => {},
    },
  );
  t.after(async () => {
    await socket.close();
    server.close();
  });
  socket.start();
  const client = await accepted;
  assert.match(client.extensions, /permessage-deflate/);
  for (let n = 0; n < 100; n++) client.send(`${n} ${'x'.repeat(500)}`);
  await got;
  assert.deepEqual(
    lines.map((line) => Number.parseInt(line, 10)),
    Array.from({ length: 100 }, (_, n) => n),
  );
});
