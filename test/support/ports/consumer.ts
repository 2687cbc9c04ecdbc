// The port tests: reading partitions without a group.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { type Message, OFFSET_BEGINNING, OFFSET_END, type TopicPartitionOffset } from '../../../src/core/ports.js';
import { eventually } from '../eventually.js';
import { bytes, type PortSuite, sorted, startOf, texts, timeoutMs } from './suite.js';

export function consumerTests(suite: PortSuite): void {
  const { test, producing, consuming, topicWith, fill, read } = suite;
  describe('consumer', () => {
    test('waits for a first message and then takes what is ready, at most max', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a', 'b', 'c', 'd', 'e']);
      const consumer = await consuming();
      consumer.assign([startOf(topic)]);
      const first = await read(consumer, 1);
      assert.ok(first.length >= 1 && first.length <= 5);
      const rest = first.length < 5 ? await read(consumer, 5 - first.length) : [];
      assert.deepEqual(texts([...first, ...rest]), ['a', 'b', 'c', 'd', 'e']);
      await consumer.seek({ topic, partition: 0, offset: 1 }, timeoutMs);
      const some: Message[] = [];
      await eventually(timeoutMs, async () => {
        const batch = await consumer.poll(2, 200);
        assert.ok(batch.length <= 2);
        some.push(...batch);
        return some.length >= 4;
      });
      assert.deepEqual(texts(some), ['b', 'c', 'd', 'e']);
    });

    test('answers with nothing when time is up', async () => {
      const topic = await topicWith(1);
      const consumer = await consuming();
      consumer.assign([startOf(topic)]);
      assert.deepEqual(await consumer.poll(10, 20), []);
    });

    test('reads from where it is told: offsets, the beginning, the end', async () => {
      const topic = await topicWith(3);
      for (const partition of [0, 1, 2]) await fill(topic, ['a', 'b', 'c'], partition);
      const consumer = await consuming();
      consumer.assign([
        { topic, partition: 0, offset: 2 },
        { topic, partition: 1, offset: OFFSET_BEGINNING },
        { topic, partition: 2, offset: OFFSET_END },
      ]);
      const messages = await read(consumer, 4);
      await eventually(timeoutMs, async () => {
        // A reader from the end may have started late: later messages are read in any case.
        await fill(topic, ['new'], 2);
        messages.push(...(await consumer.poll(10, 500)));
        return messages.some(({ partition }) => partition === 2);
      });
      const of = (wanted: number) => texts(messages.filter(({ partition }) => partition === wanted));
      assert.deepEqual(of(0), ['c']);
      assert.deepEqual(of(1), ['a', 'b', 'c']);
      assert.ok(of(2).every((text) => text === 'new'));
      assert.deepEqual(
        sorted(consumer.assignments()),
        [0, 1, 2].map((partition) => ({ topic, partition })),
      );
    });

    test('tells of the end of a partition when asked to', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a', 'b']);
      const ends: TopicPartitionOffset[] = [];
      const consumer = await consuming({ onEnd: (position) => ends.push(position) });
      consumer.assign([startOf(topic)]);
      await eventually(timeoutMs, async () => {
        await consumer.poll(100, 100);
        return ends.length > 0;
      });
      assert.deepEqual(ends.at(-1), { topic, partition: 0, offset: 2 });
    });

    test('pauses and resumes', async () => {
      const topic = await topicWith(2);
      const consumer = await consuming();
      consumer.assign([startOf(topic, 0), startOf(topic, 1)]);
      consumer.pause([{ topic, partition: 0 }]);
      await fill(topic, ['paused'], 0);
      await fill(topic, ['goes on'], 1);
      assert.deepEqual(texts(await read(consumer, 1)), ['goes on']);
      consumer.resume([{ topic, partition: 0 }]);
      assert.deepEqual(texts(await read(consumer, 1)), ['paused']);
    });

    test('tells watermarks', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a', 'b', 'c']);
      const consumer = await consuming();
      assert.deepEqual(await consumer.watermarks({ topic, partition: 0 }, timeoutMs), { low: 0, high: 3 });
    });

    test('tells one watermark of many partitions at once, without those that there are not', async () => {
      const topic = await topicWith(2);
      await fill(topic, ['a', 'b', 'c'], 1);
      const consumer = await consuming();
      const asked = [0, 1].map((partition) => ({ topic, partition }));
      assert.deepEqual(sorted(await consumer.edges(asked, 'high', timeoutMs)), [
        { topic, partition: 0, offset: 0 },
        { topic, partition: 1, offset: 3 },
      ]);
      assert.deepEqual(sorted(await consumer.edges(asked, 'low', timeoutMs)), [
        { topic, partition: 0, offset: 0 },
        { topic, partition: 1, offset: 0 },
      ]);
      const some = await consumer.edges([asked[1]!, { topic, partition: 77 }], 'high', timeoutMs);
      assert.deepEqual(some, [{ topic, partition: 1, offset: 3 }]);
    });

    test('tells what its properties say of a group without a position', async () => {
      for (const [reset, policy] of [
        ['smallest', 'earliest'],
        ['latest', 'latest'],
        ['error', 'error'],
      ] as const)
        assert.equal((await consuming({ properties: { 'auto.offset.reset': reset } })).startPolicy, policy);
    });

    test('finds the first offset of a time or later, also where times do not grow', async () => {
      const topic = await topicWith(1);
      const { producer } = await producing();
      for (const timestamp of [1_000, 3_000, 2_000, 4_000]) {
        producer.produce({ topic, partition: 0, key: null, value: bytes('x'), timestamp });
      }
      assert.equal(await producer.flush(timeoutMs), true);
      const consumer = await consuming();
      const at = async (time: number) =>
        (await consumer.offsetsForTimes([{ topic, partition: 0, offset: time }], timeoutMs))[0]?.offset;
      assert.equal(await at(1_500), 1);
      assert.equal(await at(2_000), 1);
      assert.equal(await at(3_001), 3);
      assert.equal(await at(4_001), OFFSET_END);
    });
  });
}
