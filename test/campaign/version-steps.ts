// What is tried of each listener on a broker of some version: short steps, each on topics of its own.
import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import type { PixyClient } from '../support/pixy-client.js';
import { type Answer, type Ask, until } from '../support/pixy-lab.js';
import { ack, pop } from '../support/redis-client.js';

/** A gateway on the broker, and how it is reached. */
export interface Lab {
  redis(name?: string): Promise<Redis>;
  /** Of another gateway, whose members use the new group protocol. */
  newProtocol(name: string): Promise<Redis>;
  rest(path: string, ask?: Ask): Promise<Answer>;
  readonly grpc: PixyClient;
  /** The gateway's own words about its broker. */
  readonly greeting: string;
  /** Copies a topic of this broker to another one of the same version. @returns what the target has */
  relay(topic: string): Promise<string[]>;
  /** Publishes lines as RIS Live would send them. @returns records of the topic */
  ris(): Promise<number>;
}

export interface Step {
  readonly listener: string;
  readonly name: string;
  /** The first version that can; older ones must refuse and name themselves. */
  readonly since?: readonly [number, number];
  run(lab: Lab, topic: string): Promise<void>;
}

const values = ['one', 'two', 'three'];
const text = (body: string): Ask => ({ method: 'POST', body, headers: { 'content-type': 'text/plain' } });
const ok = (answer: Answer): Answer => {
  assert.equal(answer.status, 200, answer.text);
  return answer;
};

async function produced(lab: Lab, topic: string): Promise<void> {
  const client = await lab.redis();
  await client.call('RPUSHX', `topics:${topic}:key`, ...values);
  assert.equal(await client.call('DUMP', '10000'), 0);
  client.disconnect();
}

async function streamed(client: Redis, key: string): Promise<string[]> {
  const ids: string[] = [];
  for (const value of values) ids.push(String(await client.call('XADD', key, '*', 'value', value, 'more', 'field')));
  return ids;
}

// biome-ignore lint/suspicious/noExplicitAny: replies of every shape
const call = (client: Redis, ...argv: string[]): Promise<any> => client.call(argv[0]!, ...argv.slice(1));

