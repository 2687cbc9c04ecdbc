// The lease on a real Redis: one holder, fencing tokens, local expiry, and what a restarted Redis does to it.
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { Redis } from 'ioredis';
import { connectRedis, Lease } from '../../../../src/ris/leadership/lease.js';
import { redisOptions } from '../../../../src/ris/redis-url.js';
import { RedisServer, whyNoRedis } from '../../../campaign/ris-stage.js';
import { ManualClock } from '../../../support/clock.js';

let server: RedisServer | undefined;
let redis: Redis;
let keys = 0;
const missing = whyNoRedis();

before(async () => {
  if (missing) return;
  server = await RedisServer.start();
  redis = await connected();
});

after(async () => {
  redis?.disconnect();
  await server?.stop();
});

async function connected(): Promise<Redis> {
  const client = connectRedis(redisOptions(server!.url), 1_000, () => {});
  if (client.status !== 'ready') await new Promise((resolve) => client.once('ready', resolve));
  return client;
}

function isSkipped(t: TestContext): boolean {
  if (!missing) return false;
  if (process.env.RAFKA_REQUIRE === '1') throw new Error(missing);
  t.skip(missing);
  return true;
}

/** Leases of one collector for replicas `a` and `b`, each with a clock of its own. */
function pair(ttlMs = 60_000) {
  const collector = `rrc${keys++}`;
  const clocks = { a: new ManualClock(), b: new ManualClock() };
  const lease = (replica: 'a' | 'b') =>
    new Lease(redis, collector, { prefix: 'test:', ttlMs, replica, clock: clocks[replica] });
  return { a: lease('a'), b: lease('b'), clocks, collector };
}

test('one replica has it, and the token grows', async (t) => {
  if (isSkipped(t)) return;
  const { a, b } = pair();
  assert.equal(await a.acquire(), true);
  assert.equal(await b.acquire(), false);
  assert.equal(a.valid(), true);
  assert.equal(b.valid(), false);
  const first = a.held!.token;
  await a.release();
  assert.equal(a.valid(), false);
  assert.equal(await b.acquire(), true);
  assert.ok(b.held!.token > first);
});

test('a paused process knows that its lease is over before it asks', async (t) => {
  if (isSkipped(t)) return;
  const { a, clocks } = pair(60_000);
  await a.acquire();
  await clocks.a.advance(59_999);
  assert.equal(a.valid(), true);
  await clocks.a.advance(1);
  assert.equal(a.valid(), false);
  assert.equal(await a.renew(null), false, 'too late to renew, though Redis still has it');
});

test('renewing makes it last, from before the question was sent', async (t) => {
  if (isSkipped(t)) return;
  const { a, clocks } = pair(60_000);
  await a.acquire();
  await clocks.a.advance(40_000);
  assert.equal(await a.renew(7), true);
  await clocks.a.advance(59_999);
  assert.equal(a.valid(), true);
});

test('a lease that another has is neither renewed nor released', async (t) => {
  if (isSkipped(t)) return;
  const { a, b, collector } = pair();
  await a.acquire();
  await redis.del(`test:${collector}:lease`);
  assert.equal(await b.acquire(), true);
  assert.equal(await a.renew(null), false);
  assert.equal(a.valid(), false);
  await a.release();
  assert.equal(await redis.get(`test:${collector}:lease`), b.held!.value);
});

test('a lease that vanished with Redis is set again by its holder', async (t) => {
  if (isSkipped(t)) return;
  const { a, b, collector } = pair();
  await a.acquire();
  await redis.flushall();
  assert.equal(await a.renew(null), true);
  assert.equal(await b.acquire(), false);
  assert.ok((await redis.pttl(`test:${collector}:lease`)) > 0);
});

test('replicas see one another, the progress and the leader; a leader does not advertise', async (t) => {
  if (isSkipped(t)) return;
  const { a, b } = pair();
  assert.deepEqual(await a.look(5), { leader: null, progress: null, adverts: [] });
  assert.deepEqual((await b.look(null)).adverts, [{ replica: 'a', since: 5 }]);
  await a.acquire();
  await a.renew(1_700_000_000_000_000);
  const fromA = await a.look(6);
  assert.deepEqual(fromA.adverts, [{ replica: 'b', since: null }]);
  const fromB = await b.look(9);
  assert.equal(fromB.leader, a.held!.value);
  assert.equal(fromB.progress, 1_700_000_000_000_000);
  assert.deepEqual(fromB.adverts, []);
});

test('an advert that nobody repeats goes', async (t) => {
  if (isSkipped(t)) return;
  const { a, b } = pair(500);
  await a.look(5);
  const until = Date.now() + 5_000;
  while ((await b.look(1)).adverts.length > 0) assert.ok(Date.now() < until, 'the advert stays');
});

test('without Redis every question fails soon and nothing is acquired', async (t) => {
  if (isSkipped(t)) return;
  const dead = connectRedis(redisOptions('redis://127.0.0.1:1'), 500, () => {});
  const clock = new ManualClock();
  const lease = new Lease(dead, 'rrc99', { prefix: 'test:', ttlMs: 1000, replica: 'a', clock });
  await assert.rejects(lease.acquire());
  await assert.rejects(lease.look(1));
  await lease.leave();
  assert.equal(lease.valid(), false);
  dead.disconnect();
});
