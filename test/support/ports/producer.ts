// The port tests: producing: queue, flush, reports, close.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { KafkaCode, KafkaError } from '../../../src/core/ports.js';
import { readBack } from './read-back.js';
import { bytes, type PortSuite, startOf, texts, timeoutMs, unique } from './suite.js';

const numerically = (a: unknown, b: unknown): number => (a as number) - (b as number);

export function producerTests(suite: PortSuite): void {
  const { test, producing, consuming, topicWith, read } = suite;
  describe('producer', () => {
    test('is not confused by a caller who reuses its buffer', async () => {
      const topic = await topicWith(1);
      const { producer } = await producing();
      const value = bytes('first');
      producer.produce({ topic, partition: 0, key: value, value });
      value.write('again');
      assert.equal(await producer.flush(timeoutMs), true);
      const consumer = await consuming();
      consumer.assign([startOf(topic)]);
      assert.deepEqual(texts(await read(consumer, 1)), ['first']);
    });

    test('refuses what exceeds its queue, and takes more when that has drained', async () => {
      const topic = await topicWith(1);
      const properties = { 'queue.buffering.max.messages': 10, 'linger.ms': 500 };
      const { producer, reports } = await producing({ properties });
      const one = () => producer.produce({ topic, partition: 0, key: null, value: bytes('x') });
      for (let i = 0; i < 10; i++) one();
      assert.throws(one, (error: unknown) => error instanceof KafkaError && error.code === KafkaCode.queueFull);
      assert.equal(await producer.flush(timeoutMs), true);
      one();
      assert.equal(await producer.flush(timeoutMs), true);
      assert.equal(reports.length, 11);
    });

    test('counts records without a partition of their own against its queue as well', async () => {
      const topic = await topicWith(1);
      const properties = { 'queue.buffering.max.messages': 10, 'linger.ms': 500 };
      const { producer, reports } = await producing({ properties });
      const taken: string[] = [];
      const one = () => {
        const text = String(taken.length);
        producer.produce({ topic, key: null, value: bytes(text) }, taken.length);
        taken.push(text);
      };
      assert.throws(
        () => {
          for (let i = 0; i < 5_000; i++) one();
        },
        (error: unknown) => error instanceof KafkaError && error.code === KafkaCode.queueFull,
      );
      assert.equal(taken.length, 10);
      assert.equal(await producer.flush(timeoutMs), true);
      one();
      assert.equal(await producer.flush(timeoutMs), true);
      const got = await readBack(suite, reports);
      assert.deepEqual(
        got.map(({ tag }) => tag).sort(numerically),
        taken.map((_, index) => index),
      );
      for (const { tag, message } of got) assert.equal(String(message.value), taken[tag as number]);
    });

    test('tells of a delivery by itself, nobody having to ask', async () => {
      const topic = await topicWith(1);
      let logged: (offset: number) => void = () => {};
      const { producer } = await producing({ onReport: ({ offset }) => logged(offset) });
      for (let i = 0; i < 20; i++) {
        const report = new Promise<number>((resolve) => {
          logged = resolve;
        });
        producer.produce({ topic, partition: 0, key: null, value: bytes('x') });
        assert.equal(await report, i);
      }
    });

    test('hands each report on once, with its tag, place and time', async () => {
      const topics = [await topicWith(1), await topicWith(2)];
      const { producer, reports } = await producing({ properties: { 'linger.ms': 0 } });
      const before = Date.now();
      const count = 3_000;
      for (let i = 0; i < count; i++) {
        const record = { topic: topics[i % 2]!, partition: i % 4 === 1 ? 1 : 0, key: null, value: bytes('x') };
        // One in three without a tag; reports that arrive meanwhile free slots for later ones.
        producer.produce(record, i % 3 === 0 ? undefined : i);
        if (i % 500 === 499) await producer.flush(timeoutMs);
      }
      assert.equal(await producer.flush(timeoutMs), true);
      assert.equal(reports.length, count);
      const tagged = reports.filter(({ tag }) => tag !== undefined);
      assert.equal(new Set(tagged.map(({ tag }) => tag)).size, count - count / 3);
      for (const { report, tag } of tagged) {
        const i = tag as number;
        assert.equal(report.topic, topics[i % 2]);
        assert.equal(report.partition, i % 4 === 1 ? 1 : 0);
        assert.equal(report.error, undefined);
        assert.ok(report.timestamp === -1 || report.timestamp >= before - 1_000, String(report.timestamp));
      }
      for (const [topic, partition] of [
        [topics[0], 0],
        [topics[1], 0],
        [topics[1], 1],
      ]) {
        const its = reports.filter(({ report }) => report.topic === topic && report.partition === partition);
        const offsets = its.map(({ report }) => report.offset).sort((a, b) => a - b);
        assert.deepEqual(
          offsets,
          offsets.map((_, offset) => offset),
        );
      }
    });

    test('flush tells the truth: all reports are in', async () => {
      const topic = await topicWith(2);
      const { producer, reports } = await producing();
      for (let i = 0; i < 5_000; i++) producer.produce({ topic, key: null, value: bytes('x') });
      assert.equal(await producer.flush(timeoutMs), true);
      assert.equal(reports.length, 5_000);
      assert.equal(await producer.flush(0), true);
    });

    test('flush answers false when time is up', async () => {
      const topic = await topicWith(1);
      const { producer, reports } = await producing();
      for (let i = 0; i < 20_000; i++) producer.produce({ topic, key: null, value: bytes('x') });
      const flushed = await producer.flush(1);
      assert.equal(flushed, reports.length === 20_000);
      assert.equal(await producer.flush(timeoutMs), true);
      assert.equal(reports.length, 20_000);
    });

    test('reports a missing partition', async () => {
      const topic = await topicWith(1);
      const { producer, reports } = await producing({ properties: { 'message.timeout.ms': 5_000 } });
      const produce = () => producer.produce({ topic, partition: 99, key: null, value: bytes('x') }, 'tag');
      try {
        produce();
      } catch (error) {
        assert.equal((error as KafkaError).code, KafkaCode.unknownPartition);
        return;
      }
      await producer.flush(timeoutMs);
      assert.equal(reports[0]?.report.error?.code, KafkaCode.unknownPartition);
      assert.equal(reports[0]?.report.offset, -1);
      assert.equal(reports[0]?.tag, 'tag');
    });

    test('with reports of errors only says nothing of what went well', async () => {
      const topic = await topicWith(1);
      const { producer, reports } = await producing({ reports: 'errors' });
      for (let i = 0; i < 100; i++) producer.produce({ topic, partition: 0, key: null, value: bytes('x') });
      assert.equal(await producer.flush(timeoutMs), true);
      assert.deepEqual(reports, []);
      assert.equal((await suite.kafka.admin.watermarks([{ topic, partition: 0 }]))[0]?.high, 100);
    });

    if (suite.abilities.sizeLimit) {
      test('with reports of errors only reports every failure before flush answers', async () => {
        const topic = unique('small');
        await suite.kafka.admin.createTopic({ name: topic, partitions: 1, config: { 'max.message.bytes': '2000' } });
        const { producer, reports } = await producing({
          reports: 'errors',
          properties: { 'linger.ms': 0, 'batch.num.messages': 1 },
        });
        for (let i = 0; i < 250; i++) producer.produce({ topic, partition: 0, key: null, value: Buffer.alloc(5_000) });
        assert.equal(await producer.flush(timeoutMs), true);
        assert.equal(reports.length, 250);
        assert.equal(reports[0]?.report.error?.code, KafkaCode.messageTooLarge);
        assert.equal(reports[0]?.tag, undefined);
      });
    }

    test('refuses what is larger than it may send', async () => {
      const topic = await topicWith(1);
      const { producer } = await producing();
      const value = Buffer.alloc(suite.kafka.maxMessageBytes + 1_000);
      assert.throws(
        () => producer.produce({ topic, partition: 0, key: null, value }),
        (error: unknown) => error instanceof KafkaError && error.code === KafkaCode.messageTooLarge,
      );
    });

    test('refuses records after close, which may be called twice', async () => {
      const topic = await topicWith(1);
      const { producer, reports } = await producing();
      producer.produce({ topic, partition: 0, key: null, value: bytes('x') });
      await producer.close(timeoutMs);
      assert.equal(reports.length, 1);
      assert.throws(
        () => producer.produce({ topic, partition: 0, key: null, value: bytes('y') }),
        (error: unknown) => error instanceof KafkaError && error.code === KafkaCode.state,
      );
      await producer.close(timeoutMs);
    });
  });
}
