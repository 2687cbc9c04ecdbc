// What docs/STREAMS.md says of settings and limits, each seen from a client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode } from '../../../../src/core/ports.js';
import { eventually } from '../../../support/eventually.js';
import { fault } from '../../../support/fake/fault.js';
import { type RawClient, type RespOptions, RespPair } from '../../../support/resp-pair.js';

async function withStreams(
  streams: object,
  run: (pair: RespPair, client: RawClient) => Promise<void>,
  more: RespOptions['settings'] = {},
): Promise<void> {
  const pair = await RespPair.start({ settings: { ...more, streams: { partitions: 1, ...streams } } });
  try {
    await run(pair, await pair.client());
  } finally {
    await pair.stop();
  }
}

test('a stream and its topic are one, with and without the prefix; a colon is refused or becomes what it should', async () => {
  await withStreams({}, async (_, client) => {
    await client.exchange(['XADD', 'topics:orders', '*', 'value', 'v']);
    assert.equal(await client.exchange(['XLEN', 'orders']), ':1\r\n');
    assert.match(await client.exchange(['XADD', 'app:events', '*', 'value', 'v']), /^-ERR 'app:events' .*":"/);
  });
  await withStreams({ colonAs: '.' }, async (pair, client) => {
    await client.exchange(['XADD', 'app:events', '*', 'value', 'v']);
    assert.equal(pair.kafka.watermarks('app.events', 0).high, 1);
  });
});

test('XADD that Kafka does not confirm in time says that the entry may or may not be there', () =>
  withStreams({ produceTimeoutMs: 2_000 }, async (pair, client) => {
    await client.exchange(['XADD', 's', '*', 'value', 'v']);
    pair.kafka.faults.delivery = () => fault(KafkaCode.messageTimedOut, 'Local: Message timed out');
    assert.equal(
      await client.exchange(['XADD', 's', '*', 'value', 'v']),
      '-ERR not confirmed within 2 s: the entry may or may not be in Kafka\r\n',
    );
  }));

test('autoCreate: false leaves missing topics missing', () =>
  withStreams({ autoCreate: false, plainLists: true }, async (_, client) => {
    for (const write of [
      ['XADD', 's', '*', 'value', 'v'],
      ['RPUSH', 's', 'v'],
      ['PUBLISH', 's', 'v'],
    ])
      assert.match(await client.exchange(write), /^-ERR not written: there is no topic s/);
    assert.equal(await client.exchange(['EXISTS', 's']), ':0\r\n');
  }));

test('XDEL deletes nothing, or refuses with xdel: error; DEL deletes a topic with allowDelete only', async () => {
  await withStreams({}, async (_, client) => {
    const id = (await client.exchange(['XADD', 's', '*', 'value', 'v'])).split('\r\n')[1]!;
    assert.equal(await client.exchange(['XDEL', 's', id]), ':0\r\n');
    assert.match(await client.exchange(['DEL', 's']), /^-/);
    assert.equal(await client.exchange(['XLEN', 's']), ':1\r\n');
  });
  await withStreams({ xdel: 'error', allowDelete: true }, async (_, client) => {
    const id = (await client.exchange(['XADD', 's', '*', 'value', 'v'])).split('\r\n')[1]!;
    assert.match(await client.exchange(['XDEL', 's', id]), /^-ERR .*Kafka cannot delete one record/);
    assert.equal(await client.exchange(['DEL', 's']), ':1\r\n');
    assert.equal(await client.exchange(['EXISTS', 's']), ':0\r\n');
  });
});

