// Consumers that REST and gRPC clients share, on a real Kafka: groups, rebalances, time-outs, acks out of order, clients that vanish.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import {
  ends,
  type Message,
  type Pixy,
  type PixyKafka,
  type PixySettings,
  silent,
  startPixy,
  startPixyKafka,
  until,
} from '../support/pixy-lab.js';

const why = whyNoKafka();

describe('shared consumers', { timeout: 600_000 }, () => {
  let kafka: PixyKafka;
  let producer: Pixy;
  const started: Pixy[] = [];
  let topics = 0;
  before(async () => {
    if (why) return;
    kafka = await startPixyKafka();
    producer = await startPixy(kafka.server.brokers);
  });
  after(async () => {
    await Promise.all([...started, producer].map((each) => each?.stop()));
    await kafka?.stop();
  });
  const start = async (settings: PixySettings = {}): Promise<Pixy> => {
    const made = await startPixy(kafka.server.brokers, settings);
    started.push(made);
    return made;
  };
  /** A fresh topic with so many messages, `0`, `1`, ... */
  const topic = async (partitions: number, messages = 0): Promise<string> => {
    const name = `topic-${++topics}`;
    await kafka.admin.createTopic({ name, partitions });
    await until(
      async () => (await kafka.admin.topics([name])).length,
      (found) => found === 1,
    );
    await fill(name, 0, messages);
    return name;
  };
  const fill = async (name: string, from: number, to: number) => {
    for (let i = from; i < to; i++) await producer.put(name, `${i}`, `${i}`);
  };
  const drain = async (pixy: Pixy, name: string, group: string, count: number): Promise<Message[]> => {
    const got: Message[] = [];
    while (got.length < count) got.push(await pixy.take(name, group));
    return got;
  };
  const values = (messages: readonly Message[]) => messages.map(({ value }) => Number(value)).sort((a, b) => a - b);
  const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

  it('a brand-new group begins at the head, which it commits', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 3);
    const first = await start({ consumer: { initial_offset: 'newest', long_polling_timeout: '1s' } });
    await until(
      async () => {
        assert.equal((await first.poll(name, 'g')).status, 408);
        return producer.offsets(name, 'g');
      },
      ([head]) => head === 3,
    );
    await first.stop();
    await fill(name, 3, 5);
    const second = await start();
    assert.deepEqual(values(await drain(second, name, 'g', 2)), [3, 4]);
    await second.stop();
  });

  it('committed beyond the end: the first message is the one with that offset', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 2);
    await producer.ask(`/topics/${name}/offsets?group=g`, { method: 'POST', body: '[{"partition":0,"offset":5}]' });
    const pixy = await start({ consumer: { long_polling_timeout: '1s' } });
    assert.equal((await pixy.poll(name, 'g')).status, 408);
    await fill(name, 2, 7);
    assert.equal((await pixy.take(name, 'g')).offset, 5);
    await pixy.stop();
  });

  it('order within a partition; a new process goes on with the next message', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 20);
    const first = await start();
    assert.deepEqual(
      (await drain(first, name, 'g', 10)).map(({ value }) => Number(value)),
      upTo(10),
    );
    await first.stop();
    const second = await start();
    assert.deepEqual(
      (await drain(second, name, 'g', 10)).map(({ value }) => Number(value)),
      upTo(10, 10),
    );
    await second.stop();
  });

  it('many partitions, all served; groups do not touch each other', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(64, 189);
    const pixy = await start();
    const [one, other] = await Promise.all([drain(pixy, name, 'g1', 189), drain(pixy, name, 'g2', 189)]);
    assert.deepEqual(values(one), upTo(189));
    assert.deepEqual(values(other), upTo(189));
    await pixy.stop();
  });

  it('more members than partitions: the one without waits in vain, the other goes on', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 4);
    const first = await start({ clientId: 'a' });
    assert.equal((await first.take(name, 'g')).value, '0');
    const second = await start({ clientId: 'b' });
    assert.equal((await second.poll(name, 'g')).status, 408);
    assert.deepEqual(values(await drain(first, name, 'g', 3)), [1, 2, 3]);
    await Promise.all([first.stop(), second.stop()]);
  });

  it('a member joins and another leaves: nothing twice, nothing missed', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(4, 40);
    const first = await start({ clientId: 'a' });
    const got = await drain(first, name, 'g', 10);
    const second = await start({ clientId: 'b' });
    let joined = false;
    while (!joined) {
      const answer = await second.poll(name, 'g');
      joined = answer.status === 200;
      if (joined) got.push({ ...answer.json, value: Buffer.from(answer.json.value, 'base64').toString() });
    }
    got.push(...(await drain(first, name, 'g', 5)));
    await first.stop();
    got.push(...(await drain(second, name, 'g', 40 - got.length)));
    await second.stop();
    assert.deepEqual(values(got), upTo(40));
  });

  it('a process that nobody asks leaves the group; a message without ack comes to the other', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 3);
    const quick = { subscription_timeout: '500ms', ack_timeout: '1500ms' };
    const first = await start({ clientId: 'a', consumer: quick });
    assert.equal((await first.take(name, 'g', '&noAck')).value, '0');
    const second = await start({ clientId: 'b' });
    assert.deepEqual(values(await drain(second, name, 'g', 3)), [0, 1, 2]);
    await Promise.all([first.stop(), second.stop()]);
  });

  it('an expired subscription with one offer: its ack frees the partition at once', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 2);
    const first = await start({ clientId: 'a', consumer: { subscription_timeout: '500ms' } });
    const offered = await first.take(name, 'g', '&noAck');
    const second = await start({ clientId: 'b', consumer: { long_polling_timeout: '1s' } });
    assert.equal((await second.poll(name, 'g')).status, 408);
    assert.equal((await first.ack(name, 'g', offered)).status, 200);
    assert.equal((await second.take(name, 'g')).value, '1');
    await Promise.all([first.stop(), second.stop()]);
  });

  it('one topic of a group expires, the other stays', async (t) => {
    if (!met(t, why)) return;
    const [one, other] = [await topic(1, 1), await topic(1, 30)];
    const pixy = await start({ consumer: { subscription_timeout: '1s' } });
    await pixy.take(one, 'g');
    await until(
      async () => {
        await pixy.take(other, 'g');
        return (await pixy.ask(`/topics/${one}/consumers?group=g`)).status;
      },
      (status) => status === 400,
    );
    assert.equal((await pixy.ask(`/topics/${other}/consumers?group=g`)).status, 200);
    await pixy.stop();
  });

  it('a message that is not acked in time comes again, and is given up after max_retries', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 1);
    const pixy = await start({ consumer: { ack_timeout: '200ms', max_retries: 2, long_polling_timeout: '1s' } });
    for (let offered = 0; offered < 3; offered++) assert.equal((await pixy.take(name, 'g', '&noAck')).value, '0');
    assert.equal((await pixy.poll(name, 'g', '&noAck')).status, 408);
    await pixy.stop();
    assert.deepEqual(await producer.offsets(name, 'g'), [1]);
  });

  it('no more than max_pending_messages + 1 are offered; an ack makes room for one', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 10);
    const pixy = await start({ consumer: { max_pending_messages: 3, long_polling_timeout: '1s' } });
    const out = [];
    for (let i = 0; i < 4; i++) out.push(await pixy.take(name, 'g', '&noAck'));
    assert.equal((await pixy.poll(name, 'g', '&noAck')).status, 408);
    await pixy.ack(name, 'g', out[1]!);
    assert.equal((await pixy.take(name, 'g', '&noAck')).value, '4');
    assert.equal((await pixy.poll(name, 'g', '&noAck')).status, 408);
    await pixy.stop();
  });

  it('a partition that may offer nothing more does not starve the others', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(4, 40);
    const pixy = await start({ consumer: { max_pending_messages: 1 } });
    const out = [];
    for (let i = 0; i < 8; i++) out.push(await pixy.take(name, 'g', '&noAck'));
    assert.deepEqual(out.map(({ partition }) => partition).sort(), [0, 0, 1, 1, 2, 2, 3, 3]);
    const blocked = out[0]!.partition;
    for (const message of out) if (message.partition !== blocked) await pixy.ack(name, 'g', message);
    const marks = await ends(kafka.admin, name, 4);
    const others = marks.reduce((sum, end) => sum + end, 0) - marks[blocked]! - 6;
    const rest = await drain(pixy, name, 'g', others);
    assert.ok(rest.every(({ partition }) => partition !== blocked));
    await pixy.stop();
  });

  it('a position whose messages have been deleted: reading goes on at what is left, at the start and while it consumes', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 10);
    const set = (pixy: Pixy, offset: number) =>
      pixy.ask(`/topics/${name}/offsets?group=g`, { method: 'POST', body: JSON.stringify([{ partition: 0, offset }]) });
    assert.equal((await set(producer, 2)).status, 200);
    await kafka.admin.deleteRecords([{ topic: name, partition: 0, offset: 6 }]);
    const pixy = await start();
    assert.deepEqual(values(await drain(pixy, name, 'g', 4)), [6, 7, 8, 9]);
    assert.equal((await set(pixy, 3)).status, 200);
    assert.deepEqual(values(await drain(pixy, name, 'g', 4)), [6, 7, 8, 9]);
    assert.deepEqual(await pixy.offsets(name, 'g'), [10]);
    await pixy.stop();
  });

  it('acks out of order are kept over a clean stop', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 10);
    const first = await start({ consumer: { rebalance_ack_timeout: '100ms' } });
    const out = [];
    for (let i = 0; i < 9; i++) out.push(await first.take(name, 'g', '&noAck'));
    for (const index of [0, 2, 3, 4, 7, 8]) await first.ack(name, 'g', out[index]!);
    const live = (await first.ask(`/topics/${name}/offsets?group=g`)).json[0];
    assert.deepEqual([live.offset, live.sparse_acks], [1, '1-4,6-8']);
    await first.stop();
    const stored = (await producer.ask(`/topics/${name}/offsets?group=g`)).json[0];
    assert.deepEqual([stored.offset, stored.metadata, stored.sparse_acks], [1, 'BDCC', '1-4,6-8']);
    const second = await start();
    assert.deepEqual(values(await drain(second, name, 'g', 4)), [1, 5, 6, 9]);
    await second.stop();
    assert.deepEqual(await producer.offsets(name, 'g'), [10]);
  });

  it('a topic written in transactions: the markers between messages hold nothing up', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1);
    const factory = await createKafkaFactory({ general: { 'bootstrap.servers': kafka.server.brokers }, log: silent });
    const properties = { 'transactional.id': 'pixy' };
    const writer = await factory.producer({ reports: 'errors', onReport: () => {}, properties }, 10_000);
    await writer.initTransactions(10_000);
    for (let round = 0; round < 3; round++) {
      await writer.beginTransaction();
      for (const value of [2 * round, 2 * round + 1])
        writer.produce({ topic: name, key: null, value: Buffer.from(`${value}`) });
      await writer.commitTransaction(10_000);
    }
    await writer.close(10_000);
    await factory.close();
    const pixy = await start();
    assert.deepEqual(values(await drain(pixy, name, 'g', 6)), upTo(6));
    await pixy.stop();
    const [at] = (await producer.ask(`/topics/${name}/offsets?group=g`)).json;
    // The last marker is behind the last message.
    assert.deepEqual([at.offset, at.end, at.sparse_acks], [8, 9, undefined]);
  });

  it('too many requests: 429 for those beyond the queue, and only there', async (t) => {
    if (!met(t, why)) return;
    const [busy, calm] = [await topic(1), await topic(1, 1)];
    const pixy = await start({ consumer: { channel_buffer_size: 1, long_polling_timeout: '1s' } });
    const answers = Promise.all(upTo(6).map(() => pixy.poll(busy, 'g')));
    assert.equal((await pixy.take(calm, 'g')).value, '0');
    const statuses = (await answers).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [408, 408, 429, 429, 429, 429]);
    assert.match(
      (await answers).find(({ status }) => status === 429)!.json.error,
      /^Too many requests. Consider increasing/,
    );
    await pixy.stop();
  });

  it('a client that hangs up while it waits does not take a message along', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 1);
    const pixy = await start();
    await pixy.take(name, 'g');
    const gone = request(`${pixy.url}/topics/${name}/messages?group=g`).on('error', () => {});
    await new Promise<void>((resolve) => gone.on('socket', (socket) => socket.on('connect', resolve)).end());
    await pixy.ask('/_ping');
    gone.destroy();
    await pixy.ask('/_ping');
    await fill(name, 1, 2);
    assert.equal((await pixy.take(name, 'g')).value, '1');
    await pixy.stop();
  });

  it('a client that resets with replies under way: their messages come again at once', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1);
    const pixy = await start();
    await pixy.poll(name, 'g');
    // Megabytes to a client that reads nothing: some reply can't be handed over before the connection is reset.
    for (let i = 0; i < 12; i++) await producer.put(name, `${i}`.padEnd(900_000));
    const { hostname, port } = new URL(pixy.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    socket.pause();
    socket.write(`GET /topics/${name}/messages?group=g HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(12));
    const count = async (what: string): Promise<number> => {
      const { text } = await pixy.ask('/metrics');
      return Number(new RegExp(`rafka_group_${what}_total\\{.*topic="${name}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
    };
    let before = -1;
    await until(
      async () => {
        const look = { acked: await count('acked'), consumed: await count('consumed'), before };
        before = look.consumed;
        return look;
      },
      (look) => look.consumed > look.acked && look.consumed === look.before,
    );
    const acked = await count('acked');
    socket.resetAndDestroy();
    const again = await drain(pixy, name, 'g', 12 - acked);
    assert.deepEqual(values(again), upTo(12 - acked, acked));
    await pixy.stop();
  });

  it('a thousand waiting polls are answered, each in time', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1);
    const pixy = await start({ consumer: { channel_buffer_size: 1_000 } });
    await pixy.poll(name, 'g');
    const waiting = upTo(1_000).map(() => pixy.poll(name, 'g'));
    await fill(name, 0, 1);
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(statuses.filter((status) => status === 408).length, 999);
    await pixy.stop();
  });

  it('the broker restarts: consuming and producing go on, nothing is missed', async (t) => {
    if (!met(t, why)) return;
    const name = await topic(1, 5);
    const pixy = await start();
    const got = await drain(pixy, name, 'g', 3);
    await kafka.server.kill9();
    assert.match(
      (
        await until(
          () => pixy.ask('/readyz'),
          ({ status }) => status === 503,
        )
      ).text,
      /^cluster default: /,
    );
    await kafka.server.restart();
    await until(
      () => pixy.ask('/readyz'),
      ({ status }) => status === 200,
      30_000,
    );
    await until(
      () => ends(kafka.admin, name, 1).catch(() => [-1]),
      ([end]) => end === 5,
      30_000,
    );
    await fill(name, 5, 8);
    while (new Set(values(got)).size < 8) got.push(await pixy.take(name, 'g', '', 15));
    assert.deepEqual([...new Set(values(got))], upTo(8));
    await pixy.stop();
  });
});
