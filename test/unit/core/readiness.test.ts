// Readiness opens a client as every connection does: one that is open may still work where no other could be opened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterHealth } from '../../../src/core/cluster-health.js';
import { KafkaCode, KafkaError } from '../../../src/core/ports.js';
import { probeCluster } from '../../../src/core/readiness.js';
import { fault } from '../../support/fake/fault.js';
import { FakeKafka } from '../../support/fake-kafka.js';

const found = (isDown: boolean, lines: readonly string[]) =>
  ({ look: async () => ({ isDown, lines }) }) as unknown as ClusterHealth;

test('a cluster that answers, but to no new client, is not ready', async () => {
  const kafka = new FakeKafka();
  kafka.producer = async () => {
    throw new KafkaError(fault(KafkaCode.transport, 'Local: Broker transport failure'));
  };
  await assert.rejects(probeCluster(kafka, found(false, [])), { message: 'Local: Broker transport failure' });
});

test('what keeps nobody from being served is named, what keeps everybody is an error; no client is left open', async () => {
  const kafka = new FakeKafka();
  const lines = ['brokers that take no connection: b2:9092'];
  assert.deepEqual((await probeCluster(kafka, found(false, lines))).slice(-1), lines);
  await assert.rejects(probeCluster(kafka, found(true, lines)), { message: lines[0]! });
  assert.equal(kafka.producers.size, 0);
});
