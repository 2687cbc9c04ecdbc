// The port tests: the contents of records and messages.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { readBack } from './read-back.js';
import { bytes, type PortSuite, startOf, texts, timeoutMs } from './suite.js';

export function recordsTests(suite: PortSuite): void {
  const { test, producing, consuming, topicWith, read } = suite;
  describe('records', () => {
    test('tell null and empty apart, for key and value', async () => {
      const topic = await topicWith(1);
      const { producer } = await producing();
      const empty = Buffer.alloc(0);
      const variants = [null, empty, bytes('x')];
      for (const key of variants) for (const value of variants) producer.produce({ topic, partition: 0, key, value });
      assert.equal(await producer.flush(timeoutMs), true);
      const consumer = await consuming();
      consumer.assign([startOf(topic)]);
      const pairs = (await read(consumer, 9)).map(({ key, value }) => [key, value]);
      assert.deepEqual(
        pairs,
        variants.flatMap((key) => variants.map((value) => [key, value])),
      );
    });

    test('keep key, value and order on their way in packs: plain ones, large ones and ones with headers, of two topics', async () => {
      const topics = [await topicWith(2), await topicWith(1)];
      const { producer, reports } = await producing();
      const large = 40_000;
      const keys = [null, Buffer.alloc(0), bytes('key'), Buffer.from([0, 255, 10, 13])];
      const values = [null, Buffer.alloc(0), bytes('value'), Buffer.alloc(large, 'v')];
      const sent = Array.from({ length: 2_000 }, (_, i) => ({
        topic: topics[i % 7 === 0 ? 1 : 0]!,
        key: keys[i % 4]!,
        value: i % 97 === 0 ? values[3]! : values[i % 3]!,
        headers: i % 5 === 0 ? [{ key: 'n', value: bytes(String(i)) }] : [],
      }));
      for (const [i, record] of sent.entries()) {
        producer.produce(record, i);
        // Some in one turn of the event loop, some in the next.
        if (i % 300 === 299) await producer.flush(timeoutMs);
      }
      assert.equal(await producer.flush(timeoutMs), true);
      assert.deepEqual(new Set(reports.map(({ tag }) => tag)), new Set(sent.keys()));
      const got = await readBack(suite, reports);
      assert.equal(got.length, sent.length);
      for (const { tag, message } of got) {
        const { key, value, headers } = sent[tag as number]!;
        assert.deepEqual(
          [message.key, message.value, message.headers.map((header) => header.value)],
          [key, value, headers.map((header) => header.value)],
        );
      }
    });

    test('carry headers: every byte, null, empty, repeats, in order', async () => {
      const topic = await topicWith(1);
      const { producer } = await producing();
      const headers = [
        { key: 'all', value: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
        { key: 'null', value: null },
        { key: 'empty', value: Buffer.alloc(0) },
        { key: 'twice', value: bytes('1') },
        { key: 'twice', value: bytes('2') },
        { key: '7', value: bytes('a key like an index') },
        { key: '__proto__', value: bytes('p') },
        { key: 'é☃', value: bytes('é☃') },
      ];
      producer.produce({ topic, partition: 0, key: null, value: bytes('with'), headers });
      producer.produce({ topic, partition: 0, key: null, value: bytes('without') });
      assert.equal(await producer.flush(timeoutMs), true);
      const consumer = await consuming();
      consumer.assign([startOf(topic)]);
      const [first, second] = await read(consumer, 2);
      assert.deepEqual(
        first?.headers.map(({ key, value }) => ({ key, value })),
        headers,
      );
      assert.deepEqual(second?.headers, []);
    });

    test('keep their order and timestamps; offsets are dense', async () => {
      const topic = await topicWith(1);
      const { producer, reports } = await producing();
      const count = 1_000;
      for (let i = 0; i < count; i++) {
        producer.produce({ topic, partition: 0, key: null, value: bytes(String(i)), timestamp: 1_000_000 + i }, i);
      }
      assert.equal(await producer.flush(timeoutMs), true);
      assert.deepEqual(
        reports.map(({ tag }) => tag),
        Array.from({ length: count }, (_, i) => i),
      );
      assert.deepEqual(
        reports.map(({ report }) => report.offset),
        Array.from({ length: count }, (_, i) => i),
      );
      const consumer = await consuming();
      consumer.assign([startOf(topic)]);
      const messages = await read(consumer, count);
      assert.deepEqual(
        texts(messages),
        Array.from({ length: count }, (_, i) => String(i)),
      );
      assert.deepEqual(
        messages.map(({ offset }) => offset),
        Array.from({ length: count }, (_, i) => i),
      );
      assert.equal(messages[7]?.timestamp, 1_000_007);
    });

    test('with equal keys go to one partition', async () => {
      const topic = await topicWith(4);
      const { producer, reports } = await producing();
      for (let i = 0; i < 20; i++) producer.produce({ topic, key: bytes('k'), value: bytes(String(i)) });
      assert.equal(await producer.flush(timeoutMs), true);
      assert.equal(new Set(reports.map(({ report }) => report.partition)).size, 1);
      assert.equal(reports.length, 20);
    });
  });
}
