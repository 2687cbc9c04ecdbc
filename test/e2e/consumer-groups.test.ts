// Consumer groups on a real Kafka, with latest (librdkafka's default): where they begin, and what rebalances do to acknowledgements.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import type { KafkaFactory } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { PixyClient } from '../support/pixy-client.js';
import { unique } from '../support/ports/suite.js';
import { ack, connect, pop } from '../support/redis-client.js';

const why = whyNoKafka();
const timeoutMs = 60_000;

describe('consumer groups on a real Kafka', { timeout: 600_000 }, () => {
  let server: KafkaServer;
  let kafka: KafkaFactory;
  let gateway: GatewayProcess;
  let httpPort: number;
  let grpc: PixyClient;
  const clients: Redis[] = [];

  before(async () => {
    if (why) return;
    server = await KafkaServer.start();
    const general = { 'bootstrap.servers': server.brokers };
    kafka = await createKafkaFactory({ general, log: pino({ level: 'silent' }) });
    httpPort = await freePort();
    const grpcPort = await freePort();
    const listeners = { http: { port: httpPort }, grpc: { port: grpcPort } };
    gateway = await start({}, { ...listeners, resp: { streams: { plainLists: true } } });
    grpc = new PixyClient(`127.0.0.1:${grpcPort}`);
  });
  after(async () => {
    for (const client of clients) client.disconnect();
    grpc?.close();
    await gateway?.stop();
    await kafka?.close();
    await server?.stop();
  });

  const start = (consumer: object, more: object = {}): Promise<GatewayProcess> => {
    const general = { 'bootstrap.servers': server.brokers };
    return GatewayProcess.start({
      config: { general, consumer: { 'auto.offset.reset': 'latest', ...consumer }, ...more },
    });
  };
  const open = async (name?: string, at = gateway): Promise<Redis> => {
    const client = await connect(at.port, name);
    clients.push(client);
    return client;
  };
  const made = async (partitions: number): Promise<string> => {
    const topic = unique('start');
    await kafka.admin.createTopic({ name: topic, partitions });
    await eventually(timeoutMs, async () =>
      (await kafka.admin.topics([topic]))[0]?.partitions.every(({ leader }) => leader >= 0),
    );
    return topic;
  };
  const produce = async (topic: string, ...values: string[]): Promise<void> => {
    const client = await open();
    for (const value of values) assert.equal(await client.call('RPUSHX', `topics:${topic}`, value), 1);
    assert.equal(await client.call('DUMP', '15000'), 0);
  };
  /** One long poll with an automatic ack. @returns undefined if it brought nothing */
  const consumers = {
    async REST(topic: string, group: string): Promise<string | undefined> {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/topics/${topic}/messages?group=${group}`);
      if (answer.status !== 200) return undefined;
      return Buffer.from(((await answer.json()) as { value: string }).value, 'base64').toString();
    },
    async gRPC(topic: string, group: string): Promise<string | undefined> {
      const answer = await grpc.call('ConsumeNAck', { topic, group, auto_ack: true }, timeoutMs).catch(() => undefined);
      return answer && String(answer.message);
    },
  };
  /** Acknowledges what it is answered, until so many came. */
  const read = async (client: Redis, key: string, count: number): Promise<string[]> => {
    const values: string[] = [];
    await eventually(timeoutMs, async () => {
      const message = await pop(client, key, 5);
      if (!message) return false;
      values.push(message.value);
      await ack(client, message);
      return values.length >= count;
    });
    return values.sort();
  };

  for (const protocol of ['classic', 'consumer'] as const)
    it(`three messages behind an answer of nothing are read by the next member when the first went without an ack (${protocol})`, async (t) => {
      if (!met(t, why)) return;
      const topic = await made(4);
      const group = unique('group');
      const own = protocol === 'classic' ? gateway : await start({ 'group.protocol': protocol });
      try {
        const first = await open(`${group}:a`, own);
        // Too short to join the group in.
        assert.equal(await pop(first, `topics:${topic}`, '0.05'), undefined);
        await produce(topic, '1', '2', '3');
        assert.ok(await pop(first, `topics:${topic}`, 30));
        first.disconnect();
        const second = await open(`${group}:b`, own);
        assert.deepEqual(await read(second, `topics:${topic}`, 3), ['1', '2', '3']);
      } finally {
        if (own !== gateway) await own.stop();
      }
    });

  it("README's first minute: who waits for a topic that is not there gets its first message", async (t) => {
    if (!met(t, why)) return;
    const topic = unique('greetings');
    const client = await open(`${unique('mygroup')}:me`);
    const waiting = pop(client, `topics:${topic}`, 50);
    await eventually(timeoutMs, () =>
      gateway.lines.some(({ msg, topics }) => /does not exist/.test(msg) && String(topics) === topic),
    );
    await produce(topic, 'hello');
    assert.equal((await waiting)?.value, 'hello');
  });

  it('partitions that are added while a group reads are read from their first message', async (t) => {
    if (!met(t, why)) return;
    const topic = await made(1);
    const client = await open(`${unique('group')}:a`);
    assert.equal(await pop(client, `topics:${topic}`, 3), undefined);
    await kafka.admin.createPartitions(topic, 4);
    const values = Array.from({ length: 9 }, (_, index) => `added ${index}`);
    await fill(kafka, topic, values, [1, 2, 3]);
    assert.deepEqual(await read(client, `topics:${topic}`, values.length), values);
  });

  it('partitions that are added while nobody reads are read from their first message, too', async (t) => {
    if (!met(t, why)) return;
    const topic = await made(2);
    const group = unique('group');
    const first = await open(`${group}:a`);
    assert.equal(await pop(first, `topics:${topic}`, 3), undefined);
    await first.call('QUIT');
    await kafka.admin.createPartitions(topic, 4);
    await fill(kafka, topic, ['2', '3'], [2, 3]);
    const second = await open(`${group}:b`);
    assert.deepEqual(await read(second, `topics:${topic}`, 2), ['2', '3']);
  });

  it('partitions that are added are read from their first message over REST, by a stream group, XREAD, SUBSCRIBE and a list', async (t) => {
    if (!met(t, why)) return;
    const topic = await made(1);
    const url = `http://127.0.0.1:${httpPort}/topics/${topic}/messages?group=grown`;
    const overRest = async (): Promise<string[]> => {
      const answer = await fetch(url);
      if (answer.status !== 200) return [];
      return [Buffer.from(((await answer.json()) as { value: string }).value, 'base64').toString()];
    };
    type Entries = [stream: string, entries: [id: string, fields: string[]][]][] | null;
    const valuesOf = (reply: unknown): string[] => ((reply as Entries)?.[0]?.[1] ?? []).map(([, fields]) => fields[1]!);
    const [member, reader, popper, subscriber] = [
      await open(),
      await open(),
      await open(`${unique('lists')}:a`),
      await open(),
    ];
    await member.call('XGROUP', 'CREATE', topic, 'g', '$', 'MKSTREAM');
    const byGroup = async () =>
      valuesOf(await member.call('XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '500', 'STREAMS', topic, '>'));
    let last = '0';
    const byXread = async () => {
      const reply = await reader.call('XREAD', 'BLOCK', '500', 'STREAMS', topic, last);
      last = (reply as Entries)?.[0]?.[1].at(-1)?.[0] ?? last;
      return valuesOf(reply);
    };
    const byList = async () => ((await popper.call('BLPOP', topic, '0.5')) as string[] | null)?.slice(1) ?? [];
    const heard: string[] = [];
    subscriber.on('message', (_channel, message) => heard.push(message));
    await subscriber.subscribe(topic);
    const faces = [overRest, byGroup, byXread, byList].map((take) => ({ take, got: new Set<string>() }));
    const all = async (...wanted: string[]): Promise<void> => {
      await Promise.all(
        faces.map(async ({ take, got }) => {
          await eventually(timeoutMs, async () => {
            for (const value of await take()) got.add(value);
            return wanted.every((value) => got.has(value));
          }).catch(() => assert.deepEqual([...got].sort(), wanted.sort(), String(take)));
        }),
      );
      await eventually(timeoutMs, () => wanted.every((value) => heard.includes(value)));
    };
    // Each has begun, at the end of the one partition that there is.
    for (const { take } of faces) await take();
    await produce(topic, 'first');
    await all('first');
    await kafka.admin.createPartitions(topic, 3);
    await fill(kafka, topic, ['added 0', 'added 1', 'added 2', 'added 3'], [1, 2]);
    await all('added 0', 'added 1', 'added 2', 'added 3');
  });

  it('what was acknowledged does not come again while members join and leave', async (t) => {
    if (!met(t, why)) return;
    const topic = await made(4);
    const group = unique('group');
    const key = `topics:${topic}:{"auto.offset.reset":"earliest"}`;
    const values = Array.from({ length: 20_000 }, (_, index) => String(index));
    await fill(kafka, topic, values, [0, 1, 2, 3]);
    const acked = new Set<string>();
    const again: string[] = [];
    let isOver = false;
    const work = async (name: string, count: number): Promise<void> => {
      const client = await open(`${group}:${name}`);
      for (let done = 0; done < count && !isOver; done++) {
        const message = await pop(client, key, 1);
        if (!message) continue;
        const place = `${message.partition}:${message.offset}`;
        if (acked.has(place)) again.push(place);
        // Refused: the partition has gone, and the message comes again.
        if ((await ack(client, message).catch(() => 0)) === 1) acked.add(place);
      }
      await client.call('QUIT');
    };
    const first = work('first', values.length);
    await eventually(timeoutMs, () => acked.size > 100);
    // Fourteen joins take 45 s on a machine of two cores: nothing comes again there either.
    for (let round = 0; round < 4; round++) await work(`second-${round}`, 50);
    isOver = true;
    await first;
    assert.deepEqual(again, []);
    assert.ok(acked.size > 300);
  });

  const committed = async (group: string, topic: string): Promise<number | undefined> =>
    (await kafka.admin.groupOffsets(group, [{ topic, partition: 0 }]))[0]?.offset;
  const remake = async (topic: string): Promise<void> => {
    await kafka.admin.deleteTopic(topic);
    await eventually(timeoutMs, () =>
      kafka.admin.createTopic({ name: topic, partitions: 1 }).then(
        () => true,
        () => false,
      ),
    );
  };

  it('a topic that is deleted and made again is read from its first message, and its acks are committed', async (t) => {
    if (!met(t, why)) return;
    const topic = await made(1);
    const group = unique('group');
    const client = await open(`${group}:a`);
    assert.equal(await pop(client, `topics:${topic}`, 3), undefined);
    await produce(topic, 'old 0', 'old 1', 'old 2', 'old 3');
    assert.deepEqual(await read(client, `topics:${topic}`, 4), ['old 0', 'old 1', 'old 2', 'old 3']);
    await eventually(timeoutMs, async () => (await committed(group, topic)) === 4);
    await remake(topic);
    const values = ['new 0', 'new 1', 'new 2', 'new 3', 'new 4', 'new 5'];
    await produce(topic, ...values);
    // Where the old positions lie within the new topic it may be read from there, until it is noticed.
    const seen = new Set<string>();
    await eventually(timeoutMs, async () => {
      const message = await pop(client, `topics:${topic}`, 1);
      if (message) seen.add(message.value);
      if (message) await ack(client, message);
      return seen.size === values.length && (await committed(group, topic)) === values.length;
    });
    assert.deepEqual([...seen].sort(), values);
  });

  it('QUIT does not commit for a topic that is another one than what was acknowledged', async (t) => {
    if (!met(t, why)) return;
    const topic = await made(1);
    const group = unique('group');
    const client = await open(`${group}:a`);
    assert.equal(await pop(client, `topics:${topic}`, 3), undefined);
    await produce(topic, 'old 0', 'old 1', 'old 2');
    assert.ok(await pop(client, `topics:${topic}`));
    assert.ok(await pop(client, `topics:${topic}`));
    const last = await pop(client, `topics:${topic}`);
    await remake(topic);
    await ack(client, last!);
    await client.call('QUIT');
    await eventually(timeoutMs, () =>
      gateway.lines.some(({ msg, client: name }) => msg === 'consumer closed' && name === `${group}:a`),
    );
    assert.ok(((await committed(group, topic)) ?? 0) === 0);
  });

  for (const face of ['REST', 'gRPC'] as const)
    it(`${face}: a topic that is deleted and made again is read from its first message`, async (t) => {
      if (!met(t, why)) return;
      const [topic, group] = [await made(1), unique('remade')];
      const consume = () => consumers[face](topic, group);
      assert.equal(await consume(), undefined);
      await produce(topic, 'old 0', 'old 1');
      assert.deepEqual([await consume(), await consume()], ['old 0', 'old 1']);
      await remake(topic);
      await produce(topic, 'new 0', 'new 1', 'new 2');
      const seen = new Set<string>();
      await eventually(timeoutMs, async () => {
        const value = await consume();
        if (value !== undefined) seen.add(value);
        return seen.size === 3 && (await committed(group, topic)) === 3;
      });
      assert.deepEqual([...seen].sort(), ['new 0', 'new 1', 'new 2']);
    });

  it('a topic that others make again with fewer partitions: every XADD is stored, once', async (t) => {
    if (!met(t, why)) return;
    const topic = await made(4);
    const client = await open();
    // Keys of all partitions.
    const add = () =>
      Promise.all(Array.from({ length: 40 }, (_, n) => client.call('XADD', topic, '*', 'key', `k${n}`, 'value', 'v')));
    await add();
    await remake(topic);
    await eventually(timeoutMs, async () => {
      const [found] = await kafka.admin.topics([topic]);
      return found?.partitions.length === 1 && found.partitions[0]!.leader >= 0;
    });
    await add();
    await eventually(timeoutMs, async () => (await client.call('XLEN', topic)) === 40);
  });

  for (const isMade of [true, false])
    it(`Kafka-Pixy's quick start delivers with the third call: ${isMade ? 'a topic that is there' : 'one that comes with the second'}`, async (t) => {
      if (!met(t, why)) return;
      const topic = isMade ? await made(4) : unique('foo');
      const url = `http://127.0.0.1:${httpPort}/topics/${topic}/messages`;
      assert.equal((await fetch(`${url}?group=bar`)).status, 408);
      const headers = { 'Content-Type': 'text/plain' };
      const produced = await fetch(`${url}?key=a&sync`, { method: 'POST', headers, body: 'hello' });
      assert.equal(produced.status, 200);
      const consumed = await fetch(`${url}?group=bar`);
      assert.equal(consumed.status, 200);
      const { value } = (await consumed.json()) as { value: string };
      assert.equal(Buffer.from(value, 'base64').toString(), 'hello');
    });

  it('gRPC: a group that was answered nothing gets the first message of the topic that comes with it', async (t) => {
    if (!met(t, why)) return;
    const [topic, group] = [unique('foo'), unique('bar')];
    assert.equal(await consumers.gRPC(topic, group), undefined);
    await grpc.call('Produce', { topic, key_value: Buffer.from('a'), message: Buffer.from('hello') }, timeoutMs);
    let value: string | undefined;
    await eventually(timeoutMs, async () => {
      value = await consumers.gRPC(topic, group);
      return value;
    });
    assert.equal(value, 'hello');
  });

  it('a member that uses cooperative-sticky leaves its group when its connection closes, with its acks committed', async (t) => {
    if (!met(t, why)) return;
    const [topic, group] = [await made(2), unique('group')];
    // A member that does not leave holds its partition until this is over, longer than the test waits.
    const patient = { 'session.timeout.ms': 5 * timeoutMs, 'max.poll.interval.ms': 10 * timeoutMs };
    const own = await start({ 'partition.assignment.strategy': 'cooperative-sticky', ...patient });
    t.after(() => own.stop());
    const [stays, leaves] = [await open(`${group}:stays`, own), await open(`${group}:leaves`, own)];
    const key = `topics:${topic}`;
    const members = async () => (await kafka.admin.describeGroups([group]))[0]!.members;
    const countOf = (assignments: ReadonlyMap<string, readonly number[]>): number =>
      [...assignments.values()].flat().length;
    await eventually(timeoutMs, async () => {
      await Promise.all([pop(stays, key, 1), pop(leaves, key, 1)]);
      const all = await members();
      return all.length === 2 && all.every(({ assignments }) => countOf(assignments) === 1);
    });
    await fill(kafka, topic, ['v0', 'v1'], [0, 1]);
    const message = await pop(leaves, key, 15);
    assert.ok(message);
    assert.equal(await ack(leaves, message), 1);
    leaves.disconnect();
    await eventually(timeoutMs, async () => {
      await pop(stays, key, 1);
      const all = await members();
      return all.length === 1 && countOf(all[0]!.assignments) === 2;
    });
    const { partition } = message;
    const [position] = await kafka.admin.groupOffsets(group, [{ topic, partition }]);
    assert.ok(position && position.offset > message.offset);
  });
});

/** Values to the partitions in turn. A partition that has just been made may have no leader yet. */
async function fill(kafka: KafkaFactory, topic: string, values: readonly string[], partitions: readonly number[]) {
  await eventually(timeoutMs, async () => {
    const [found] = await kafka.admin.topics([topic]);
    return partitions.every((number) =>
      found?.partitions.some(({ partition, leader }) => partition === number && leader >= 0),
    );
  });
  const producer = await kafka.producer(
    { reports: 'errors', onReport: ({ error }) => assert.fail(error?.message) },
    15_000,
  );
  try {
    for (const [index, value] of values.entries()) {
      const partition = partitions[index % partitions.length]!;
      producer.produce({ topic, partition, key: null, value: Buffer.from(value) });
    }
    assert.equal(await producer.flush(15_000), true);
  } finally {
    await producer.close(5_000);
  }
}
