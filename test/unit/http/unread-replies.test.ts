// Clients of HTTP that never read their reply are closed; those that read it, however late they ask again, are not.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, test } from 'node:test';
import { boundUnreadReplies } from '../../../src/http/reply-end.js';

/** More than the sockets of both sides hold. */
const large = Buffer.alloc(64 * 1024 * 1024);
const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(reply: Buffer, timeoutMs: number): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => {
    response.once('close', () => server.emit('answered')).end(reply);
  });
  boundUnreadReplies(server, timeoutMs);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

test('a client that never reads its reply is closed', { timeout: 60_000 }, async () => {
  const { server, port } = await serve(large, 50);
  const accepted = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.pause();
  client.write(request);
  const [socket] = await accepted;
  await once(socket, 'close');
  client.destroy();
});

test('a client that has read its reply stays', { timeout: 60_000 }, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { server, port } = await serve(large, 1_000);
  const client = connect(port, '127.0.0.1');
  let bytes = 0;
  client.on('data', (piece) => {
    bytes += piece.length;
    if (bytes > large.length) client.emit('whole');
  });
  for (let replies = 0; replies < 3; replies++) {
    bytes = 0;
    // The server hears of the last bytes by itself, before or after the client has them.
    const answered = once(server, 'answered');
    client.write(request);
    await Promise.all([once(client, 'whole'), answered]);
    t.mock.timers.tick(1_000);
  }
  client.destroy();
});
