// The port tests: transactions, fencing and their visibility to readers.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { KafkaCode, KafkaError, type Producer, type Properties } from '../../../src/core/ports.js';
import { eventually } from '../eventually.js';
import { bytes, type PortSuite, startOf, texts, timeoutMs, unique } from './suite.js';

export function transactionsTests(suite: PortSuite): void {
  const { test, producing, consuming, topicWith, read } = suite;
  describe('transactions', () => {
    const transactional = (transactionalId: string, properties: Properties = {}) =>
      producing({ properties: { ...properties, 'transactional.id': transactionalId } });
    const produce = (producer: Producer, topic: string, value: string) =>
      producer.produce({ topic, partition: 0, key: null, value: bytes(value) });

    test('commit', async () => {
      const topic = await topicWith(1);
      const { producer } = await transactional(unique('tx'));
      await producer.initTransactions(timeoutMs);
      await producer.beginTransaction();
      produce(producer, topic, 'a');
      await producer.commitTransaction(timeoutMs);
      const consumer = await consuming();
      consumer.assign([startOf(topic)]);
      assert.deepEqual(texts(await read(consumer, 1)), ['a']);
    });

    if (suite.abilities.isolation) {
      test('what was aborted, or is still open, is not read', async () => {
        const topic = await topicWith(1);
        const { producer } = await transactional(unique('tx'));
        await producer.initTransactions(timeoutMs);
        await producer.beginTransaction();
        produce(producer, topic, 'aborted');
        await producer.flush(timeoutMs);
        await producer.abortTransaction(timeoutMs);
        await producer.beginTransaction();
        produce(producer, topic, 'committed');
        await producer.commitTransaction(timeoutMs);
        await producer.beginTransaction();
        produce(producer, topic, 'open');
        await producer.flush(timeoutMs);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        assert.deepEqual(texts(await read(consumer, 1)), ['committed']);
        const all = await consuming({ properties: { 'isolation.level': 'read_uncommitted' } });
        all.assign([startOf(topic)]);
        assert.deepEqual(texts(await read(all, 3)), ['aborted', 'committed', 'open']);
        const { admin } = suite.kafka;
        const [end] = await admin.edges([{ topic, partition: 0 }], 'high');
        const [mark] = await admin.watermarks([{ topic, partition: 0 }]);
        assert.ok(end!.offset > mark!.high, `${end!.offset}: what is open counts, unlike in ${mark!.high}`);
        assert.deepEqual(await admin.edges([{ topic, partition: 0 }], 'low'), [{ topic, partition: 0, offset: 0 }]);
        await producer.abortTransaction(timeoutMs);
      });

      test('a producer that was taken over from is fenced', async () => {
        const topic = await topicWith(1);
        const id = unique('tx');
        const { producer: old } = await transactional(id);
        await old.initTransactions(timeoutMs);
        await old.beginTransaction();
        produce(old, topic, 'old');
        await old.flush(timeoutMs);
        const { producer: successor } = await transactional(id);
        await successor.initTransactions(timeoutMs);
        const isFatal = (error: unknown) => error instanceof KafkaError && error.fatal;
        await assert.rejects(old.commitTransaction(timeoutMs), isFatal);
        await assert.rejects(old.beginTransaction(), isFatal);
        assert.throws(() => produce(old, topic, 'never'), isFatal);
        await successor.beginTransaction();
        produce(successor, topic, 'new');
        await successor.commitTransaction(timeoutMs);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        assert.deepEqual(texts(await read(consumer, 1)), ['new']);
      });
    }

    test('an abort drops what is still queued, and says so', async () => {
      const topic = await topicWith(1);
      // Because it lingers, it cannot have left when the abort comes.
      const { producer, reports } = await transactional(unique('tx'), { 'linger.ms': timeoutMs });
      await producer.initTransactions(timeoutMs);
      await producer.beginTransaction();
      produce(producer, topic, 'queued');
      await producer.abortTransaction(timeoutMs);
      await eventually(timeoutMs, () => reports.length === 1);
      assert.equal(reports[0]?.report.error?.code, KafkaCode.purgeQueue);
    });

    test('closing waits for a pending call', async () => {
      const { producer } = await transactional(unique('tx'));
      let isAnswered = false;
      const pending = producer
        .initTransactions(timeoutMs)
        .catch(() => undefined)
        .then(() => {
          isAnswered = true;
        });
      await producer.close(timeoutMs);
      assert.ok(isAnswered);
      await pending;
    });

    test('out of order are refused', async () => {
      const { producer } = await transactional(unique('tx'));
      await producer.initTransactions(timeoutMs);
      await assert.rejects(producer.commitTransaction(timeoutMs), KafkaError);
      await producer.beginTransaction();
      await assert.rejects(producer.beginTransaction(), KafkaError);
      await producer.abortTransaction(timeoutMs);
    });
  });
}
