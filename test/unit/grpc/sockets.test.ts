// Connections of the gRPC listener that never go by themselves: half requests, peers that have left, too many of them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Server as SocketServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { boundHalfRequests } from '../../../src/grpc/half-requests.js';
import { listen } from '../../../src/grpc/sockets.js';
import { ManualClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';

const timeoutMs = 60_000;
/** A message of 16 bytes, of which three come. */
const cut = Buffer.from('0000000010616263', 'hex');
const whole = Buffer.from('0000000000', 'hex');

/** An HTTP/2 frame of less than 256 bytes. */
const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.of(0, 0, payload.length, type, flags, 0, 0, 0, stream), payload]);
const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
const headers = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/t/Echo',
  te: 'trailers',
  'content-type': 'application/grpc',
};
const halfCall = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(4, 0, 0, Buffer.of()),
  frame(1, 4, 1, Buffer.concat(Object.entries(headers).map(([name, value]) => literal(name, value)))),
  frame(0, 0, 1, cut),
]);

describe('gRPC connections', () => {
  const clock = new ManualClock();
  const half = { timeoutMs, after: (ms: number, call: () => void) => clock.after(ms, call), admit: () => undefined };
  const grpc = new Server({ interceptors: [boundHalfRequests(half)] });
  let sockets: SocketServer;
  let port: number;
  const clients: ClientHttp2Session[] = [];

  before(async () => {
    const bytes = {
      requestSerialize: Buffer.from,
      requestDeserialize: Buffer.from,
      responseSerialize: Buffer.from,
      responseDeserialize: Buffer.from,
    };
    const method = { path: '/t/Echo', requestStream: false, responseStream: false, ...bytes } as const;
    grpc.addService({ Echo: method } as never, {
      Echo: (_call: unknown, answer: (e: null, v: Buffer) => void) => answer(null, Buffer.of()),
    });
    const connections = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    ({ server: sockets, port } = await listen({ host: '127.0.0.1', port: 0 }, 3, (socket) =>
      connections.injectConnection(socket),
    ));
  });
  after(() => {
    for (const client of clients) client.destroy();
    grpc.forceShutdown();
    sockets.close();
  });

  const count = (): Promise<number> =>
    new Promise((resolve, reject) => sockets.getConnections((error, n) => (error ? reject(error) : resolve(n))));

  function call(client: ClientHttp2Session, data: Buffer, isWhole: boolean): ClientHttp2Stream {
    const stream = client.request({
      ':method': 'POST',
      ':path': '/t/Echo',
      te: 'trailers',
      'content-type': 'application/grpc',
    });
    stream.write(data);
    if (isWhole) stream.end();
    stream.resume();
    return stream;
  }

  function open(): ClientHttp2Session {
    const client = connectHttp2(`http://127.0.0.1:${port}`);
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  test('a request that does not come whole is answered after its time, and the connection serves on', async () => {
    const client = open();
    const half = call(client, cut, false);
    const statusOf = async (stream: ClientHttp2Stream): Promise<number> => {
      const got: Record<string, unknown>[] = [];
      stream.on('response', (headers) => got.push(headers));
      stream.on('trailers', (headers) => got.push(headers));
      await once(stream, 'close');
      return Number(got.at(-1)?.['grpc-status']);
    };
    const halfStatus = statusOf(half);
    assert.equal(await statusOf(call(client, whole, true)), status.OK);
    await eventually(10_000, async () => {
      await clock.advance(timeoutMs);
      return half.closed;
    });
    assert.equal(await halfStatus, status.DEADLINE_EXCEEDED);
    assert.equal(await statusOf(call(client, whole, true)), status.OK);
    client.close();
    await eventually(10_000, async () => (await count()) === 0);
  });

  test('a client that closes its side in the middle of a message leaves no socket behind', async () => {
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    client.resume();
    client.write(halfCall);
    await eventually(10_000, async () => (await count()) === 1);
    client.end();
    await once(client, 'close');
    await eventually(10_000, async () => (await count()) === 0);
  });

  test('more connections than allowed are closed at once', async () => {
    const held = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'));
    await eventually(10_000, async () => (await count()) === 3);
    const refused = connect(port, '127.0.0.1');
    refused.on('error', () => {});
    await once(refused, 'close');
    for (const socket of held) socket.destroy();
  });
});