test('reads without COUNT, or with a larger one, end at maxRange; of new entries at 100', () =>
  withStreams({ maxRange: 150 }, async (pair, client) => {
    for (let n = 0; n < 300; n++) pair.kafka.seed('s', 0, `n${n}`);
    const entries = (reply: string) => reply.match(/\r\n\d{13}-\d+\r\n/g)?.length;
    assert.equal(entries(await client.exchange(['XRANGE', 's', '-', '+'])), 150);
    assert.equal(entries(await client.exchange(['XREVRANGE', 's', '+', '-', 'COUNT', '1000'])), 150);
    assert.equal(entries(await client.exchange(['XREAD', 'STREAMS', 's', '0'])), 150);
    await client.exchange(['XGROUP', 'CREATE', 's', 'g', '0']);
    const read = ['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '9000', 'STREAMS', 's', '>'];
    const first = entries(await client.exchange(read));
    assert.ok(first !== undefined && first <= 100, String(first));
  }));

test('history beyond the byte budget is read again from Kafka; what Kafka has no more shows as nothing', () =>
  withStreams({ pendingBytes: 0 }, async (pair, client) => {
    for (const value of ['one', 'two']) pair.kafka.seed('s', 0, value);
    await client.exchange(['XGROUP', 'CREATE', 's', 'g', '0']);
    const history = () => client.exchange(['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '0']);
    await eventually(9_000, async () => {
      await client.exchange(['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '100', 'STREAMS', 's', '>']);
      return (await client.exchange(['XPENDING', 's', 'g'])).startsWith('*4\r\n:2\r\n');
    });
    assert.match(await history(), /one[\s\S]*two/);
    await pair.kafka.admin.deleteRecords([{ topic: 's', partition: 0, offset: 1 }]);
    const left = await history();
    assert.doesNotMatch(left, /one/);
    assert.match(left, /-0\r\n\*-1\r\n[\s\S]*two/);
  }));

test('a group without callers and pending entries gives its consumer back after idleMs; the next call joins again', () =>
  withStreams({ idleMs: 1 }, async (pair, client) => {
    pair.kafka.seed('s', 0, 'one');
    await client.exchange(['XGROUP', 'CREATE', 's', 'g', '0']);
    const read = () =>
      client.exchange(['XREADGROUP', 'GROUP', 'g', 'c', 'NOACK', 'BLOCK', '9000', 'STREAMS', 's', '>']);
    assert.match(await read(), /one/);
    await eventually(9_000, () => pair.kafka.consumers.size === 0);
    pair.kafka.seed('s', 0, 'two');
    assert.match(await read(), /two/);
  }));

test('XGROUP SETID goes back and forth; while the group is read in another gateway it is refused, naming who reads', () =>
  withStreams({}, async (pair, client) => {
    for (const topic of ['s', 't']) pair.kafka.seed(topic, 0, 'one');
    await client.exchange(['XGROUP', 'CREATE', 's', 'g', '$']);
    const read = (block: string) =>
      client.exchange(['XREADGROUP', 'GROUP', 'g', 'c', 'NOACK', 'BLOCK', block, 'STREAMS', 's', '>']);
    assert.equal(await read('50'), '*-1\r\n');
    assert.equal(await client.exchange(['XGROUP', 'SETID', 's', 'g', '0']), '+OK\r\n');
    assert.match(await read('9000'), /one/);
    const there = { memberId: 'm', clientId: 'the-other', topics: ['t'], assigned: [] };
    await client.exchange(['XGROUP', 'CREATE', 't', 'g', '0']);
    await pair.kafka.group('g.t').join({ ...there, revoke: async () => {}, assign: async () => {} });
    for (const change of [
      ['XGROUP', 'SETID', 't', 'g', '$'],
      ['XGROUP', 'DESTROY', 't', 'g'],
    ])
      assert.match(await client.exchange(change), /^-ERR .*the-other/);
  }));

test('XTRIM MINID and XGROUP CREATE take an id for its time', () =>
  withStreams({}, async (pair, client) => {
    for (const timestamp of [1_000, 2_000, 3_000]) pair.kafka.seed('s', 0, `at ${timestamp}`, { timestamp });
    await client.exchange(['XGROUP', 'CREATE', 's', 'g', '3000']);
    assert.equal(await client.exchange(['XTRIM', 's', 'MINID', '2000']), ':1\r\n');
    assert.equal(await client.exchange(['XLEN', 's']), ':2\r\n');
    const got = await client.exchange(['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '9000', 'STREAMS', 's', '>']);
    assert.match(got, /at 3000/);
    assert.doesNotMatch(got, /at 2000/);
  }));

test('XREAD behind an id looks back by clockSkewMs in the other partitions, not where the brokers set the time', () =>
  withStreams({ clockSkewMs: 500 }, async (pair, client) => {
    pair.kafka.createTopic('produced', 2);
    pair.kafka.createTopic('appended', 2, { 'message.timestamp.type': 'LogAppendTime' });
    for (const topic of ['produced', 'appended']) {
      pair.kafka.seed(topic, 0, 'known', { timestamp: 10_000 });
      pair.kafka.seed(topic, 1, 'too old', { timestamp: 9_400 });
      pair.kafka.seed(topic, 1, 'slow clock', { timestamp: 9_600 });
      pair.kafka.seed(topic, 1, 'new', { timestamp: 10_001 });
    }
    const read = (topic: string) => client.exchange(['XREAD', 'STREAMS', topic, '10000-0']);
    const values = (reply: string) => reply.match(/known|too old|slow clock|new/g);
    assert.deepEqual(values(await read('produced')), ['slow clock', 'new']);
    assert.deepEqual(values(await read('appended')), ['new']);
  }));

test('a record that comes late, with an older time, is read over any connection, and reading ends', () =>
  withStreams({}, async (pair, client) => {
    pair.kafka.createTopic('s', 2);
    pair.kafka.seed('s', 0, 'known', { timestamp: 10_000 });
    pair.kafka.seed('s', 1, 'early', { timestamp: 9_000 });
    const read = async (reader: RawClient, id: string) => {
      const reply = await reader.exchange(['XREAD', 'STREAMS', 's', id]);
      return { values: reply.match(/known|early|late/g) ?? [], last: reply.match(/\d+-\d+/g)?.at(-1) };
    };
    const first = await read(client, '0');
    assert.deepEqual(first.values, ['early', 'known']);
    pair.kafka.seed('s', 1, 'late', { timestamp: 9_500 });
    const got: string[] = [];
    for (let last = first.last, calls = 0; last; calls++) {
      assert.ok(calls < 10, `it does not end: ${got}`);
      const next = await read(await pair.client(), last);
      got.push(...next.values);
      last = next.last;
    }
    assert.ok(got.includes('late'), String(got));
    assert.deepEqual((await read(client, first.last!)).values, ['late']);
  }));

test('a topic that was made anew is read from its beginning, whatever was read of the one before', () =>
  withStreams({}, async (pair, client) => {
    for (const value of ['one', 'two', 'three']) pair.kafka.seed('s', 0, value, { timestamp: 1_000 });
    const last = (await client.exchange(['XREAD', 'STREAMS', 's', '0'])).match(/\d+-\d+/g)!.at(-1)!;
    await pair.kafka.admin.deleteTopic('s');
    pair.kafka.seed('s', 0, 'again', { timestamp: 2_000 });
    assert.match(await client.exchange(['XREAD', 'STREAMS', 's', last]), /again/);
  }));

test('XREAD + answers the last entry', () =>
  withStreams({}, async (pair, client) => {
    for (const value of ['one', 'two']) pair.kafka.seed('s', 0, value);
    const reply = await client.exchange(['XREAD', 'STREAMS', 's', '+']);
    assert.match(reply, /two/);
    assert.doesNotMatch(reply, /one/);
  }));

test('pub/sub: tombstones are not told; topics that come later are found by their pattern', () =>
  withStreams({}, async (pair, client) => {
    pair.kafka.createTopic('news', 1);
    client.send(['PSUBSCRIBE', 'n*']);
    await client.take('*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:1\r\n');
    pair.kafka.seed('news', 0, null);
    pair.kafka.seed('news', 0, 'hello');
    await client.take('*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n');
    pair.kafka.createTopic('next', 1);
    // Until it is found nothing is heard of it: what is published meanwhile is from before the subscription.
    const publisher = await pair.client();
    await eventually(9_000, async () => {
      await publisher.exchange(['PUBLISH', 'next', 'new']);
      return client.received.includes('next\r\n$3\r\nnew\r\n');
    });
  }));

test('a subscriber that goes while topics are looked for leaves nothing behind', () =>
  withStreams({ idleMs: 1 }, async (pair, client) => {
    const leaving = await pair.client();
    leaving.send(['PSUBSCRIBE', 'n*']);
    await leaving.take('*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:1\r\n');
    pair.kafka.createTopic('news', 1);
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { admin } = pair.kafka;
    const topics = admin.topics.bind(admin);
    let asked = 0;
    admin.topics = async (names) => {
      asked++;
      await answered;
      return topics(names);
    };
    await eventually(9_000, () => asked > 0);
    leaving.close();
    await eventually(5_000, () => pair.server.clientCount === 1);
    answer();
    await pair.kafka.admin.topics();
    assert.equal(await client.exchange(['PING']), '+PONG\r\n');
    await eventually(5_000, () => pair.kafka.consumers.size === 0);
  }));

test('of several channels of which one is refused none is subscribed', () =>
  withStreams({ maxConsumers: 1 }, async (_, client) => {
    assert.match(await client.exchange(['SUBSCRIBE', 'news', 'others']), /^-[A-Z]+ .*consumers/);
    assert.equal(await client.exchange(['PING']), '+PONG\r\n');
    assert.equal(await client.exchange(['UNSUBSCRIBE', 'x']), '*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n');
  }));

test('a subscriber that does not read is cut off', () =>
  withStreams(
    {},
    async (pair, client) => {
      pair.kafka.createTopic('news', 1);
      const deaf = await pair.client();
      deaf.send(['SUBSCRIBE', 'news']);
      await deaf.take('*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n');
      deaf.socket.pause();
      const long = 'x'.repeat(500_000);
      for (let n = 0; pair.server.clientCount > 1 && n < 200; n++) await client.exchange(['PUBLISH', 'news', long]);
      assert.equal(pair.server.clientCount, 1);
      assert.equal(await client.exchange(['PING']), '+PONG\r\n');
    },
    { outputBufferBytes: 1_000_000 },
  ));