export const steps: readonly Step[] = [
  {
    listener: 'all',
    name: 'start line and `/readyz` tell the version',
    async run(lab) {
      const { text: body } = ok(await lab.rest('/readyz'));
      assert.match(lab.greeting, /\d\.\d/);
      assert.ok(body.includes(lab.greeting), `${lab.greeting} is not in ${body}`);
    },
  },
  {
    listener: 'RESP',
    name: '`RPUSHX`, `DUMP`, `BLPOP`, acks',
    async run(lab, topic) {
      await produced(lab, topic);
      const key = `topics:${topic}:{"auto.offset.reset":"earliest"}`;
      const first = await lab.redis(`${topic}:a`);
      const message = await pop(first, key);
      assert.equal(message?.value, 'one');
      assert.equal(await ack(first, message), 1);
      await call(first, 'QUIT').catch(() => {});
      first.disconnect();
      const second = await lab.redis(`${topic}:b`);
      assert.deepEqual([(await pop(second, key))?.value, (await pop(second, key))?.value], ['two', 'three']);
      second.disconnect();
    },
  },
  {
    listener: 'RESP',
    name: 'a member of the new group protocol (KIP-848)',
    since: [4, 0],
    async run(lab, topic) {
      await produced(lab, topic);
      const client = await lab.newProtocol(`${topic}:a`);
      const key = `topics:${topic}:{"auto.offset.reset":"earliest"}`;
      assert.equal((await pop(client, key))?.value, 'one');
      client.disconnect();
    },
  },
  {
    listener: 'RESP',
    name: 'plain lists',
    async run(lab, topic) {
      const client = await lab.redis();
      assert.equal(await call(client, 'RPUSH', topic, ...values), 3);
      assert.equal(await call(client, 'LLEN', topic), 3);
      const got = new Set<string>();
      for (let n = 0; n < 3; n++) got.add((await call(client, 'BLPOP', topic, '15'))[1]);
      assert.deepEqual([...got].sort(), values.toSorted());
      client.disconnect();
    },
  },
  {
    listener: 'RESP',
    name: 'pub/sub',
    async run(lab, topic) {
      const [reader, writer] = [await lab.redis(), await lab.redis()];
      const got: string[] = [];
      reader.on('message', (_, value) => got.push(value));
      await call(writer, 'RPUSHX', `topics:${topic}`, 'makes the topic');
      await call(writer, 'DUMP', '10000');
      await reader.subscribe(topic);
      await until(
        async () => {
          await call(writer, 'PUBLISH', topic, 'news');
          return got;
        },
        (all) => all.includes('news'),
      );
      reader.disconnect();
      writer.disconnect();
    },
  },
  {
    listener: 'streams',
    name: '`XADD`, `XLEN`, `XRANGE`, `XREVRANGE`, `XREAD`',
    async run(lab, topic) {
      const client = await lab.redis();
      const ids = await streamed(client, topic);
      assert.equal(await call(client, 'XLEN', topic), 3);
      const range = await call(client, 'XRANGE', topic, '-', '+');
      assert.deepEqual(
        range.map(([id, fields]: [string, string[]]) => [id, fields[1]]),
        ids.map((id, at) => [id, values[at]]),
      );
      assert.equal((await call(client, 'XREVRANGE', topic, '+', '-', 'COUNT', '1'))[0][0], ids[2]);
      assert.equal((await call(client, 'XREAD', 'STREAMS', topic, ids[0]!))[0][1].length, 2);
      client.disconnect();
    },
  },
  {
    listener: 'streams',
    name: '`XGROUP`, `XREADGROUP`, `XACK`, `XPENDING`, `XAUTOCLAIM`, `XINFO`',
    async run(lab, topic) {
      const client = await lab.redis();
      const ids = await streamed(client, topic);
      assert.equal(await call(client, 'XGROUP', 'CREATE', topic, 'g', '0'), 'OK');
      const got: string[] = [];
      await until(
        async () => {
          const read = await call(client, 'XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '2000', 'STREAMS', topic, '>');
          for (const [id] of read?.[0]?.[1] ?? []) got.push(id);
          return got;
        },
        (all) => all.length === 3,
        30_000,
      );
      assert.deepEqual(got.toSorted(), ids.toSorted());
      assert.equal(await call(client, 'XACK', topic, 'g', ids[0]!), 1);
      assert.equal((await call(client, 'XPENDING', topic, 'g'))[0], 2);
      assert.equal((await call(client, 'XAUTOCLAIM', topic, 'g', 'd', '0', '0'))[1].length, 2);
      assert.equal(await call(client, 'XACK', topic, 'g', ids[1]!, ids[2]!), 2);
      assert.ok((await call(client, 'XINFO', 'STREAM', topic)).length > 0);
      assert.equal((await call(client, 'XINFO', 'GROUPS', topic)).length, 1);
      assert.equal((await call(client, 'XINFO', 'CONSUMERS', topic, 'g')).length, 2);
      client.disconnect();
    },
  },
  {
    listener: 'streams',
    name: '`XGROUP SETID`, `XGROUP DESTROY`, `XTRIM`, `DEL`',
    async run(lab, topic) {
      const client = await lab.redis();
      const ids = await streamed(client, topic);
      assert.equal(await call(client, 'XGROUP', 'CREATE', topic, 'g', '$'), 'OK');
      assert.equal(await call(client, 'XGROUP', 'SETID', topic, 'g', ids[1]!), 'OK');
      assert.equal(await call(client, 'XGROUP', 'DESTROY', topic, 'g'), 1);
      assert.ok((await call(client, 'XTRIM', topic, 'MINID', ids[2]!)) > 0);
      assert.equal((await call(client, 'XRANGE', topic, '-', '+'))[0][0], ids[2]);
      assert.equal(await call(client, 'DEL', topic), 1);
      assert.equal(await call(client, 'EXISTS', topic), 0);
      client.disconnect();
    },
  },
  {
    listener: 'REST',
    name: 'produce, consume, ack, offsets',
    async run(lab, topic) {
      await made(lab, topic);
      for (const value of values) ok(await lab.rest(`/topics/${topic}/messages?sync&key=k`, text(value)));
      const taken = await taking(lab, `/topics/${topic}/messages?group=${topic}&noAck`);
      assert.equal(Buffer.from(taken.json.value, 'base64').toString(), 'one');
      const { partition, offset } = taken.json;
      const acks = `/topics/${topic}/acks?group=${topic}&partition=${partition}&offset=${offset}`;
      ok(await lab.rest(acks, { method: 'POST' }));
      await until(
        async () => (await lab.rest(`/topics/${topic}/offsets?group=${topic}`)).json[partition]?.offset,
        (position) => position === offset + 1,
      );
    },
  },
  {
    listener: 'REST',
    name: 'set offsets',
    async run(lab, topic) {
      await produced(lab, topic);
      const at = `/topics/${topic}/offsets?group=${topic}`;
      const offsets = JSON.stringify([{ partition: 0, offset: 0, metadata: 'mine' }]);
      ok(await lab.rest(at, { method: 'POST', body: offsets, headers: { 'content-type': 'application/json' } }));
      assert.equal(ok(await lab.rest(at)).json[0].metadata, 'mine');
    },
  },
  {
    listener: 'REST',
    name: 'topics with partitions and settings, consumers',
    async run(lab, topic) {
      await produced(lab, topic);
      const { json } = ok(await lab.rest(`/topics/${topic}?withPartitions&withConfig`));
      assert.equal(json.partitions.length, 4);
      ok(await lab.rest('/topics?withPartitions&withConfig'));
      const asking = lab.rest(`/topics/${topic}/messages?group=${topic}`);
      await until(
        () => lab.rest(`/topics/${topic}/consumers`),
        ({ json }) => json?.[topic] !== undefined,
      );
      await asking;
    },
  },
  {
    listener: 'gRPC',
    name: 'every call',
    async run({ grpc, ...lab }, topic) {
      await made(lab, topic);
      const [message, key_value, headers] = [
        Buffer.from('v'),
        Buffer.from('k'),
        [{ key: 'h', value: Buffer.from('x') }],
      ];
      const { partition, offset } = await grpc.call('Produce', { topic, message, key_value, headers });
      const group = `${topic}.grpc`;
      await grpc.call('SetOffsets', { topic, group, offsets: [{ partition, offset }] });
      const taken = await grpc.take({ topic, group, no_ack: true });
      assert.deepEqual([taken.message.toString(), taken.headers[0].key], ['v', 'h']);
      const { groups } = await grpc.call('ListConsumers', { topic });
      assert.ok(groups[group]);
      await grpc.call('Ack', { topic, group, partition, offset: taken.offset });
      await until(
        async () => (await grpc.call('GetOffsets', { topic, group })).offsets[partition].offset,
        (position) => position === offset + 1,
      );
      assert.equal((await grpc.call('GetTopicMetadata', { topic, with_partitions: true })).partitions.length, 4);
      assert.ok((await grpc.call('ListTopics', {})).topics[topic]);
    },
  },
  {
    listener: 'relay',
    name: 'to another cluster of this version, exactly once',
    async run(lab, topic) {
      await produced(lab, topic);
      assert.deepEqual(await lab.relay(topic), values);
    },
  },
  {
    listener: '`rafka ris`',
    name: 'three lines of RIS Live, in transactions',
    async run(lab) {
      assert.ok((await lab.ris()) >= 3);
    },
  },
];

/** Makes the topic as a first message does. */
const made = ({ redis }: Pick<Lab, 'redis'>, topic: string): Promise<void> =>
  redis().then(async (client) => {
    await call(client, 'XGROUP', 'CREATE', topic, 'maker', '0', 'MKSTREAM');
    client.disconnect();
  });

/** Asks again after a long poll that brought nothing. */
const taking = (lab: Lab, path: string): Promise<Answer> =>
  until(
    () => lab.rest(path),
    ({ status }) => status !== 408,
    30_000,
  );
