// librdkafka against a real Kafka that asks for passwords, speaks TLS, freezes and dies.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import {
  type DeliveryReport,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  OFFSET_BEGINNING,
  type Properties,
} from '../../../src/core/ports.js';
import { createKafkaFactory } from '../../../src/kafka/factory.js';
import { eventually } from '../../support/eventually.js';
import { KafkaServer, saslUser, whyNoKafka } from '../../support/kafka-server.js';
import { met } from '../../support/needs.js';

const log = pino({ level: 'silent' });
const timeoutMs = 15_000;
const why = whyNoKafka();

/** One record there and back, and a question to the admin. */
async function roundTrip(kafka: KafkaFactory, topic: string): Promise<void> {
  await kafka.admin.createTopic({ name: topic, partitions: 1 });
  const producer = await kafka.producer({ reports: 'errors', onReport: assert.fail }, timeoutMs);
  producer.produce({ topic, partition: 0, key: null, value: Buffer.from('x') });
  assert.equal(await producer.flush(timeoutMs), true);
  await producer.close(timeoutMs);
  const consumer = await kafka.consumer({}, timeoutMs);
  consumer.assign([{ topic, partition: 0, offset: OFFSET_BEGINNING }]);
  await eventually(timeoutMs, async () => (await consumer.poll(1, 500)).length === 1);
  await consumer.close(timeoutMs);
  assert.ok((await kafka.admin.topicConfigs([topic])).get(topic)?.has('retention.ms'));
}

describe('a Kafka with listeners', { timeout: 600_000 }, () => {
  let server: KafkaServer | undefined;
  before(async () => {
    if (!why) server = await KafkaServer.start({ sasl: true, tls: true });
  });
  after(() => server?.stop());

  const sasl = (mechanism: string, password: string = saslUser.password): Properties => ({
    'bootstrap.servers': server!.saslBrokers,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': mechanism,
    'sasl.username': saslUser.username,
    'sasl.password': password,
  });
  const ways: [string, () => Properties][] = [
    ['SASL PLAIN', () => sasl('PLAIN')],
    ['SASL SCRAM-SHA-256', () => sasl('SCRAM-SHA-256')],
    [
      'TLS',
      () => ({
        'bootstrap.servers': server!.tlsBrokers,
        'security.protocol': 'ssl',
        'ssl.ca.location': server!.caFile,
      }),
    ],
  ];
  for (const [name, general] of ways) {
    it(`is reached with ${name}`, async (t) => {
      if (!met(t, why)) return;
      const kafka = await createKafkaFactory({ general: general(), log });
      try {
        await roundTrip(kafka, name.toLowerCase().replaceAll(' ', '-'));
      } finally {
        await kafka.close();
      }
    });
  }

  it('says why it refuses a wrong password, and a certificate that nobody signed', async (t) => {
    if (!met(t, why)) return;
    const wrong = await createKafkaFactory({ general: sasl('PLAIN', 'wrong'), log });
    const openings = [
      () => wrong.producer({ reports: 'all', onReport: () => {} }, 2_000),
      () => wrong.consumer({}, 2_000),
    ];
    for (const opening of openings) {
      await assert.rejects(opening, (error: unknown) => {
        assert.ok(error instanceof KafkaError);
        assert.match(error.message, /Authentication failed/);
        assert.doesNotMatch(error.message, /wrong/);
        return true;
      });
    }
    await assert.rejects(wrong.admin.groups(), /Authentication failed/);
    await wrong.close();
    const general = { 'bootstrap.servers': server!.tlsBrokers, 'security.protocol': 'ssl' };
    const untrusted = await createKafkaFactory({ general, log });
    await assert.rejects(untrusted.consumer({}, 2_000), /certificate/);
    await untrusted.close();
  });
});

