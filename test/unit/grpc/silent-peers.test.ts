// gRPC peers that say nothing: pinged, closed when they do not answer, when they call nothing, when their request does not end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, constants, type Settings } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { Gate } from '../../../src/core/access/gate.js';
import { LoginGuard } from '../../../src/core/access/login-guard.js';
import { Users } from '../../../src/core/access/users.js';
import { MemoryBudget } from '../../../src/core/memory/memory-budget.js';
import { Proxies } from '../../../src/core/queue/proxies.js';
import { KafkaProxy } from '../../../src/core/queue/proxy.js';
import { Stats } from '../../../src/core/stats/stats.js';
import { GrpcServer, type GrpcTimes } from '../../../src/grpc/server.js';
import { realClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';
import { FakeKafka } from '../../support/fake-kafka.js';
import { produceSettings, sharedSettings } from '../../support/queue-settings.js';

/** Longer than any test. */
const never = 600_000;
const patient: GrpcTimes = { pingMs: never, pingAnswerMs: never, idleMs: never, requestMs: never, replyMs: never };
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const settings = Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
/** Hangs up in the end, so that what is left open fails the test and does not hang it. */
const signal = (): AbortSignal => AbortSignal.timeout(30_000);

describe('silent gRPC peers', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function start(times: Partial<GrpcTimes>): Promise<number> {
    const [clock, stats, log] = [realClock, new Stats(), pino({ level: 'silent' })];
    const kafka = new FakeKafka();
    const context = { name: 'default', kafka, clock, stats, log, settings: sharedSettings, produce: produceSettings };
    const logins = new LoginGuard({ clock, stats, log });
    const server = new GrpcServer({
      host: '127.0.0.1',
      port: 0,
      proxies: new Proxies([new KafkaProxy(context)], { allowInternal: false }),
      gate: new Gate({ users: Users.load({}, () => ''), protectedMode: true, logins }),
      stats,
      log,
      maxMessageBytes: 1_000_000,
      requests: new MemoryBudget(1_000_000),
      maxConnections: 10,
      times: { ...patient, ...times },
    });
    await server.start();
    ends.push(async () => {
      await server.stopListening();
      await server.close();
      await kafka.close();
    });
    return Number(server.address!.split(':').at(-1));
  }

  /** A peer that keeps its side open, whatever the server does. */
  function openSocket(port: number): Socket {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    ends.push(() => socket.destroy());
    return socket.resume();
  }

  /** The server has closed the socket for good: it did not only end its own side. */
  async function isGone(socket: Socket): Promise<void> {
    await once(socket, 'end', { signal: signal() });
    await eventually(10_000, () => {
      if (!socket.destroyed) socket.write('more');
      return socket.destroyed;
    });
  }

  /** A peer as a library makes one: it answers pings. */
  function openSession(port: number, settings: Settings = {}): ClientHttp2Session {
    const session = connectHttp2(`http://127.0.0.1:${port}`, { settings });
    session.on('error', () => {});
    ends.push(() => session.destroy());
    return session;
  }

  const ask = (session: ClientHttp2Session, isWhole: boolean, takes = true) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/KafkaPixy/ListTopics',
      te: 'trailers',
      'content-type': 'application/grpc',
    });
    stream.on('error', () => {});
    stream.write(Buffer.from(isWhole ? '0000000000' : '0000000010616263', 'hex'));
    if (isWhole) stream.end();
    return takes ? stream.resume() : stream;
  };
  const statusOf = async (stream: ReturnType<typeof ask>): Promise<number> => {
    const got: Record<string, unknown>[] = [];
    stream.on('response', (headers) => got.push(headers));
    stream.on('trailers', (headers) => got.push(headers));
    await once(stream, 'close', { signal: signal() });
    return Number(got.at(-1)?.['grpc-status']);
  };

  for (const [who, sent] of [
    ['that connects and says nothing', Buffer.of()],
    ['that begins HTTP/2 and then says nothing', Buffer.concat([Buffer.from(preface), settings])],
  ] as const)
    test(`a peer ${who} is pinged, and closed as it does not answer`, async () => {
      const socket = openSocket(await start({ pingMs: 50, pingAnswerMs: 50 }));
      socket.write(sent);
      await isGone(socket);
    });

  test('a peer that answers pings stays, and is served', async () => {
    const session = openSession(await start({ pingMs: 20, pingAnswerMs: 10_000 }));
    for (let pings = 0; pings < 5; pings++) await once(session, 'ping', { signal: signal() });
    assert.equal(session.closed, false);
    assert.equal(await statusOf(ask(session, true)), status.OK);
  });

  test('a connection without a call is closed, though it answers pings; its client may open the next one', async () => {
    const port = await start({ pingMs: 20, pingAnswerMs: 10_000, idleMs: 300 });
    const session = openSession(port);
    assert.equal(await statusOf(ask(session, true)), status.OK);
    const [code] = await Promise.all([
      once(session, 'goaway', { signal: signal() }),
      once(session, 'close', { signal: signal() }),
    ]);
    assert.equal(code[0], 0, 'in order: NO_ERROR');
    assert.equal(await statusOf(ask(openSession(port), true)), status.OK);
  });

  test('a connection without a call whose peer never closes its side is closed all the same', async () => {
    const socket = openSocket(await start({ idleMs: 100 }));
    socket.write(Buffer.concat([Buffer.from(preface), settings]));
    await isGone(socket);
  });

  test('a request that does not end is answered, and its connection serves on', async () => {
    const session = openSession(await start({ requestMs: 100 }));
    assert.equal(await statusOf(ask(session, false)), status.DEADLINE_EXCEEDED);
    assert.equal(await statusOf(ask(session, true)), status.OK);
  });

  test('a reply that its client never takes is closed, though it answers pings', async () => {
    const port = await start({ pingMs: 20, pingAnswerMs: 10_000, replyMs: 100 });
    // Its window takes not one byte.
    const session = openSession(port, { initialWindowSize: 0 });
    const stream = ask(session, true, false);
    await once(stream, 'close', { signal: signal() });
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
    assert.equal(session.closed, false);
  });

  test('a hundred half requests on ten connections: all of them are closed', async () => {
    const port = await start({ requestMs: 100, idleMs: 300 });
    const sessions = Array.from({ length: 10 }, () => openSession(port));
    const closed = sessions.map((session) => once(session, 'close', { signal: signal() }));
    for (const session of sessions) for (let calls = 0; calls < 10; calls++) ask(session, false);
    await Promise.all(closed);
  });
});
