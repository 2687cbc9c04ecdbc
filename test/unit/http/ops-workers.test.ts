// The ops endpoints of a primary: its workers' metrics beside its own, and no readiness without them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stats } from '../../../src/core/stats/stats.js';
import { createMetrics } from '../../../src/http/metrics.js';
import { Ops } from '../../../src/http/ops.js';
import { ManualClock } from '../../support/clock.js';

const counted = (messages: number): Stats => {
  const stats = new Stats();
  stats.add('producer.messages', messages);
  return stats;
};

test('counters of the workers are added to the own', async () => {
  const registries = [counted(2), counted(3)].map((stats) => createMetrics(stats));
  const workers = {
    serving: 2,
    metrics: () => Promise.all(registries.map((registry) => registry.getMetricsAsJSON())),
  };
  const ops = new Ops({ probes: new Map(), stats: counted(10), clock: new ManualClock(), workers });
  const { body } = await ops.endpoints['/metrics']!();
  assert.match(body, /^rafka_producer_messages_total 15$/m);
  assert.match(body, /^# TYPE rafka_producer_messages_total counter$/m);
});

test('without a worker that serves it is not ready', async () => {
  const workers = { serving: 0, metrics: async () => [] };
  const clock = new ManualClock();
  const ops = new Ops({ probes: new Map([['default', async () => []]]), stats: new Stats(), clock, workers });
  assert.deepEqual(await ops.endpoints['/readyz']!(), {
    status: 503,
    type: 'text/plain; charset=utf-8',
    body: 'no worker is running\n',
  });
  workers.serving = 1;
  await clock.advance(1_001);
  assert.equal((await ops.endpoints['/readyz']!()).status, 200);
});
