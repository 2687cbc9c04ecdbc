// Dashboards and alerts name metrics that /metrics serves, with labels that they have; docs/OPERATIONS.md explains each alert.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Registry } from 'prom-client';
import { parse } from 'yaml';
import { Stats } from '../../src/core/stats/stats.js';
import { createMetrics } from '../../src/http/metrics.js';
import { RelayMetrics } from '../../src/relay/report/metrics.js';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

const rules = (parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboards = readdirSync(new URL('deploy/grafana/', root)).map((file) => ({
  file,
  panels: (JSON.parse(read(`deploy/grafana/${file}`)) as { panels: { title: string; targets: { expr: string }[] }[] })
    .panels,
}));

const relay = new RelayMetrics();
const registries: readonly Registry[] = [createMetrics(new Stats()), relay.registry];

/** A counter of the relay is registered with its first use. */
function isServed(name: string): boolean {
  const plain = name.replace(/_(bucket|sum|count)$/, '');
  if (registries.some((registry) => registry.getSingleMetric(name) ?? registry.getSingleMetric(plain))) return true;
  if (!name.startsWith('kafka_relay_')) return false;
  try {
    relay.add(name.slice('kafka_relay_'.length) as Parameters<RelayMetrics['add']>[0], {});
    return true;
  } catch {
    return false;
  }
}

const namesIn = (expr: string): string[] => expr.match(/\b(rafka|kafka_relay|nodejs|process)_\w+/g) ?? [];

describe('dashboards and alerts', () => {
  test('there is one dashboard for each job', () => {
    assert.deepEqual(
      dashboards.map(({ file }) => file),
      ['gateway.json', 'pixy.json', 'relay.json', 'ris.json'],
    );
  });

  test('a name that is not served is noticed', () => {
    assert.deepEqual(['rafka_nothing_total', 'kafka_relay_nothing'].filter(isServed), []);
  });

  test('every panel reads metrics that are served', () => {
    const wrong = dashboards.flatMap(({ file, panels }) =>
      panels.flatMap(({ title, targets }) =>
        targets.flatMap(({ expr }) => {
          const names = namesIn(expr);
          return names.length > 0 && names.every(isServed) ? [] : [`${file}: ${title}: ${expr}`];
        }),
      ),
    );
    assert.deepEqual(wrong, []);
  });

  test('every alert reads metrics that are served', () => {
    const wrong = rules.filter(
      ({ expr }) => !expr.startsWith('up{') && !(namesIn(expr).length > 0 && namesIn(expr).every(isServed)),
    );
    assert.deepEqual(wrong, []);
  });

  test('docs/OPERATIONS.md explains each alert, and no other', () => {
    const rows = [...read('docs/OPERATIONS.md').matchAll(/^\| `((?:Rafka|Ris|Relay)[A-Z]\w+)` \|/gm)].map(
      ([, name]) => name,
    );
    assert.deepEqual(
      rows,
      rules.map(({ alert }) => alert),
    );
  });
});