describe('a Kafka that fails', { timeout: 600_000 }, () => {
  let server: KafkaServer | undefined;
  let kafka: KafkaFactory;
  before(async () => {
    if (why) return;
    server = await KafkaServer.start();
    kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log });
  });
  after(async () => {
    await kafka?.close();
    await server?.stop();
  });

  it('is waited for: what was produced while it was gone arrives once, and reading goes on', async (t) => {
    if (!met(t, why)) return;
    const topic = 'gone';
    await kafka.admin.createTopic({ name: topic, partitions: 1 });
    const reports: DeliveryReport[] = [];
    const faults: KafkaFault[] = [];
    const onFault = (fault: KafkaFault) => faults.push(fault);
    const onReport = (report: DeliveryReport) => reports.push(report);
    const producer = await kafka.producer({ reports: 'all', onReport, onFault }, timeoutMs);
    const consumer = await kafka.consumer(
      { groupId: 'gone', properties: { 'auto.offset.reset': 'earliest' }, onFault },
      timeoutMs,
    );
    consumer.subscribe([topic]);
    const read: string[] = [];
    const readUntil = (count: number) =>
      eventually(60_000, async () => {
        read.push(...(await consumer.poll(100, 200)).map(({ value }) => String(value)));
        return read.length >= count;
      });
    const produce = (value: string) => producer.produce({ topic, partition: 0, key: null, value: Buffer.from(value) });
    await eventually(timeoutMs, async () => {
      await consumer.poll(1, 100);
      return consumer.assignments().length === 1;
    });
    produce('before');
    await producer.flush(timeoutMs);
    await server!.kill9();
    produce('meanwhile');
    assert.equal(await producer.flush(100), false);
    read.push(...(await consumer.poll(1, 300)).map(({ value }) => String(value)));
    await server!.restart();
    produce('after');
    assert.equal(await producer.flush(60_000), true);
    await readUntil(3);
    assert.deepEqual(read, ['before', 'meanwhile', 'after']);
    assert.deepEqual(
      reports.map(({ error }) => error),
      [undefined, undefined, undefined],
    );
    assert.ok(faults.every(({ fatal }) => !fatal));
    await consumer.close(timeoutMs);
    await producer.close(timeoutMs);
  });

  it('a frozen one holds no close back beyond its deadline', async (t) => {
    if (!met(t, why)) return;
    const topic = 'frozen';
    await kafka.admin.createTopic({ name: topic, partitions: 1 });
    const reports: DeliveryReport[] = [];
    const producer = await kafka.producer({ reports: 'all', onReport: (report) => reports.push(report) }, timeoutMs);
    const consumer = await kafka.consumer({ groupId: 'frozen' }, timeoutMs);
    consumer.subscribe([topic]);
    await eventually(timeoutMs, async () => {
      await consumer.poll(1, 100);
      return consumer.assignments().length === 1;
    });
    server!.pause();
    try {
      producer.produce({ topic, partition: 0, key: null, value: Buffer.from('x') });
      consumer.storeOffset({ topic, partition: 0, offset: 0 });
      assert.equal(await producer.flush(50), false);
      const closed = Promise.all([producer.close(1_500), consumer.close(1_500)]).then(() => 'closed');
      const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'late').unref());
      assert.equal(await Promise.race([closed, late]), 'closed');
    } finally {
      server!.resume();
    }
  });

  it('none at all: opening is refused when its time is up', async (t) => {
    if (!met(t, why)) return;
    const none = await createKafkaFactory({ general: { 'bootstrap.servers': '127.0.0.1:1' }, log });
    // More than once: what librdkafka says may come before anybody listens.
    for (let time = 0; time < 4; time += 1) {
      await assert.rejects(none.consumer({ groupId: 'g' }, 300), /refused/);
      await assert.rejects(none.producer({ reports: 'all', onReport: () => {} }, 300), /refused/);
    }
    await assert.rejects(none.admin.groups(), KafkaError);
    await none.close();
  });

  it('a member that was not polled for max.poll.interval.ms comes back by itself', async (t) => {
    if (!met(t, why)) return;
    const topic = 'slow';
    await kafka.admin.createTopic({ name: topic, partitions: 1 });
    const faults: KafkaFault[] = [];
    const properties = { 'session.timeout.ms': 6_000, 'max.poll.interval.ms': 6_000, 'heartbeat.interval.ms': 500 };
    const options = { groupId: 'slow', properties, onFault: (fault: KafkaFault) => faults.push(fault) };
    const consumer = await kafka.consumer(options, timeoutMs);
    consumer.subscribe([topic]);
    await eventually(timeoutMs, async () => {
      await consumer.poll(1, 100);
      return consumer.assignments().length === 1;
    });
    await eventually(30_000, async () => (await kafka.admin.describeGroups(['slow']))[0]?.members.length === 0);
    await eventually(30_000, async () => {
      await consumer.poll(1, 100);
      const [group] = await kafka.admin.describeGroups(['slow']);
      return group?.members.length === 1 && consumer.assignments().length === 1;
    });
    assert.deepEqual(faults, []);
    await consumer.close(timeoutMs);
  });
});
