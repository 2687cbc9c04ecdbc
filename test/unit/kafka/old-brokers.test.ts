// What producers cannot have on brokers older than 0.11 is refused with the brokers' version, and not left out. Topics are created with
// the numbers that brokers before 2.4 require.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import {
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type ProducerOptions,
  type Properties,
} from '../../../src/core/ports.js';
import { createKafkaFactory } from '../../../src/kafka/factory.js';
import { eventually } from '../../support/eventually.js';
import { OldBroker } from '../../support/old-broker.js';

const tooOld = /^enable\.idempotence \(KIP-98\) needs Kafka 0\.11, and the brokers are Kafka 0\.10$/;
const waitMs = 20_000;
const log = pino({ level: 'silent' });
const quiet: ProducerOptions = { reports: 'all', onReport: () => {} };

async function onOldBroker(t: TestContext, producer: Properties = {}) {
  const broker = await OldBroker.start('t');
  const factory = await createKafkaFactory({ general: { 'bootstrap.servers': broker.address }, producer, log });
  t.after(async () => {
    await factory.close();
    broker.stop();
  });
  return { broker, factory };
}

/** The code of a KafkaError whose text says this; anything else is thrown. */
const refusal = (text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KafkaError, String(error));
  assert.match(error.message, text);
  return error.code === KafkaCode.unsupportedFeature;
};

describe('on brokers of Kafka 0.10', () => {
  it('an idempotent producer is refused', async (t) => {
    const { factory } = await onOldBroker(t);
    // Unknown until a broker is connected.
    await eventually(waitMs, async () => (await factory.admin.release()) === '0.10');
    await assert.rejects(factory.producer(quiet, waitMs), refusal(tooOld));
  });

  it('one that was opened before their version was known ends with it', async (t) => {
    const { factory } = await onOldBroker(t);
    const faults: KafkaFault[] = [];
    const producer = await factory.producer({ ...quiet, onFault: (fault) => faults.push(fault) }, waitMs);
    t.after(() => producer.close(1_000));
    await eventually(waitMs, async () => faults.some(({ fatal }) => fatal));
    assert.match(faults.find(({ fatal }) => fatal)!.message, tooOld);
  });

  it('without idempotence records go out, and one with headers is refused', async (t) => {
    const { broker, factory } = await onOldBroker(t, { 'enable.idempotence': false });
    const producer = await factory.producer(quiet, waitMs);
    t.after(() => producer.close(1_000));
    const record = { topic: 't', key: null, value: Buffer.from('v') };
    const headers = [{ key: 'h', value: Buffer.from('x') }];
    const refused = refusal(/^a record with headers \(KIP-82\) needs Kafka 0\.11, and the brokers are Kafka 0\.10$/);
    await eventually(waitMs, async () => {
      try {
        producer.produce({ ...record, headers });
      } catch (error) {
        // Until the version is known.
        return error instanceof KafkaError && error.code === KafkaCode.queueFull ? false : refused(error);
      }
      return assert.fail('the headers would be lost');
    });
    producer.produce(record);
    assert.equal(await producer.flush(waitMs), true);
    assert.equal(broker.produced.length, 1);
  });

  it("a topic with the broker's own numbers of partitions and replicas gets one of each, which such a broker requires", async (t) => {
    const { broker, factory } = await onOldBroker(t);
    await factory.admin.createTopic({ name: 't', partitions: -1 });
    await factory.admin.createTopic({ name: 't', partitions: -1, replicationFactor: 2 });
    await factory.admin.createTopic({ name: 't', partitions: 3 });
    assert.deepEqual(broker.created, [
      { name: 't', partitions: 1, replicas: 1 },
      { name: 't', partitions: 1, replicas: 2 },
      { name: 't', partitions: 3, replicas: 1 },
    ]);
  });
});
