// The feed against a stand-in of RIS Live: subscription, reconnects, overlap, silence, and everything that is no message.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Clock } from '../../../../src/core/ports.js';
import { createLog, type Log } from '../../../../src/log.js';
import { Feed } from '../../../../src/ris/feed/feed.js';
import { realClock } from '../../../support/clock.js';
import { Generator, RisLiveServer } from '../../../support/ris-live.js';

const log = createLog({ level: 'silent', pretty: false });

interface Seen {
  readonly ids: string[];
  readonly starts: number[];
  readonly gaps: string[];
  readonly malformed: string[];
  errors: number;
  disconnects: number;
}

interface Setup {
  readonly server: RisLiveServer;
  readonly feed: Feed;
  readonly seen: Seen;
  readonly generator: Generator;
}

/** A feed that has begun, on a server of its own. */
async function begun(
  t: TestContext,
  options: { redundancy?: number; staleMs?: number; disorderUs?: number; clock?: Clock; log?: Log } = {},
): Promise<Setup> {
  const server = await RisLiveServer.start();
  const seen: Seen = { ids: [], starts: [], gaps: [], malformed: [], errors: 0, disconnects: 0 };
  const { redundancy = 1, staleMs = 60_000, disorderUs = 1000 } = options;
  const feed = new Feed(
    {
      url: server.url,
      clientId: 'test',
      collector: 'rrc13',
      redundancy,
      disorderUs,
      staleMs,
      connectTimeoutMs: 5_000,
      maxAheadMs: 60_000,
      backoffMinMs: 20,
      backoffMaxMs: 100,
      clock: options.clock ?? realClock,
      random: Math.random,
      log: options.log ?? log,
    },
    {
      onLine: ({ id }) => seen.ids.push(String(id)),
      onStart: (since) => seen.starts.push(since),
      onGap: (reason) => seen.gaps.push(reason),
      onAhead: () => {},
      onMalformed: (reason) => seen.malformed.push(reason),
      onServerError: () => seen.errors++,
      onDisconnect: () => seen.disconnects++,
    },
  );
  t.after(async () => {
    await feed.close();
    await server.stop();
  });
  feed.start();
  await until(() => server.subscribers.length === redundancy);
  return { server, feed, seen, generator: new Generator({ host: 'rrc13', peers: 3, rate: 1 }) };
}

async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `${what} does not hold`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Sends one message of the given time (ms) and waits until the feed has it from every socket. */
async function message({ server, seen, generator }: Setup, ms: number, copies = 1): Promise<string> {
  const { id, line } = generator.next(ms);
  const before = seen.ids.length;
  server.send('rrc13', line);
  await until(() => seen.ids.length === before + copies, 'the message');
  return id;
}

test('subscribes to its collector, with the exact bytes, under its name', async (t) => {
  const setup = await begun(t);
  assert.deepEqual(setup.server.commands[0], {
    type: 'ris_subscribe',
    data: { host: 'rrc13.ripe.net', socketOptions: { includeRaw: true, acknowledge: true } },
  });
  assert.deepEqual(setup.server.subscribers, ['test']);
  assert.equal(setup.feed.since, null, 'nothing is known before the first message');
  const id = await message(setup, 5_000);
  assert.deepEqual(setup.seen.ids, [id]);
  assert.deepEqual(setup.seen.starts, [5_001_000]);
});

test('a cut is a gap, and the feed begins anew by itself', async (t) => {
  const setup = await begun(t);
  await message(setup, 5_000);
  setup.server.cut('test');
  await until(() => setup.seen.gaps.length === 1, 'the gap');
  assert.equal(setup.feed.since, null);
  await until(() => setup.server.subscribers.length === 1, 'the second subscription');
  await message(setup, 9_000);
  assert.deepEqual(setup.seen.starts, [5_001_000, 9_001_000]);
});

test('the end of one of two overlapping sockets is no gap; each message comes from both', async (t) => {
  const setup = await begun(t, { redundancy: 2 });
  await message(setup, 5_000, 2);
  await message(setup, 6_000, 2);
  setup.server.cut('test-2');
  await until(() => setup.seen.disconnects === 1, 'the end');
  await message(setup, 6_001);
  await until(() => setup.server.subscribers.length === 2, 'the second subscription');
  await message(setup, 7_000, 2);
  assert.deepEqual(setup.seen.gaps, []);
  assert.equal(setup.seen.starts.length, 1);
});

