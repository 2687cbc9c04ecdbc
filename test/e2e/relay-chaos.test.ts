// The short form of the relay's chaos campaign: a few kills of everybody, and of the active source, then every message is counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos, failover, type Verdict } from '../campaign/relay-chaos.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';

const whole = ({ gaps, duplicates, disorder }: Verdict) =>
  assert.deepEqual({ gaps, duplicates, disorder }, { gaps: 0, duplicates: 0, disorder: 0 });

test('the active source is killed under load: no gap, no duplicate', { timeout: 400_000 }, async (t) => {
  if (!met(t, whyNoKafka())) return;
  const verdict = await failover(3, { perSecond: 1_000 });
  t.diagnostic(JSON.stringify(verdict));
  whole(verdict);
});

test('relay, sources and target are killed at random: no gap, no duplicate', { timeout: 400_000 }, async (t) => {
  if (!met(t, whyNoKafka())) return;
  const verdict = await chaos(20, { perSecond: 500 });
  t.diagnostic(JSON.stringify(verdict));
  whole(verdict);
});
