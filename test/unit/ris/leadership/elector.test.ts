// An election held with a lease, on a clock in hand: when a replica tries, renews, gives up, and what it makes of a Redis that fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stats } from '../../../../src/core/stats/stats.js';
import { createLog } from '../../../../src/log.js';
import { type ElectionCandidate, type LeaseInRedis, RedisElection } from '../../../../src/ris/leadership/elector.js';
import type { Advert, Held, LeaseSnapshot } from '../../../../src/ris/leadership/lease.js';
import { ManualClock } from '../../../support/clock.js';

const ttlMs = 4_000;
const log = createLog({ level: 'silent', pretty: false });

/** One Redis for all replicas of a test, with its time to live. */
class FakeRedis {
  readonly clock: ManualClock;
  isDown = false;
  leader: Held | null = null;
  until = 0;
  progress: number | null = null;
  tokens = 0;
  readonly adverts = new Map<string, { since: number | null; at: number }>();

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  get holder(): Held | null {
    return this.clock.monotonic() < this.until ? this.leader : null;
  }

  /** As a restart without persistence. */
  forget(): void {
    this.leader = null;
    this.progress = null;
    this.adverts.clear();
  }
}

class FakeLease implements LeaseInRedis {
  readonly #redis: FakeRedis;
  readonly #name: string;
  readonly calls: string[] = [];
  /** Its own way to Redis. */
  isCut = false;
  held: Held | undefined;
  #until = 0;

  constructor(redis: FakeRedis, name: string) {
    this.#redis = redis;
    this.#name = name;
  }

  valid = (): boolean => this.held !== undefined && this.#redis.clock.monotonic() < this.#until;

