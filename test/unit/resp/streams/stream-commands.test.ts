// What stream commands promise beyond the shape of their replies: durable acks, nothing lost with a caller, compacted topics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode } from '../../../../src/core/ports.js';
import { StreamTopics } from '../../../../src/core/streams/stream-topics.js';
import { TopicCatalog } from '../../../../src/core/topics/topic-catalog.js';
import { realClock } from '../../../support/clock.js';
import { eventually } from '../../../support/eventually.js';
import { refusal } from '../../../support/fake/fault.js';
import { FakeKafka } from '../../../support/fake-kafka.js';
import { type RawClient, RespPair } from '../../../support/resp-pair.js';

async function withStreams(streams: object, run: (pair: RespPair, client: RawClient) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({ settings: { streams: { partitions: 1, ...streams } } });
  try {
    await run(pair, await pair.client());
  } finally {
    await pair.stop();
  }
}

const add = async (client: RawClient, ...fields: string[]): Promise<string> =>
  (await client.exchange(['XADD', 's', '*', ...fields])).split('\r\n')[1]!;
const read = (client: RawClient, consumer: string, count = 10, block = 9_000): Promise<string> =>
  client.exchange(
    ['XREADGROUP', 'GROUP', 'g', consumer, 'COUNT', count, 'BLOCK', block, 'STREAMS', 's', '>'].map(String),
  );
const committed = ({ kafka }: RespPair): number | undefined =>
  kafka.groups.get('g.s')?.committed.values().next().value?.offset;

for (const commit of ['sync', 'async'] as const) {
  test(`XACK answers ${commit === 'sync' ? 'after' : 'before'} the commit with commit: ${commit}`, () =>
    withStreams({ commit, commitIntervalMs: 60_000 }, async (pair, client) => {
      const id = await add(client, 'value', 'one');
      await client.exchange(['XGROUP', 'CREATE', 's', 'g', '0']);
      await read(client, 'c');
      assert.equal(await client.exchange(['XACK', 's', 'g', id]), ':1\r\n');
      assert.equal(committed(pair), commit === 'sync' ? 1 : 0);
    }));
}

test('XACK with commit: sync says so when the position could not be committed', () =>
  withStreams({ commit: 'sync' }, async (pair, client) => {
    const id = await add(client, 'value', 'one');
    await client.exchange(['XGROUP', 'CREATE', 's', 'g', '0']);
    await read(client, 'c');
    pair.kafka.faults.commit = true;
    assert.match(await client.exchange(['XACK', 's', 'g', id]), /^-\w+ .*could not be committed/);
    pair.kafka.faults.commit = false;
    await eventually(5_000, () => committed(pair) === 1);
  }));

test('entries whose caller is gone before their reply is made go to the next one, undelivered', () =>
  withStreams({ pendingBytes: 0, pendingTimeoutMs: 0 }, async (pair, first) => {
    const id = await add(first, 'value', 'one');
    await first.exchange(['XGROUP', 'CREATE', 's', 'g', '0']);
    await read(first, 'first');
    first.close();
    const [second, third] = [await pair.client(), await pair.client()];
    // Its payload is no longer kept, so that the next reply waits for Kafka, which does not answer.
    pair.kafka.faults.stalled = true;
    second.send(['XREADGROUP', 'GROUP', 'g', 'second', 'BLOCK', '9000', 'STREAMS', 's', '>']);
    const pending = () => third.exchange(['XPENDING', 's', 'g', '-', '+', '10']);
    await eventually(9_000, async () => (await pending()).includes('second'));
    second.socket.resetAndDestroy();
    await eventually(5_000, () => pair.server.clientCount <= 1);
    pair.kafka.unstall();
    assert.ok((await read(third, 'third')).includes(id));
    // The first delivery and this one; not the one in between.
    assert.match(await pending(), /third\r\n:\d+\r\n:2\r\n$/);
  }));