test('a second socket that has just come does not make up for the first', async (t) => {
  const setup = await begun(t, { redundancy: 2, disorderUs: 500_000 });
  await message(setup, 5_000, 2);
  await message(setup, 6_000, 2);
  setup.server.cut('test-2');
  await until(() => setup.seen.disconnects === 1, 'the end');
  assert.deepEqual(setup.seen.gaps, [], 'the first has everything');
  await until(() => setup.server.subscribers.length === 2, 'the second subscription');
  await message(setup, 7_000, 2);
  // From 7,500 on it has everything; but what the first socket brought last, up to 7,600, may have overtaken older ones.
  await message(setup, 7_600, 2);
  setup.server.cut('test', true);
  await until(() => setup.seen.gaps.length === 1, 'the gap');
});

test('a silent socket is replaced', async (t) => {
  const setup = await begun(t, { staleMs: 200 });
  // That the server answers says nothing of the subscription.
  const answers = setInterval(() => setup.server.sendToAll('{"type":"pong","data":null}'), 20);
  t.after(() => clearInterval(answers));
  await until(() => setup.seen.disconnects >= 1, 'the watchdog');
  await until(() => setup.server.subscribers.length === 1, 'the second subscription');
});

test('junk and control messages disturb nobody', async (t) => {
  const setup = await begun(t);
  await message(setup, 5_000);
  const junk = [
    'not json',
    '',
    'null',
    '[]',
    '{"type":"pong"}',
    '{"type":"pong","data":null}',
    '{"type":"ris_rrc_list","data":["rrc00"]}',
    '{"type":"ris_subscribe_ok","data":null}',
    '{"type":"ris_message","data":{"host":"rrc13"}}',
    '{"type":"ris_message","data":null}',
  ];
  for (const text of junk) setup.server.sendToAll(text);
  setup.server.sendToAll(new Generator({ host: 'rrc99', peers: 1, rate: 1 }).next(6_000).line);
  await message(setup, 7_000);
  assert.equal(setup.seen.ids.length, 2);
  assert.equal(setup.seen.malformed.length, 7);
  assert.deepEqual(setup.seen.gaps, []);
});

test('ris_error is counted by its envelope; after a refused subscription it is asked again', async (t) => {
  const setup = await begun(t);
  setup.server.sendToAll('{"type":"ris_error","data":{"message":"no such host"}}');
  await until(() => setup.seen.errors === 1 && setup.seen.disconnects === 1, 'the error');
  // The server may not have heard yet that the first one has ended.
  const isSubscribe = (command: unknown): boolean => (command as { type?: unknown }).type === 'ris_subscribe';
  const { server } = setup;
  await until(() => server.commands.filter(isSubscribe).length === 2, 'the second subscription');
  await until(() => server.subscribers.length === 1, 'the end of the first');
  await message(setup, 5_000);
  setup.server.sendToAll('{"type":"ris_error"}');
  await until(() => setup.seen.errors === 2, 'the second error');
  await message(setup, 6_000);
  assert.equal(setup.seen.disconnects, 1, 'a working subscription goes on');
});

test('a complaint of the server is the reason of the disconnect that it announces, not of a later one', async (t) => {
  const reasons: string[] = [];
  let laterMs = 0;
  const clock: Clock = { ...realClock, monotonic: () => realClock.monotonic() + laterMs };
  const warn = ({ reason }: { reason?: string }): unknown => reason !== undefined && reasons.push(reason);
  const loud = { warn, info: () => {} } as unknown as Log;
  const setup = await begun(t, { clock, log: loud });
  await message(setup, 5_000);
  setup.server.sendToAll('{"type":"ris_error","data":{"message":"client too slow"}}');
  await until(() => setup.seen.errors === 1, 'the error');
  setup.server.cut('test');
  await until(() => reasons.length === 1, 'the first disconnect');
  assert.equal(reasons[0], 'ris_error: client too slow');
  await until(() => setup.server.subscribers.length === 1, 'the second subscription');
  await message(setup, 6_000);
  setup.server.sendToAll('{"type":"ris_error","data":{"message":"unknown command"}}');
  await until(() => setup.seen.errors === 2, 'the second error');
  laterMs = 20_000;
  setup.server.cut('test');
  await until(() => reasons.length === 2, 'the second disconnect');
  assert.match(reasons[1]!, /closed with 1006/);
});