  async look(since: number | null): Promise<LeaseSnapshot> {
    const { adverts, holder, progress, clock } = this.#ask('look');
    if (this.valid()) adverts.delete(this.#name);
    else adverts.set(this.#name, { since, at: clock.monotonic() });
    const others = [...adverts].filter(([name, { at }]) => name !== this.#name && at + ttlMs >= clock.monotonic());
    const seen: Advert[] = others.map(([replica, advert]) => ({ replica, since: advert.since }));
    return { leader: holder?.value ?? null, progress, adverts: seen };
  }

  async acquire(): Promise<boolean> {
    const redis = this.#ask('acquire');
    if (redis.holder) return false;
    const token = ++redis.tokens;
    this.held = { value: `${token}:${this.#name}`, token };
    redis.leader = this.held;
    redis.until = this.#until = redis.clock.monotonic() + ttlMs;
    return true;
  }

  async renew(progress: number | null): Promise<boolean> {
    const redis = this.#ask('renew');
    if (!this.valid() || (redis.holder && redis.holder !== this.held)) return this.#lose();
    redis.leader = this.held!;
    redis.progress = progress ?? redis.progress;
    redis.until = this.#until = redis.clock.monotonic() + ttlMs;
    return true;
  }

  async release(): Promise<void> {
    this.calls.push('release');
    if (!this.#redis.isDown && !this.isCut && this.#redis.leader === this.held) this.#redis.leader = null;
    this.#lose();
  }

  async leave(): Promise<void> {
    await this.release();
    this.#redis.adverts.delete(this.#name);
  }

  #ask(what: string): FakeRedis {
    this.calls.push(what);
    if (this.#redis.isDown || this.isCut) throw new Error('Redis does not answer');
    return this.#redis;
  }

  #lose(): false {
    this.held = undefined;
    return false;
  }
}

/** Replicas of one collector. */
function scene() {
  const clock = new ManualClock();
  const redis = new FakeRedis(clock);
  const replica = (name: string, since: number | null = 0) => {
    const lease = new FakeLease(redis, name);
    const stats = new Stats();
    const election = new RedisElection(lease, ttlMs, { host: 'rrc13', clock, stats, log });
    const state = { since, progress: null as number | null, changes: 0, sights: 0 };
    const candidate: ElectionCandidate = {
      since: () => state.since,
      progress: () => state.progress,
      onSnapshot: () => state.sights++,
      onChange: () => state.changes++,
    };
    election.start(candidate);
    const errors = () => [...stats.labelled('ris.redis.errors').entries()][0]?.[1] ?? 0;
    return { election, lease, state, errors };
  };
  return { clock, redis, replica };
}

test('of several replicas one leads, and goes on leading', async () => {
  const { clock, redis, replica } = scene();
  const [a, b] = [replica('a'), replica('b')];
  await clock.advance(100);
  assert.deepEqual([a.election.leads(), b.election.leads()], [true, false]);
  assert.equal(a.election.term(), '1:a');
  await clock.advance(20 * ttlMs);
  assert.deepEqual([a.election.leads(), b.election.leads(), redis.tokens], [true, false, 1]);
  assert.deepEqual([a.state.changes, b.state.changes], [1, 0], 'told once');
  assert.deepEqual([a.election.hasOthers(), b.election.hasOthers()], [true, false], 'a leader does not advertise');
});

test('a replica without a feed never stands', async () => {
  const { clock, redis, replica } = scene();
  const a = replica('a', null);
  await clock.advance(10 * ttlMs);
  assert.equal(a.election.leads(), false);
  a.state.since = 5;
  await clock.advance(ttlMs);
  assert.equal(redis.holder?.value, '1:a');
});

test('a leader that dies is followed within a lease and one look', async () => {
  const { clock, redis, replica } = scene();
  const a = replica('a');
  const b = replica('b');
  await clock.advance(ttlMs);
  assert.equal(a.election.leads(), true);
  await a.election.close();
  // Died rather than left: its lease still stands.
  redis.leader = { value: '1:a', token: 1 };
  redis.until = clock.monotonic() + ttlMs;
  await clock.advance(ttlMs - 1);
  assert.equal(b.election.leads(), false);
  await clock.advance(502);
  assert.equal(b.election.leads(), true);
  assert.equal(b.lease.held?.token, 2, 'the fencing token grew');
});

test('what is given up another takes at its next look; who gave it up waits half a lease', async () => {
  const { clock, redis, replica } = scene();
  const a = replica('a');
  const b = replica('b', 900);
  await clock.advance(ttlMs);
  await a.election.release(1_000);
  assert.equal(a.election.leads(), false);
  assert.equal(redis.progress, 1_000, 'the others learn how far it came');
  assert.equal(a.state.changes, 2);
  await clock.advance(501);
  assert.deepEqual([a.election.leads(), b.election.leads()], [false, true]);
  const alone = scene();
  const only = alone.replica('only');
  await alone.clock.advance(100);
  await only.election.release();
  await alone.clock.advance(ttlMs / 2 - 1);
  assert.equal(only.election.leads(), false);
  await alone.clock.advance(502);
  assert.equal(only.election.leads(), true, 'when nobody wants it');
});

test('without Redis the leader leads until its lease is over, then nobody; a standby never promotes itself', async () => {
  const { clock, redis, replica } = scene();
  const [a, b] = [replica('a'), replica('b')];
  replica('c');
  await clock.advance(ttlMs);
  assert.equal(b.election.hasOthers(), true);
  redis.isDown = true;
  const [from, seenChanges] = [clock.monotonic(), a.state.changes];
  while (a.election.leads()) await clock.advance(10);
  const lasted = clock.monotonic() - from;
  assert.ok(lasted <= ttlMs && lasted >= ttlMs / 2, `led for ${lasted} ms without Redis`);
  await clock.advance(10 * ttlMs);
  assert.deepEqual([a.election.leads(), b.election.leads()], [false, false]);
  assert.equal(a.state.changes, seenChanges + 1);
  assert.ok(a.errors() > 0 && b.errors() > 0);
  assert.equal(b.election.hasOthers(), false, 'old news of others counts for nothing');
  assert.ok(b.election.awayMs() >= 10 * ttlMs);
  redis.isDown = false;
  await clock.advance(ttlMs);
  assert.ok(b.election.awayMs() <= ttlMs / 4);
});

test('a Redis that comes back empty is not trusted for a lease: its leader may still count on it', async () => {
  const { clock, redis, replica } = scene();
  const [a, b] = [replica('a'), replica('b')];
  await clock.advance(ttlMs);
  redis.isDown = true;
  await clock.advance(ttlMs / 4 + 1);
  redis.forget();
  redis.isDown = false;
  // b sees a free lease long before a can renew its own.
  a.lease.isCut = true;
  while (a.election.leads()) {
    assert.equal(b.election.leads(), false, 'never two');
    await clock.advance(50);
  }
  await clock.advance(ttlMs);
  assert.deepEqual([a.election.leads(), b.election.leads()], [false, true]);
});

test('a leader that finds Redis empty sets its lease again', async () => {
  const { clock, redis, replica } = scene();
  const [a, b] = [replica('a'), replica('b')];
  await clock.advance(ttlMs);
  redis.isDown = true;
  await clock.advance(ttlMs / 4 + 1);
  redis.forget();
  redis.isDown = false;
  await clock.advance(10 * ttlMs);
  assert.deepEqual([a.election.leads(), b.election.leads(), redis.tokens], [true, false, 1]);
});

test('after an outage longer than the lease somebody leads again, with a new token', async () => {
  const { clock, redis, replica } = scene();
  const [a, b] = [replica('a'), replica('b')];
  await clock.advance(ttlMs);
  redis.isDown = true;
  await clock.advance(3 * ttlMs);
  redis.isDown = false;
  await clock.advance(2 * ttlMs);
  assert.equal([a, b].filter(({ election }) => election.leads()).length, 1);
  assert.equal(redis.tokens, 2);
});

test('a lease that another took is noticed at the next renewal', async () => {
  const { clock, redis, replica } = scene();
  const a = replica('a');
  await clock.advance(100);
  redis.leader = { value: '9:b', token: 9 };
  redis.until = clock.monotonic() + 10 * ttlMs;
  await clock.advance(ttlMs / 4);
  assert.equal(a.election.leads(), false);
  assert.equal(a.state.changes, 2);
});

test('a replica that would leave a hole lets one go first that would not', async () => {
  const { clock, redis, replica } = scene();
  redis.leader = { value: '1:gone', token: 1 };
  redis.until = clock.monotonic() + 1_000;
  redis.progress = 1_000;
  const late = replica('late', 5_000);
  const early = replica('early', 900);
  await clock.advance(2_000);
  assert.deepEqual([late.election.leads(), early.election.leads()], [false, true]);
  assert.equal(late.election.hasBetter(5_000), false, 'a leader does not offer itself');
  assert.equal(early.election.hasBetter(null), true, 'were the feed of the leader to end, the other has one');
});

test('closing gives up and asks no more', async () => {
  const { clock, redis, replica } = scene();
  const a = replica('a');
  await clock.advance(100);
  await a.election.close();
  assert.equal(redis.holder, null);
  const asked = a.lease.calls.length;
  await clock.advance(5 * ttlMs);
  assert.equal(a.lease.calls.length, asked);
  assert.equal(a.election.leads(), false);
});
