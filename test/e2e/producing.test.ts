// What clients are told of their messages when the broker stands still: answers, DUMP after a reconnect, bounds, batches.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { connect, pop } from '../support/redis-client.js';
import { openKafka } from '../support/relay-clusters.js';
import { encodeCommand, RawClient } from '../support/resp-pair.js';

describe('producing to a real Kafka', () => {
  let kafka: KafkaServer | undefined;
  const gateways: GatewayProcess[] = [];
  const clients: Redis[] = [];
  let topics = 0;

  before(async () => {
    if (whyNoKafka() === undefined) kafka = await KafkaServer.start();
  });
  afterEach(async () => {
    kafka?.resume();
    for (const client of clients.splice(0)) client.disconnect();
    for (const gateway of gateways.splice(0)) await gateway.stop();
  });
  after(() => kafka?.stop());

  const it = (title: string, run: (kafka: KafkaServer) => Promise<void>): void => {
    test(title, async (t) => {
      if (met(t, whyNoKafka())) await run(kafka!);
    });
  };
  const start = async (resp: object, args: readonly string[] = [], producer: object = {}): Promise<GatewayProcess> => {
    const config = { general: { 'bootstrap.servers': kafka!.brokers }, producer, resp };
    const gateway = await GatewayProcess.start({ config, args });
    gateways.push(gateway);
    return gateway;
  };
  const open = async ({ port }: GatewayProcess): Promise<Redis> => {
    const client = await connect(port);
    clients.push(client);
    return client;
  };
  /** A topic that exists, and a connection whose producer is open. */
  const opened = async (gateway: GatewayProcess): Promise<{ client: Redis; key: string }> => {
    const client = await open(gateway);
    const key = `topics:t${topics++}`;
    await client.call('RPUSHX', key, 'first');
    assert.equal(await client.call('DUMP', '30000'), 0);
    return { client, key };
  };
  const many = (count: number, value = 'm'): string[] => Array<string>(count).fill(value);

  for (const [how, args] of [
    ['', []],
    [' to another worker', ['--workers', '2']],
  ] as const) {
    it(`a client that connects again in silence${how} is told by DUMP what its last connection held and lost`, async (kafka) => {
      const gateway = await start({ producerFlushMs: 3_000 }, args);
      const { client, key } = await opened(gateway);
      // Before the broker stands still: one of them is on the other worker.
      const [second, third] = [await open(gateway), await open(gateway)];
      kafka.pause();
      assert.equal(await client.call('RPUSHX', key, ...many(30)), 30);
      client.disconnect();
      await eventually(10_000, async () => {
        const told = await Promise.all([second, third].map((each) => each.call('DUMP', '0')));
        return told.every((count) => count === 30);
      });
      const line = () => gateway.lines.find(({ msg }) => /^connection closed with undelivered messages/.test(msg));
      await eventually(20_000, line);
      assert.equal(line()!.level, 50);
      assert.equal(line()!.messages, 30);
      assert.deepEqual(line()!.topics, { [key.slice('topics:'.length)]: 30 });
      for (const each of [second, third, await open(gateway)]) {
        assert.equal(await each.call('DUMP', '10000'), 30, 'they have to be sent again');
        assert.equal(await each.call('DUMP', '10000'), 0);
      }
      const stats = (await second.call('HGETALL', 'stats')) as string[];
      assert.equal(stats[stats.indexOf('producer.delivery.errors') + 1], '30');
    });
  }

  it('with `rpushx: delivered` pipelined messages are answered in order when Kafka has them, or with the error', async (kafka) => {
    const gateway = await start({ rpushx: 'delivered', streams: { produceTimeoutMs: 3_000 } });
    const { client, key } = await opened(gateway);
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, i) => client.call('RPUSHX', key, ...many((i % 3) + 1, `m${i}`))),
    );
    assert.deepEqual(
      answers,
      Array.from({ length: 500 }, (_, i) => (i % 3) + 1),
    );
    assert.equal(await client.call('LLEN', key), 1 + answers.reduce((sum: number, count) => sum + Number(count), 0));
    kafka.pause();
    const unsure = { message: 'PROD not confirmed within 3 s: the message may or may not be in Kafka' };
    await assert.rejects(client.call('RPUSHX', key, 'm'), unsure);
    await assert.rejects(client.call('PUBLISH', key, 'm'), unsure);
    kafka.resume();
    await eventually(30_000, () => client.call('RPUSHX', key, 'm').catch(() => false));
    assert.equal(await client.call('DUMP', '10000'), 0);
  });

  it('connections whose broker stands still hold no more than the budget together: they are held back, then refused', async (kafka) => {
    const budget = 64 * 1024 * 1024;
    const gateway = await start({ produceBufferBytes: budget, produceTimeoutMs: 1_500 });
    const { client, key } = await opened(gateway);
    const memory = async (): Promise<number> =>
      Number(/used_memory_rss:(\d+)/.exec(String(await client.call('INFO', 'memory')))![1]);
    const writers = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect({ port: gateway.port })));
    try {
      for (const writer of writers) assert.equal(await writer.exchange(['RPUSHX', key, 'first']), ':1\r\n');
      const before = await memory();
      kafka.pause();
      const batch = Buffer.concat(Array<Buffer>(20_000).fill(encodeCommand(['RPUSHX', key, 'x'.repeat(1_024)])));
      for (const writer of writers) writer.socket.write(batch);
      const refusal = '-PROD Local: Queue full\r\n';
      await eventually(60_000, () => writers.every(({ received }) => received.includes(refusal)));
      const accepted = writers.reduce((sum, { received }) => sum + received.split(':1\r\n').length - 1, 0);
      assert.ok(accepted * 1_024 <= budget, `${accepted} messages`);
      assert.ok(accepted * 1_024 >= budget / 2, `${accepted} messages`);
      const grown = (await memory()) - before;
      assert.ok(grown < 3 * budget, `${grown} bytes more`);
      kafka.resume();
      for (const writer of writers) {
        const answers = await writer.exchange(['DUMP', '60000']);
        assert.ok(answers.endsWith(':0\r\n'), answers.slice(-100));
      }
    } finally {
      for (const writer of writers) writer.close();
    }
  });

  describe('to a topic that takes 10,000 bytes at a time', () => {
    const limited = async (kafka: KafkaServer): Promise<string> => {
      const topic = `limited${topics++}`;
      const factory = await openKafka(kafka.brokers);
      try {
        await factory.admin.createTopic({ name: topic, partitions: 2, config: { 'max.message.bytes': '10000' } });
      } finally {
        await factory.close();
      }
      return topic;
    };
    const values = Array.from({ length: 500 }, (_, i) => `${i}:`.padEnd(105, 'x'));
    const large = 'x'.repeat(20_000);

    it('every message of a batch that is larger is stored, in order, and one that is too large alone is refused alone', async (kafka) => {
      const gateway = await start({});
      const topic = await limited(kafka);
      const client = await open(gateway);
      await client.call('RPUSHX', `topics:${topic}:key`, ...values.slice(0, 250), large, ...values.slice(250));
      assert.equal(await client.call('DUMP', '30000'), 1);
      await client.call('CLIENT', 'SETNAME', `${topic}:c`);
      const got: string[] = [];
      while (got.length < 500) {
        const popped = await pop(client, `topics:${topic}:{"auto.offset.reset":"earliest"}`);
        if (!popped) break;
        got.push(popped.value);
      }
      assert.deepEqual(got, values);
      assert.ok(
        gateway.lines.some(({ msg, reason }) => msg === 'delivery failed' && /size too large/.test(String(reason))),
      );
    });

    for (const idempotent of [false, true])
      it(`batches of which several are on their way at once${idempotent ? ', of an idempotent producer' : ''}`, async (kafka) => {
        const count = 20_000;
        const gateway = await start({}, [], { 'enable.idempotence': idempotent });
        const topic = await limited(kafka);
        const client = await open(gateway);
        const sent = Array.from({ length: count }, (_, i) =>
          client.call('RPUSHX', `topics:${topic}:key`, values[i % 500]!),
        );
        assert.ok((await Promise.all(sent)).every((answer) => answer === 1));
        const failed = Number(await client.call('DUMP', '30000'));
        // It must not split a batch while a later one is on its way, but then it tells.
        if (!idempotent) assert.equal(failed, 0);
        assert.equal(await client.call('XLEN', topic), count - failed);
      });

    it("one client's oversized XADD is refused, and the others' entries are stored", async (kafka) => {
      const gateway = await start({});
      const topic = await limited(kafka);
      const [one, other] = [await open(gateway), await open(gateway)];
      const refused = assert.rejects(one.call('XADD', topic, '*', 'value', large), {
        message: /Message size too large/,
      });
      const ids = await Promise.all(values.map((value) => other.call('XADD', topic, '*', 'value', value)));
      await refused;
      assert.equal(new Set(ids).size, 500);
      assert.equal(await one.call('XLEN', topic), 500);
    });

    it('messages that are answered when they are delivered, and those of REST', async (kafka) => {
      const [httpPort] = [await freePort()];
      const gateway = await start({ rpushx: 'delivered' }, ['--http-port', String(httpPort)]);
      const topic = await limited(kafka);
      const client = await open(gateway);
      const answers = await Promise.allSettled(
        [large, ...values].map((value) => client.call('RPUSHX', `topics:${topic}`, value)),
      );
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['rejected', ...values.map(() => 'fulfilled')],
      );
      const produce = (msg: string, sync: boolean): Promise<Response> =>
        fetch(`http://127.0.0.1:${httpPort}/topics/${topic}/messages?key=k${sync ? '&sync' : ''}`, {
          method: 'POST',
          headers: { 'content-type': 'text/plain' },
          body: msg,
        });
      const posts = await Promise.all([large, ...values.slice(0, 200)].map((value) => produce(value, false)));
      assert.ok(posts.every(({ ok }) => ok));
      assert.equal((await produce('last', true)).status, 200);
      assert.equal((await produce(large, true)).ok, false);
      assert.equal(await client.call('LLEN', `topics:${topic}`), 701);
    });
  });
});
