// Commands of very many arguments: their work grows with them, not with their square, and what costs Kafka something has a bound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../support/eventually.js';
import { FakeConsumer } from '../../../support/fake/consumer.js';
import { RespPair } from '../../../support/resp-pair.js';

const key = 'topics:t:{"auto.offset.reset":"earliest"}';

async function withPair(settings: Record<string, unknown>, body: (pair: RespPair) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({ settings });
  try {
    await body(pair);
  } finally {
    await pair.stop();
  }
}

test('acks of 40,000 partitions in one command: the assignment is looked at a few times, not for each', async (t) => {
  const looks = t.mock.method(FakeConsumer.prototype, 'assignments');
  await withPair({}, async (pair) => {
    pair.kafka.seed('t', 0, 'the message');
    const client = await pair.client();
    await client.exchange(['CLIENT', 'SETNAME', 'g:a']);
    assert.match(await client.exchange(['BLPOP', key, '5']), /^\*8/);
    const before = looks.mock.callCount();
    const acks = Array.from({ length: 40_000 }, (_, partition) => `t:${partition + 10}:0`);
    assert.match(await client.exchange(['RPUSH', 'acks', ...acks]), /^-CONS Partition t:10 is not assigned/);
    assert.ok(looks.mock.callCount() - before < 500, `${looks.mock.callCount() - before} looks`);
    // A comparison of each with each other would take minutes.
    const same = Array.from({ length: 50_000 }, (_, index) => `t${index}:0:0`);
    assert.match(await client.exchange(['RPUSH', 'acks', ...same]), /^-CONS Partition t0:0 is not assigned/);
    assert.equal(
      await client.exchange(['RPUSH', 'acks', ...Array.from({ length: 50_000 }, () => 't:0:0')]),
      ':50000\r\n',
    );
  });
});

test('BLPOP of 60,000 topics is refused: a consumer reads 1,000', () =>
  withPair({}, async (pair) => {
    const client = await pair.client();
    await client.exchange(['CLIENT', 'SETNAME', 'g:a']);
    const topics = Array.from({ length: 60_000 }, (_, index) => `t${index}`);
    const refused = (reads: number): string =>
      `-CONS A consumer reads 1000 topics at most, not ${reads}: use more connections\r\n`;
    assert.equal(await client.exchange(['BLPOP', `topics:${topics.join(',')}`, '1']), refused(60_000));
    assert.equal(await client.exchange(['BLPOP', ...topics.map((topic) => `topics:${topic}`), '1']), refused(1_001));
    const most = topics.slice(0, 1_000);
    for (const topic of most.slice(0, 1)) pair.kafka.seed(topic, 0, 'the message');
    const many = most.map((topic, index) => `topics:${topic}:{"client.rack":"r${index}"}`);
    assert.match(await client.exchange(['BLPOP', ...many, '1']), /^(\*8|\*-1|-CONS)/);
  }));

test('XREAD and XREADGROUP of more than 1,000 streams are refused; one that is named 1,000 times is looked up once', (t) =>
  withPair({}, async (pair) => {
    const client = await pair.client();
    const some = (count: number, value: string): string[] => Array.from({ length: count }, () => value);
    assert.match(
      await client.exchange(['XREAD', 'STREAMS', ...some(20_000, 't'), ...some(20_000, '0')]),
      /^-ERR XREAD reads 1000 streams at most, not 20000\r\n/,
    );
    await client.exchange(['XGROUP', 'CREATE', 't', 'g', '0', 'MKSTREAM']);
    for (let index = 0; index < 3; index++) await client.exchange(['XADD', 't', '*', 'f', `value ${index}`]);
    const read = ['XREADGROUP', 'GROUP', 'g', 'm'];
    const asked = t.mock.method(pair.kafka.admin, 'groupOffsets');
    await client.exchange([...read, 'STREAMS', ...some(1_000, 't'), ...some(1_000, '0')]);
    assert.ok(asked.mock.callCount() < 10, `${asked.mock.callCount()} questions about the group`);
    assert.match(await client.exchange([...read, 'BLOCK', '5000', 'COUNT', '3', 'STREAMS', 't', '>']), /value/);
    assert.match(
      await client.exchange([...read, 'STREAMS', ...some(20_000, 't'), ...some(20_000, '0')]),
      /^-ERR XREADGROUP reads 1000 streams at most, not 20000\r\n/,
    );
    const reply = await client.exchange([...read, 'STREAMS', ...some(1_000, 't'), ...some(1_000, '0')]);
    assert.ok(reply.startsWith('*1000\r\n'));
  }));

test('a connection listens to 1,000 patterns: all topics are held against each of them every few seconds', () =>
  withPair({}, async (pair) => {
    const client = await pair.client();
    await client.exchange(['HELLO', '3']);
    const patterns = Array.from({ length: 1_001 }, (_, index) => `p${index}-*`);
    assert.match(await client.exchange(['PSUBSCRIBE', ...patterns]), /^-ERR a connection listens to 1000 channels/);
    assert.match(await client.exchange(['PSUBSCRIBE', ...patterns.slice(1)]), /^>3/);
    assert.match(await client.exchange(['PUNSUBSCRIBE', ...patterns]), /^>3/);
  }));

test('CLIENT LIST and CLIENT KILL of very many ids look at each connection once', () =>
  withPair({ maxArgs: 1_000_000 }, async (pair) => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => pair.client()));
    await eventually(10_000, () => pair.server.clientCount === 50);
    const ids = Array.from({ length: 60_000 }, (_, index) => String(index + 1));
    const lines = await clients[0]!.exchange(['CLIENT', 'LIST', 'ID', ...ids]);
    assert.equal(lines.match(/id=/g)?.length, 50);
  }));
