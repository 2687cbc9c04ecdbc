// What happens at the edges: topics and brokers that are not there, clients that pause, shutdowns. On a real Kafka.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { ack, connect, pop } from '../support/redis-client.js';

describe('at the edges', () => {
  let kafka: KafkaServer | undefined;
  const gateways: GatewayProcess[] = [];
  const clients: Redis[] = [];

  before(async () => {
    if (whyNoKafka() === undefined)
      kafka = await KafkaServer.start({ properties: { 'auto.create.topics.enable': 'false' } });
  });
  after(async () => {
    for (const client of clients) client.disconnect();
    for (const gateway of gateways) await gateway.stop();
    await kafka?.stop();
  });

  const start = async (producer: object = {}, args: readonly string[] = []): Promise<GatewayProcess> => {
    const gateway = await GatewayProcess.start({
      config: {
        general: { 'bootstrap.servers': kafka!.brokers, 'topic.metadata.propagation.max.ms': 500 },
        consumer: { 'auto.offset.reset': 'earliest' },
        producer,
      },
      args,
    });
    gateways.push(gateway);
    return gateway;
  };
  const open = async (gateway: GatewayProcess, name?: string): Promise<Redis> => {
    const client = await connect(gateway.port, name);
    clients.push(client);
    return client;
  };
  const createTopic = async (name: string, partitions = 1): Promise<void> => {
    const { createKafkaFactory } = await import('../../src/kafka/factory.js');
    const { createLog } = await import('../../src/log.js');
    const factory = await createKafkaFactory({
      general: { 'bootstrap.servers': kafka!.brokers },
      log: createLog({ level: 'silent', pretty: false }),
    });
    await factory.admin.createTopic({ name, partitions });
    await factory.close();
  };

  test('a connection that closes leaves its producer to the next, with nothing of its own; --spare-producers 0 keeps none', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await createTopic('handed-on');
    const counts = async (gateway: GatewayProcess): Promise<string> => {
      const watch = await connect(gateway.port);
      const info = String(await watch.call('INFO', 'kafka'));
      watch.disconnect();
      const of = (name: string): string => new RegExp(`${name}:(\\d+)\r`).exec(info)![1]!;
      return `${of('kafka_producers')} in use, ${of('kafka_spare_producers')} spare`;
    };
    const [keeps, keepsNone] = [await start(), await start({}, ['--spare-producers', '0'])];
    for (const gateway of [keeps, keepsNone]) {
      const first = await open(gateway);
      assert.equal(await first.call('RPUSHX', 'topics:handed-on', 'of the first'), 1);
      assert.equal(await counts(gateway), '1 in use, 0 spare');
      first.disconnect();
      await until(async () => (await counts(gateway)).startsWith('0 in use'));
      assert.equal(await counts(gateway), gateway === keeps ? '0 in use, 1 spare' : '0 in use, 0 spare');
      const second = await open(gateway);
      assert.equal(await second.call('RPUSHX', 'topics:handed-on', 'of the second'), 1);
      assert.equal(await counts(gateway), '1 in use, 0 spare');
      assert.equal(await second.call('DUMP', '20000'), 0);
    }
    const reader = await open(keeps, 'readers:handed-on');
    const values: (string | undefined)[] = [];
    for (let count = 0; count < 4; count += 1) values.push((await pop(reader, 'topics:handed-on'))?.value);
    assert.deepEqual(values, Array.from({ length: 2 }, () => ['of the first', 'of the second']).flat());
    const forgets = await start({}, ['--producer-idle-timeout', '300']);
    const last = await open(forgets);
    await last.call('RPUSHX', 'topics:handed-on', 'of the last');
    last.disconnect();
    await until(async () => (await counts(forgets)) === '0 in use, 1 spare');
    await until(async () => (await counts(forgets)) === '0 in use, 0 spare');
  });

  test('a topic that does not exist fails a delivery, then the next RPUSHX at once, and works when it has come', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const gateway = await start();
    const client = await open(gateway);
    assert.equal(await client.call('RPUSHX', 'topics:absent', 'the payload'), 1);
    assert.equal(await client.call('DUMP', '20000'), 1, 'it failed');
    // The log comes by another way than the answer.
    await until(async () => gateway.lines.some(({ msg, topic }) => msg === 'delivery failed' && topic === 'absent'));
    assert.doesNotMatch(JSON.stringify(gateway.lines), /the payload/);
    assert.equal((await client.hgetall('stats'))['producer.delivery.errors'], '1');
    await assert.rejects(client.call('RPUSHX', 'topics:absent', 'm'), { message: /^PROD .*[Uu]nknown topic/ });
    await createTopic('absent');
    await until(async () => (await client.call('RPUSHX', 'topics:absent', 'm').catch(() => 0)) === 1);
    assert.equal(await client.call('DUMP', '20000'), 0);
  });

  test('acks that are refused at once and later, in one command, are answered: the gateway serves on', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const gateway = await start();
    await createTopic('acked', 4);
    const client = await open(gateway, 'acking:a');
    assert.equal(await pop(client, 'topics:acked', 1), undefined);
    const producer = await open(gateway);
    await producer.call('RPUSHX', 'topics:acked', 'first');
    assert.equal(await producer.call('DUMP', '20000'), 0);
    assert.equal((await pop(client, 'topics:acked'))?.value, 'first');
    for (let round = 0; round < 5; round++) {
      const acks = client.call('RPUSH', 'acks', 'acked:1:5', 'acked:2:5', 'acked:0:5', 'acked:99:0');
      await assert.rejects(acks, { message: /^CONS offset 5 of acked:[0-2] does not exist/ });
    }
    assert.equal(await client.ping(), 'PONG');
    assert.equal(await producer.ping(), 'PONG');
    assert.deepEqual(
      gateway.lines.filter(({ level }) => Number(level) >= 50),
      [],
    );
  });

  test('a consumer waits for a topic that comes later', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const gateway = await start();
    const consumer = await open(gateway, 'later:c');
    assert.equal(await pop(consumer, 'topics:later', 1), undefined);
    const waiting = pop(consumer, 'topics:later', 40);
    await createTopic('later');
    const producer = await open(gateway);
    await until(async () => (await producer.call('RPUSHX', 'topics:later', 'm').catch(() => 0)) === 1);
    await until(async () => (await producer.call('DUMP', '5000')) === 0);
    assert.ok(await waiting, JSON.stringify(gateway.lines));
    assert.equal(gateway.lines.filter(({ msg }) => msg.startsWith('a subscribed topic')).length, 1);
  });

  test('a member that paused for longer than max.poll.interval.ms goes on in silence', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await createTopic('slow');
    const gateway = await start();
    const producer = await open(gateway);
    await producer.call('RPUSHX', 'topics:slow:k', 'm0', 'm1');
    assert.equal(await producer.call('DUMP', '10000'), 0);
    const key = 'topics:slow:{"max.poll.interval.ms":6000,"session.timeout.ms":6000}';
    const consumer = await open(gateway, 'slow:c');
    await ack(consumer, (await pop(consumer, key, 30))!);
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    assert.equal((await pop(consumer, key, 30))?.value, 'm1');
  });

  test('a gateway that is there before its brokers waits for them, and so do its clients', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await createTopic('early');
    await kafka!.halt();
    let isDown = true;
    try {
      const gateway = await start();
      await until(async () => gateway.lines.some(({ msg }) => msg.startsWith('Kafka does not answer yet')));
      const consumer = await open(gateway, 'early:c');
      assert.equal(await consumer.call('PING'), 'PONG');
      const waiting = pop(consumer, 'topics:early', 60);
      await kafka!.restart();
      isDown = false;
      await until(async () => gateway.lines.some(({ msg }) => msg === 'connected to Kafka'));
      const producer = await open(gateway);
      assert.equal(await producer.call('RPUSHX', 'topics:early', 'm'), 1);
      assert.equal((await waiting)?.value, 'm');
    } finally {
      if (isDown) await kafka!.restart();
    }
  });

  test('a full queue holds the connection back, then answers; nothing that was answered 1 is lost', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await createTopic('full');
    const gateway = await start({ 'queue.buffering.max.messages': 100 }, ['--produce-timeout', '500']);
    const client = await open(gateway);
    assert.equal(await client.call('RPUSHX', 'topics:full', 'm'), 1);
    assert.equal(await client.call('DUMP', '10000'), 0);
    kafka!.pause();
    const answers = await Promise.allSettled(
      Array.from({ length: 103 }, (_, index) => client.call('RPUSHX', 'topics:full', `m${index}`)),
    );
    kafka!.resume();
    const refused = answers.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    assert.equal(refused.length, 3);
    for (const { reason } of refused) assert.equal((reason as Error).message, 'PROD Local: Queue full');
    assert.equal(await client.call('DUMP', '30000'), 0);
    assert.equal(await client.call('LLEN', 'topics:full'), 101);
  });

  test('a shutdown tells who waits, still takes acks, commits them and ends with 0', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await createTopic('ending');
    const gateway = await start({}, ['--drain-ms', '2000']);
    const client = await open(gateway, 'ending:c');
    await client.call('RPUSHX', 'topics:ending', 'm0', 'm1');
    assert.equal(await client.call('DUMP', '10000'), 0);
    const first = (await pop(client, 'topics:ending', 30))!;
    await pop(client, 'topics:ending', 30);
    const waiting = pop(client, 'topics:ending', 60);
    await until(async () => gateway.lines.some(({ msg }) => msg === 'partitions assigned'));
    const ended = gateway.end('SIGTERM');
    await assert.rejects(waiting, { message: 'CONS Server shutdown' });
    await assert.rejects(pop(client, 'topics:ending', 1), { message: 'CONS Server shutdown' });
    assert.equal(await ack(client, first), 1);
    const producer = await open(gateway);
    assert.equal(await producer.call('RPUSHX', 'topics:ending', 'm2'), 1, 'producing goes on');
    assert.equal(await ended, 0);
    const told = gateway.lines.filter(({ client: who, step, signal }) => who === 'ending:c' || step || signal);
    assert.deepEqual(
      told.map(({ msg, step }) => step ?? msg),
      [
        'connection named',
        'BLPOP time-out unit',
        'partitions assigned',
        'shutting down',
        'consuming ends, acks are still accepted',
        'consumer closed',
        'consumers close, offsets are committed',
        'listening ends',
        'producers are flushed, connections close',
      ],
    );
    const again = await start();
    const other = await open(again, 'ending:c');
    assert.equal((await pop(other, 'topics:ending', 30))?.value, 'm1', 'the ack was committed, no more than it');
    assert.equal((await pop(other, 'topics:ending', 30))?.value, 'm2', 'and what was produced was flushed');
  });

  for (const [said, args, isSecondSent] of [
    ['second signal', [], true],
    ['shutdown takes too long', ['--shutdown-timeout', '1500'], false],
  ] as const) {
    test(`${said}: it ends with 1 and says what was not delivered`, async (t) => {
      if (!met(t, whyNoKafka())) return;
      const topic = `stuck-${args.length}`;
      await createTopic(topic);
      const gateway = await start({}, args);
      const client = await open(gateway);
      await client.call('RPUSHX', `topics:${topic}`, 'm');
      assert.equal(await client.call('DUMP', '10000'), 0);
      kafka!.pause();
      try {
        await client.call('RPUSHX', `topics:${topic}`, 'm', 'm', 'm');
        const ended = gateway.end('SIGTERM');
        if (isSecondSent) {
          await until(async () => gateway.lines.some(({ msg }) => msg === 'shutting down'));
          gateway.signal('SIGTERM');
        }
        assert.equal(await ended, 1);
        const last = gateway.lines.find(({ msg }) => msg === `${said}: ending at once`);
        assert.equal(last?.undelivered, 3);
      } finally {
        kafka!.resume();
      }
    });
  }
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await condition()); ) {
    assert.ok(Date.now() < deadline, 'the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
