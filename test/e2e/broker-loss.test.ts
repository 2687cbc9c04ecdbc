// Three brokers that die one after the other: who still serves, and what clients and operators are told.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { ack, connect, pop } from '../support/redis-client.js';
import { openKafka } from '../support/relay-clusters.js';

/** How long a cluster, and a machine that does other work as well, may take to notice, ms. */
const patienceMs = 60_000;

describe('three brokers, of which the configuration names one', () => {
  let kafka: KafkaServer;
  let gateway: GatewayProcess;
  let opsPort = 0;
  const clients: Redis[] = [];

  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start({ nodes: 3 });
    opsPort = await freePort();
    const first = kafka.brokers.split(',')[0];
    const config = { general: { 'bootstrap.servers': first }, consumer: { 'auto.offset.reset': 'earliest' } };
    gateway = await GatewayProcess.start({ config, args: ['--ops-port', String(opsPort)] });
    const factory = await openKafka(kafka.brokers);
    try {
      await factory.admin.createTopic({ name: 'two', partitions: 2, replicationFactor: 3 });
      const config = { 'min.insync.replicas': '3' };
      await factory.admin.createTopic({ name: 'three', partitions: 1, replicationFactor: 3, config });
    } finally {
      await factory.close();
    }
    const client = await open();
    for (const topic of ['two', 'three']) assert.equal(await client.call('RPUSHX', `topics:${topic}`, 'first'), 1);
    assert.equal(await client.call('DUMP', '30000'), 0);
  });
  after(async () => {
    for (const client of clients) client.disconnect();
    await gateway?.stop();
    await kafka?.stop();
  });

  const open = async (name?: string): Promise<Redis> => {
    const client = await connect(gateway.port, name);
    clients.push(client);
    return client;
  };
  const well = 'ok\ncluster default: Kafka 4.3 or newer\n';
  const ready = async (): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`http://127.0.0.1:${opsPort}/readyz`);
    return { status: answer.status, body: await answer.text() };
  };
  const health = async (): Promise<string> => {
    const info = String(await (await open()).call('INFO', 'kafka'));
    return /kafka_health:(\S+)/.exec(info)![1]!;
  };
  const it = (title: string, run: () => Promise<void>): void => {
    test(title, async (t) => {
      if (met(t, whyNoKafka())) await run();
    });
  };

  it('all is well, and the brokers are called by their release', async () => {
    await eventually(patienceMs, async () => (await ready()).body === well);
  });

  it('when the one that is named dies, connections that open then produce and consume, and the gateway is ready', async () => {
    await kafka.kill9(0);
    await eventually(patienceMs, async () => {
      const client = await open();
      await client.call('RPUSHX', 'topics:two', 'second').catch(() => {});
      return (await client.call('DUMP', '5000')) === 0;
    });
    const consumer = await open('g:c');
    assert.equal((await pop(consumer, 'topics:two', 60))?.topic, 'two');
    assert.ok(Number(await consumer.call('LLEN', 'topics:two')) >= 2);
    assert.match(String(await consumer.call('XADD', 'two', '*', 'value', 'third')), /^\d+-\d+$/);
    await eventually(patienceMs, async () => (await ready()).status === 200);
  });

  it('a topic that needs all three replicas in sync is named in /readyz and INFO, and in the log when it is written to', async () => {
    await eventually(patienceMs, async () => {
      const { status, body } = await ready();
      return status === 200 && /NOT_ENOUGH_REPLICAS: 1 of \d+ partitions take nothing, .*: three$/m.test(body);
    });
    assert.equal(await health(), 'NOT_ENOUGH_REPLICAS');
    const client = await open();
    assert.equal(await client.call('RPUSHX', 'topics:three', 'm'), 1);
    await eventually(patienceMs, () => gateway.lines.some(({ msg }) => msg.startsWith('NOT_ENOUGH_REPLICAS: ')));
    assert.equal(await client.call('DUMP', '100'), 1);
    assert.ok(gateway.lines.some(({ msg, state }) => msg === 'Kafka is degraded' && state === 'NOT_ENOUGH_REPLICAS'));
  });

  it('when one is left it takes nothing, and the gateway is not ready until the others are back', async () => {
    await kafka.kill9(1);
    await eventually(patienceMs, async () => {
      const { status, body } = await ready();
      return status === 503 && /NOT_ENOUGH_REPLICAS/.test(body) && /NO_QUORUM/.test(body);
    });
    assert.match(String(await (await open()).call('INFO', 'kafka')), /kafka_quorum:lost/);
    await Promise.all([kafka.restart(0), kafka.restart(1)]);
    await eventually(2 * patienceMs, async () => (await ready()).body === well);
    await eventually(patienceMs, async () => (await health()) === 'ok');
    assert.ok(gateway.lines.some(({ msg }) => msg === 'Kafka has recovered'));
    const client = await open();
    assert.equal(await client.call('RPUSHX', 'topics:three', 'last'), 1);
    assert.equal(await client.call('DUMP', '60000'), 0);
  });
});

test('a consumer whose coordinator comes back on another port reads and commits there', async (t) => {
  if (!met(t, whyNoKafka())) return;
  const kafka = await KafkaServer.start();
  t.after(() => kafka.stop());
  const port = await freePort();
  const later = `127.0.0.1:${port}`;
  // Found again by a second name, as by a service's name that leads to where the broker is now.
  const config = {
    general: { 'bootstrap.servers': `${kafka.brokers},${later}`, 'reconnect.backoff.max.ms': '1000' },
    consumer: { 'auto.offset.reset': 'earliest', 'auto.commit.interval.ms': 100 },
  };
  const gateway = await GatewayProcess.start({ config });
  t.after(() => gateway.stop());
  const producer = await connect(gateway.port);
  t.after(() => producer.disconnect());
  const consumer = await connect(gateway.port, 'moved:c');
  t.after(() => consumer.disconnect());
  await producer.call('RPUSHX', 'topics:moved:k', 'before');
  assert.equal((await pop(consumer, 'topics:moved', 60))?.value, 'before');

  await kafka.kill9();
  await kafka.restartOn(port);
  await producer.call('RPUSHX', 'topics:moved:k', 'after');
  assert.equal(await producer.call('DUMP', String(patienceMs)), 0);
  const popped = await pop(consumer, 'topics:moved', 60);
  assert.equal(popped?.value, 'after');
  assert.equal(await ack(consumer, popped), 1);
  const factory = await openKafka(later);
  t.after(() => factory.close());
  await eventually(patienceMs, async () => {
    const [position] = await factory.admin.groupOffsets('moved', [{ topic: 'moved', partition: popped.partition }]);
    return Number(position?.offset) === Number(popped.offset) + 1;
  });
});
