// The reliability campaign of the RIS worker in its short form: `node build/test/campaign/ris-ha.js` is the long one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, fullPlan, play } from '../campaign/ris-ha.js';
import { whyNoRedis } from '../campaign/ris-stage.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';

test('every message is published once and in order while replicas, Redis, Kafka and sockets fail', async (t) => {
  if (!met(t, whyNoKafka() ?? whyNoRedis())) return;
  const counts = {
    kills: 1,
    terms: 1,
    pauses: 1,
    redis: 1,
    kafka: 1,
    cuts: 2,
    denied: 0,
    large: 1,
    future: 1,
    foreign: 0,
  };
  const plan = { ...fullPlan, ...counts, messages: 10_000, rate: 400, peers: 10 };
  const outcome = await play(plan, (text) => t.diagnostic(text));
  const { verdict } = outcome;
  t.diagnostic(JSON.stringify(verdict));
  assert.equal(faultsOf(outcome), 0, `${JSON.stringify(verdict)}\n${verdict.examples.join('\n')}`);
  assert.equal(verdict.syntheticPeerDowns, 0, 'no replica had to go on with a hole');
  assert.ok(verdict.sent >= plan.messages);
});
