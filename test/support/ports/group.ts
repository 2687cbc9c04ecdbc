// The port tests: groups: offsets, rebalances, membership.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { type Consumer, KafkaCode, KafkaError, type KafkaFault, OFFSET_NONE } from '../../../src/core/ports.js';
import { eventually } from '../eventually.js';
import { type PortSuite, sorted, texts, timeoutMs, unique } from './suite.js';

export function groupTests(suite: PortSuite): void {
  const { test, consuming, topicWith, fill, partitionsOf, read } = suite;
  describe('group', () => {
    test('stored offsets are committed by close, and the next member goes on from there', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a', 'b', 'c']);
      const groupId = unique('group');
      const consumer = await consuming({ groupId });
      consumer.subscribe([topic]);
      assert.deepEqual(texts(await read(consumer, 3)), ['a', 'b', 'c']);
      consumer.storeOffset({ topic, partition: 0, offset: 2 });
      await consumer.close(timeoutMs);

      const next = await consuming({ groupId });
      const [committed] = await next.committed([{ topic, partition: 0 }], timeoutMs);
      assert.equal(committed?.offset, 2);
      next.subscribe([topic]);
      assert.deepEqual(texts(await read(next, 1)), ['c']);
    });

    test('stored offsets are committed before long without a close', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a']);
      const groupId = unique('group');
      const consumer = await consuming({ groupId, properties: { 'auto.commit.interval.ms': 50 } });
      consumer.subscribe([topic]);
      await read(consumer, 1);
      consumer.storeOffset({ topic, partition: 0, offset: 1 });
      await eventually(timeoutMs, async () => {
        const [committed] = await consumer.committed([{ topic, partition: 0 }], timeoutMs);
        return committed?.offset === 1;
      });
    });

    test('what was only read is not committed', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a']);
      const groupId = unique('group');
      const consumer = await consuming({ groupId });
      consumer.subscribe([topic]);
      await read(consumer, 1);
      await consumer.close(timeoutMs);
      const next = await consuming({ groupId });
      assert.equal((await next.committed([{ topic, partition: 0 }], timeoutMs))[0]?.offset, OFFSET_NONE);
    });

    test('commits at once when told, also backwards', async () => {
      const topic = await topicWith(2);
      const groupId = unique('group');
      const consumer = await consuming({ groupId });
      consumer.subscribe([topic]);
      await eventually(timeoutMs, async () => {
        await consumer.poll(1, 100);
        return consumer.assignments().length === partitionsOf(2);
      });
      const commit = async (offset: number) => {
        await consumer.commit([{ topic, partition: 1, offset }]);
        return consumer.committed(
          [0, 1].map((partition) => ({ topic, partition })),
          timeoutMs,
        );
      };
      assert.deepEqual(
        (await commit(7)).map(({ offset }) => offset),
        [OFFSET_NONE, 7],
      );
      assert.deepEqual(
        (await commit(3)).map(({ offset }) => offset),
        [OFFSET_NONE, 3],
      );
    });

    test('who has not joined commits for a group that has no members, and not for one that has', async () => {
      const topic = await topicWith(1);
      const groupId = unique('group');
      const places = [{ topic, partition: 0 }];
      const outsider = await consuming({ groupId });
      assert.equal((await outsider.committed(places, timeoutMs))[0]?.offset, OFFSET_NONE);
      await outsider.commit([{ topic, partition: 0, offset: 1 }]);
      const member = await consuming({ groupId });
      assert.equal((await member.committed(places, timeoutMs))[0]?.offset, 1);
      member.subscribe([topic]);
      await eventually(timeoutMs, async () => {
        await member.poll(1, 100);
        return member.assignments().length === partitionsOf(1);
      });
      await assert.rejects(outsider.commit([{ topic, partition: 0, offset: 2 }]), KafkaError);
      assert.equal((await member.committed(places, timeoutMs))[0]?.offset, 1);
    });

    test('storing for a partition of somebody else is refused', async () => {
      const topic = await topicWith(1);
      const consumer = await consuming({ groupId: unique('group') });
      consumer.subscribe([topic]);
      assert.throws(
        () => consumer.storeOffset({ topic: unique('other'), partition: 0, offset: 1 }),
        (error: unknown) =>
          error instanceof KafkaError && (error.code === KafkaCode.state || error.code === KafkaCode.unknownPartition),
      );
    });

    test('members share partitions, and take over from one that leaves', async () => {
      const topic = await topicWith(4);
      const groupId = unique('group');
      const first = await consuming({ groupId });
      first.subscribe([topic]);
      await eventually(timeoutMs, async () => {
        await first.poll(1, 100);
        return first.assignments().length === 4;
      });
      const second = await consuming({ groupId });
      second.subscribe([topic]);
      await eventually(timeoutMs, async () => {
        await Promise.all([first.poll(1, 100), second.poll(1, 100)]);
        return first.assignments().length === 2 && second.assignments().length === 2;
      });
      const all = sorted([...first.assignments(), ...second.assignments()]);
      assert.deepEqual(
        all,
        [0, 1, 2, 3].map((partition) => ({ topic, partition })),
      );
      await first.close(timeoutMs);
      await eventually(timeoutMs, async () => {
        await second.poll(1, 100);
        return second.assignments().length === 4;
      });
    });

    test('tells how far polls have come, and that a partition which went and came back is begun anew', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a', 'b', 'c']);
      const groupId = unique('group');
      const places = [{ topic, partition: 0 }];
      const first = await consuming({ groupId });
      first.subscribe([topic]);
      assert.equal(first.positions(places)[0]?.offset, OFFSET_NONE);
      await read(first, 3);
      assert.deepEqual(first.positions(places), [{ topic, partition: 0, offset: 3 }]);
      await first.seek({ topic, partition: 0, offset: 1 }, timeoutMs);
      assert.equal(first.positions(places)[0]?.offset, OFFSET_NONE);
      await read(first, 2);
      const second = await consuming({ groupId });
      second.subscribe([topic]);
      // The embedded Kafka's protocol revokes partitions one by one: this one stays.
      if (!suite.abilities.admin) return;
      await eventually(timeoutMs, () => first.positions(places)[0]?.offset !== 3);
      await second.close(timeoutMs);
    });

    test('a member that has its say chooses where to start, and commits while it gives back', async () => {
      const topic = await topicWith(2);
      await fill(topic, ['a', 'b', 'c'], 0);
      const groupId = unique('group');
      const calls: string[] = [];
      const consumer: Consumer = await consuming({
        groupId,
        // Not for a member with a rebalance callback: it receives whole assignments.
        properties: { 'partition.assignment.strategy': 'cooperative-sticky' },
        rebalance: {
          async assigned(partitions) {
            calls.push(`assigned ${partitions.length}`);
            return [{ topic, partition: 0, offset: 1 }];
          },
          async revoked(partitions, lost) {
            calls.push(`revoked ${partitions.length} ${lost}`);
            await consumer.commit([{ topic, partition: 0, offset: 2 }]);
          },
        },
      });
      consumer.subscribe([topic]);
      assert.deepEqual(texts(await read(consumer, 2)), ['b', 'c']);
      await consumer.close(timeoutMs);
      assert.deepEqual(calls, [`assigned ${partitionsOf(2)}`, `revoked ${partitionsOf(2)} false`]);
      const next = await consuming({ groupId });
      assert.equal((await next.committed([{ topic, partition: 0 }], timeoutMs))[0]?.offset, 2);
    });

    test('a topic that is missing is told as a fault, and read once it is there', async () => {
      const topic = unique('late');
      const faults: KafkaFault[] = [];
      const properties = { 'allow.auto.create.topics': false, 'topic.metadata.refresh.interval.ms': 500 };
      const consumer = await consuming({
        groupId: unique('group'),
        properties,
        onFault: (fault) => faults.push(fault),
      });
      consumer.subscribe([topic]);
      // The embedded Kafka creates the topic instead.
      await eventually(timeoutMs, async () => {
        await consumer.poll(1, 100);
        if (!suite.abilities.admin) return (await suite.kafka.admin.topics([topic])).length > 0;
        return faults.some(({ code }) => code === KafkaCode.unknownTopicOrPartition);
      });
      if (suite.abilities.admin) await suite.kafka.admin.createTopic({ name: topic, partitions: 1 });
      await fill(topic, ['there'], 0);
      assert.deepEqual(texts(await read(consumer, 1)), ['there']);
    });

    test('a consumer without a group cannot commit', async () => {
      const topic = await topicWith(1);
      const consumer = await consuming();
      await assert.rejects(consumer.commit([{ topic, partition: 0, offset: 1 }]), KafkaError);
    });

    test('everything is refused after close, which may be called twice', async () => {
      const consumer = await consuming({ groupId: unique('group') });
      await consumer.close(timeoutMs);
      await consumer.close(timeoutMs);
      assert.throws(() => consumer.subscribe(['t']), KafkaError);
      assert.deepEqual(await consumer.poll(1, 1_000), []);
    });
  });
}
