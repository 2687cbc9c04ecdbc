// EXECs that wait together share a Kafka transaction, and none of them suffers for another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AckSource, type Acks, KafkaCode, type ProducerRecord } from '../../../../src/core/ports.js';
import { TransactionProducers } from '../../../../src/core/produce/transaction-producers.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { fault } from '../../../support/fake/fault.js';
import { FakeKafka } from '../../../support/fake-kafka.js';

const none: Acks = new Map();

const record = (topic: string, value: string): ProducerRecord => ({ topic, key: null, value: Buffer.from(value) });

async function pool(): Promise<{ kafka: FakeKafka; producers: TransactionProducers; begun: () => number }> {
  const kafka = new FakeKafka();
  for (const name of ['out', 'other']) await kafka.admin.createTopic({ name, partitions: 1 });
  let count = 0;
  const begin = kafka.begin.bind(kafka);
  kafka.begin = (id) => {
    count++;
    return begin(id);
  };
  const options = { kafka, idPrefix: 'ids', limit: 8, timeoutMs: 5_000, clock: kafka.clock, stats: new Stats() };
  const producers = new TransactionProducers({ ...options, onFault: () => {} });
  await producers.run([record('out', 'first')], none);
  await producers.run([record('other', 'first')], none);
  count = 0;
  return { kafka, producers, begun: () => count };
}

async function values(kafka: FakeKafka, topic: string): Promise<string[]> {
  const consumer = await kafka.consumer({ properties: { 'isolation.level': 'read_committed' } });
  consumer.assign([{ topic, partition: 0, offset: 0 }]);
  const messages = await consumer.poll(1_000, 20);
  await consumer.close(0);
  return messages.map(({ value }) => String(value));
}

test('what waits at the same time shares a transaction, and each gets its own reports', async () => {
  const { kafka, producers, begun } = await pool();
  const runs = Array.from({ length: 50 }, (_, n) =>
    producers.run([record('out', `${n}a`), record('out', `${n}b`)], none),
  );
  const reports = await Promise.all(runs);
  assert.ok(begun() < 10, `${begun()} transactions for 50`);
  const stored = await values(kafka, 'out');
  for (const [n, [first, second]] of reports.entries()) {
    assert.equal(stored[first!.offset], `${n}a`);
    assert.equal(stored[second!.offset], `${n}b`);
  }
  await producers.close(0);
});

test('one that Kafka refuses is refused alone', async () => {
  const { kafka, producers } = await pool();
  const refusal = fault(KafkaCode.topicAuthorizationFailed, 'Broker: Topic authorization failed');
  kafka.faults.delivery = ({ value }) => (String(value) === '7' ? refusal : undefined);
  const runs = Array.from({ length: 20 }, (_, n) => producers.run([record('out', `${n}`)], none));
  const outcomes = await Promise.allSettled(runs);
  const failed = outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []));
  assert.deepEqual(failed, [7]);
  const stored = (await values(kafka, 'out')).slice(1);
  assert.deepEqual(
    stored.map(Number).sort((one, other) => one - other),
    Array.from({ length: 20 }, (_, n) => n).filter((n) => n !== 7),
  );
  await producers.close(0);
});

test('a member of a group takes part in one transaction at a time', async () => {
  const { producers } = await pool();
  let [now, most] = [0, 0];
  const ended = (): void => {
    now--;
  };
  const source: AckSource = {
    isShared: false,
    async stage() {
      most = Math.max(most, ++now);
      return { member: Buffer.from('{}'), positions: [], committed: ended, aborted: ended, unknown: ended };
    },
  };
  const acks: Acks = new Map([[source, []]]);
  await Promise.allSettled(Array.from({ length: 10 }, (_, n) => producers.run([record('out', `${n}`)], acks)));
  assert.deepEqual([now, most], [0, 1]);
  await producers.close(0);
});