test('entries whose partition went to another gateway are no longer counted as pending', () =>
  withStreams({}, async (pair, client) => {
    pair.kafka.createTopic('s', 2);
    for (const partition of [0, 1]) pair.kafka.seed('s', partition, 'v');
    await client.exchange(['XGROUP', 'CREATE', 's', 'g', '0']);
    const pending = async () => /pending\r\n:(\d+)/.exec(await client.exchange(['XINFO', 'CONSUMERS', 's', 'g']))?.[1];
    await eventually(9_000, async () => {
      await read(client, 'c', 10, 10);
      return (await pending()) === '2';
    });
    const other = { memberId: 'other', clientId: 'other', topics: ['s'], assigned: [] };
    await pair.kafka.group('g.s').join({ ...other, revoke: async () => {}, assign: async () => {} });
    await eventually(5_000, async () => (await pending()) === '1');
    assert.match(await client.exchange(['XPENDING', 's', 'g']), /^\*4\r\n:1\r\n/);
  }));

test('on a compacted topic an entry needs a key and a value', () =>
  withStreams({}, async (pair, client) => {
    pair.kafka.createTopic('s', 1, { 'cleanup.policy': 'compact,delete' });
    const refused = /^-ERR not written: the topic is compacted: an entry needs a /;
    assert.match(await client.exchange(['XADD', 's', '*', 'value', 'v']), refused);
    assert.match(await client.exchange(['XADD', 's', '*', 'key', 'k', 'a', '1', 'b', '2']), refused);
    assert.match(await client.exchange(['XADD', 's', '*', 'key', 'k', 'value', 'v']), /^\$/);
    assert.equal(await client.exchange(['XLEN', 's']), ':1\r\n');
  }));

for (const [command, fields] of [
  ['XADD', ['*', 'value']],
  ['RPUSH', []],
] as const) {
  test(`${command}s that come while their topic is being made are stored in their order`, () =>
    withStreams({ partitions: 4, plainLists: true }, async (pair, client) => {
      const { admin } = pair.kafka;
      const topicConfigs = admin.topicConfigs.bind(admin);
      let goOn = (): void => {};
      const held = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      admin.topicConfigs = async (names) => {
        await held;
        return topicConfigs(names);
      };
      client.send([command, 's', ...fields, 'v0']);
      await eventually(5_000, () => pair.kafka.topic('s') !== undefined);
      for (let n = 1; n < 16; n++) client.send([command, 's', ...fields, `v${n}`]);
      const other = await pair.client();
      // Its answer shows that what was sent before it has been read.
      await other.exchange(['XLEN', 's']);
      goOn();
      await eventually(5_000, async () => (await other.exchange(['XLEN', 's'])) === ':16\r\n');
      const entries = await other.exchange(['XRANGE', 's', '-', '+']);
      const stored = entries.match(/v\d+(?=\r)/g);
      assert.deepEqual(
        stored,
        Array.from({ length: 16 }, (_, n) => `v${n}`),
      );
    }));
}

test('a broker that has not heard of a new topic is asked again', () =>
  withStreams({}, async (pair, client) => {
    const { admin } = pair.kafka;
    const watermarks = admin.watermarks.bind(admin);
    let refusals = 3;
    admin.watermarks = async (partitions) => {
      if (refusals-- > 0) throw refusal(KafkaCode.unknownTopicOrPartition, 'Broker: Unknown topic or partition');
      return watermarks(partitions);
    };
    assert.match(await add(client, 'value', 'one'), /^\d+-0$/);
    refusals = 3;
    assert.equal(await client.exchange(['XLEN', 's']), ':1\r\n');
    refusals = 3;
    assert.equal(await client.exchange(['XGROUP', 'CREATE', 's2', 'g', '0', 'MKSTREAM']), '+OK\r\n');
  }));

test('a topic that another gateway makes at the same time is no error', async () => {
  const kafka = new FakeKafka();
  const catalog = new TopicCatalog(kafka.admin, realClock);
  const settings = { partitions: 1, replicationFactor: undefined, clockSkewMs: 5_000, autoCreate: true };
  const topics = new StreamTopics({ admin: kafka.admin, catalog, clock: realClock, settings, onMade: async () => {} });
  assert.equal(await topics.exists('s'), false);
  kafka.createTopic('s', 1, { 'message.timestamp.type': 'LogAppendTime' });
  await topics.make('s');
  assert.equal(topics.isKnown('s'), true);
  assert.equal(await topics.skewOf('s'), 0);
  await kafka.close();
});
