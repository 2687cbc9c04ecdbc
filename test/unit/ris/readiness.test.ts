// When a RIS worker is not ready, and what it says then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectorFigures } from '../../../src/ris/collector.js';
import { progressLines } from '../../../src/ris/progress.js';
import { problemsOf } from '../../../src/ris/readiness.js';
import { Scene, until } from '../../support/ris-scene.js';

const well: CollectorFigures = {
  host: 'rrc13',
  leader: true,
  received: 100,
  published: 100,
  lagMs: 500,
  backlog: 3,
  backlogBytes: 1_000,
  peersUp: 2,
  connected: true,
  late: 7,
  dropped: 9,
  feedAwayMs: 0,
  redisAwayMs: 400,
  stuckMs: 50,
};
const problems = (...figures: Partial<CollectorFigures>[]) =>
  problemsOf(
    figures.map((each) => ({ ...well, ...each })),
    5_000,
  );

test('no feed for 30 s, Redis away for longer than a lease, no commit for 30 s', () => {
  assert.deepEqual(problems({}, { host: 'rrc00' }), []);
  assert.deepEqual(problems({ feedAwayMs: 29_000, redisAwayMs: 4_900, stuckMs: 29_000 }), []);
  assert.deepEqual(problems({ feedAwayMs: 31_000 }), ['ris: no feed is connected for 31 s']);
  assert.deepEqual(problems({ feedAwayMs: 31_000 }, { host: 'rrc00' }), [], 'one of two collectors has a feed');
  assert.deepEqual(problems({ redisAwayMs: 6_000 }), ['ris: Redis has not answered for 6 s']);
  assert.deepEqual(problems({}, { host: 'rrc00', stuckMs: 31_500, backlog: 12 }), [
    'ris: rrc00 has committed nothing for 31 s while 12 messages wait',
  ]);
});

test('the progress line has what was late and dropped since the last one', () => {
  const [line] = progressLines([well], new Map([['rrc13', { ...well, late: 5, dropped: 9 }]]), 10_000);
  assert.equal(line?.late, 2);
  assert.equal(line?.dropped, 0);
});

test('a leader whose Kafka stalls is stuck until it commits again; a feed that ends is away', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true, { backoffMinMs: 200 });
  const figures = () => only.collector.figures();
  assert.ok(figures().feedAwayMs >= 0);
  scene.send(30);
  await scene.published(30);
  assert.equal(figures().feedAwayMs, 0);
  scene.kafka.faults.stalled = true;
  scene.send(30);
  await until(() => figures().stuckMs > 300, 'it is stuck');
  scene.kafka.unstall();
  await scene.published(60);
  await until(() => figures().stuckMs === 0, 'nothing waits');
  await scene.cut('one');
  await until(() => figures().feedAwayMs > 50, 'the feed is away');
});
