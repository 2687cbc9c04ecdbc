// Connections of the gRPC listener that never go by themselves: half requests, peers that have left, too many of them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Server as SocketServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { MemoryBudget } from '../../../src/core/memory/memory-budget.js';
import { boundHalfRequests, measured } from '../../../src/grpc/half-requests.js';
import { listen } from '../../../src/grpc/sockets.js';
import { ManualClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';

const timeoutMs = 60_000;
const mostWaiting = 20;
/** A message of 16 bytes, of which three come. */
const cut = Buffer.from('0000000010616263', 'hex');
const whole = Buffer.from('0000000000', 'hex');
/** A message with its length in front. @param flag 1: compressed */
const message = (bytes: Buffer, flag = 0): Buffer => {
  const head = Buffer.alloc(5, flag);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

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
  const budget = new MemoryBudget(100_000);
  const waits = (ms: number, call: () => void) => clock.after(ms, call);
  const half = { timeoutMs, mostWaiting, budget, after: waits, admit: () => undefined };
  const grpc = new Server({ interceptors: [boundHalfRequests(half)] });
  let sockets: SocketServer;
  let port: number;
  const clients: ClientHttp2Session[] = [];
  /** Requests that begin with this byte are answered when the test says so. */
  const slow = 1;
  const waiting: (() => void)[] = [];

  before(async () => {
    const bytes = {
      requestSerialize: Buffer.from,
      requestDeserialize: measured<Buffer>(Buffer.from),
      responseSerialize: Buffer.from,
      responseDeserialize: Buffer.from,
    };
    const method = { path: '/t/Echo', requestStream: false, responseStream: false, ...bytes } as const;
    grpc.addService({ Echo: method } as never, {
      Echo: ({ request }: { request: Buffer }, answer: (e: null, v: Buffer) => void) => {
        const reply = () => answer(null, Buffer.of());
        if (request[0] === slow) waiting.push(reply);
        else reply();
      },
    });
    const connections = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    ({ server: sockets, port } = await listen({ host: '127.0.0.1', port: 0 }, 3, waits, (socket) =>
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

  function call(client: ClientHttp2Session, data: Buffer, isWhole: boolean, more: object = {}): ClientHttp2Stream {
    const stream = client.request({
      ':method': 'POST',
      ':path': '/t/Echo',
      te: 'trailers',
      'content-type': 'application/grpc',
      ...more,
    });
    stream.on('error', () => {});
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

  const statusOf = async (stream: ClientHttp2Stream): Promise<number> => {
    const got: Record<string, unknown>[] = [];
    stream.on('response', (headers) => got.push(headers));
    stream.on('trailers', (headers) => got.push(headers));
    await once(stream, 'close');
    return Number(got.at(-1)?.['grpc-status']);
  };

  test('a request that does not come whole is answered after its time, and the connection serves on', async () => {
    const client = open();
    const half = call(client, cut, false);
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

  const isHeld = (bytes: number) => eventually(10_000, async () => budget.total >= bytes);

  test('incomplete requests of all clients count together: one more is refused, the others are answered', async () => {
    const client = open();
    const part = message(Buffer.alloc(40_000)).subarray(0, 30_000);
    const first = call(client, part, false);
    await isHeld(30_000);
    const second = call(client, part, false);
    await isHeld(60_000);
    const third = call(client, message(Buffer.alloc(90_000)).subarray(0, 45_000), false);
    assert.equal(await statusOf(third), status.RESOURCE_EXHAUSTED);
    for (const each of [first, second]) {
      each.end(Buffer.alloc(10_005));
      assert.equal(await statusOf(each), status.OK);
    }
    assert.equal(budget.total, 0);
    client.close();
  });

  test('a whole request counts until it is answered', async () => {
    const client = open();
    const first = call(client, message(Buffer.alloc(60_000, slow)), true);
    await eventually(10_000, async () => waiting.length === 1);
    assert.equal(await statusOf(call(client, message(Buffer.alloc(60_000)), true)), status.RESOURCE_EXHAUSTED);
    waiting[0]!();
    assert.equal(await statusOf(first), status.OK);
    assert.equal(budget.total, 0);
    client.close();
  });

  test('of many half requests the number is bounded: one more is refused, and one that ends makes room', async () => {
    const client = open();
    const halves = Array.from({ length: mostWaiting }, () => call(client, cut, false));
    // Requests of one connection arrive in their order: the refused one was behind all of these.
    assert.equal(await statusOf(call(client, cut, false)), status.RESOURCE_EXHAUSTED);
    const [first, ...others] = halves;
    first!.end(Buffer.alloc(13));
    assert.equal(await statusOf(first!), status.OK);
    assert.equal(await statusOf(call(client, whole, true)), status.OK);
    for (const each of others) each.close();
    client.close();
    await eventually(10_000, async () => (await count()) === 0);
  });

  test('a compressed request counts as long as it is', async () => {
    const client = open();
    const gzip = { 'grpc-encoding': 'gzip' };
    const small = message(gzipSync(Buffer.alloc(60_000)), 1);
    const first = call(client, small, false, gzip);
    await isHeld(60_000);
    assert.equal(await statusOf(call(client, small, true, gzip)), status.RESOURCE_EXHAUSTED);
    first.end();
    assert.equal(await statusOf(first), status.OK);
    assert.equal(budget.total, 0);
    assert.equal(await statusOf(call(client, small, true, gzip)), status.OK);
    client.close();
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
