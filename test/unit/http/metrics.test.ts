// Core's stats as Prometheus reads them: names, types and labels of counters and gauges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stats } from '../../../src/core/stats/stats.js';
import { createMetrics } from '../../../src/http/metrics.js';

const linesOf = async (stats: Stats, name: string): Promise<string[]> =>
  (await createMetrics(stats).metrics()).split('\n').filter((line) => line.includes(name));

test('a counter ends in _total and has its labels', async () => {
  const stats = new Stats();
  stats.labelled('ris.malformed').add(['rrc13', 'json'], 3);
  assert.deepEqual(await linesOf(stats, 'rafka_ris_malformed'), [
    '# HELP rafka_ris_malformed_total Lines of RIS Live skipped',
    '# TYPE rafka_ris_malformed_total counter',
    'rafka_ris_malformed_total{host="rrc13",reason="json"} 3',
  ]);
});

test('a gauge is asked each time it is looked at, and shows nothing where nobody watches', async () => {
  const stats = new Stats();
  const backlog = { rrc00: 1, rrc13: 2 };
  const values = async () => (await linesOf(stats, 'rafka_ris_backlog{')).map((line) => line.split('} ')[1]);
  assert.deepEqual(await values(), []);
  stats.watch('ris.backlog', () => Object.entries(backlog).map(([host, count]) => [[host], count] as const));
  assert.deepEqual(await values(), ['1', '2']);
  backlog.rrc13 = 5;
  assert.deepEqual(await values(), ['1', '5']);
  assert.deepEqual((await linesOf(stats, 'rafka_ris_backlog '))[1], '# TYPE rafka_ris_backlog gauge');
});
