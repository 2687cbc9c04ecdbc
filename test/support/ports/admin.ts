// The port tests: admin requests.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { KafkaError, type TopicPartition } from '../../../src/core/ports.js';
import { eventually } from '../eventually.js';
import { type PortSuite, timeoutMs, unique } from './suite.js';

export function adminTests(suite: PortSuite): void {
  const { test, consuming, topicWith, fill } = suite;
  describe('admin', () => {
    test('lists topics and never creates one', async () => {
      const topic = await topicWith(1);
      const missing = unique('missing');
      const all = await suite.kafka.admin.topics();
      assert.ok(all.some(({ name }) => name === topic));
      assert.deepEqual(
        (await suite.kafka.admin.topics([topic, missing])).map(({ name }) => name),
        [topic],
      );
      assert.deepEqual(await suite.kafka.admin.topics([missing]), []);
    });

    test('tells watermarks of many partitions', async () => {
      const topic = await topicWith(2);
      await fill(topic, ['a', 'b'], 1);
      const asked: TopicPartition[] = [0, 1].map((partition) => ({ topic, partition }));
      assert.deepEqual(await suite.kafka.admin.watermarks(asked), [
        { topic, partition: 0, low: 0, high: 0 },
        { topic, partition: 1, low: 0, high: 2 },
      ]);
    });

    if (!suite.abilities.admin) {
      test('keeps the positions that groups are given', async () => {
        const [topic, group] = [unique('kept'), unique('group')];
        await suite.kafka.admin.createTopic({ name: topic, partitions: 1 });
        await suite.kafka.admin.commitGroupOffsets(group, [{ topic, partition: 0, offset: 0, metadata: '' }]);
        assert.ok((await suite.kafka.admin.groups()).includes(group));
        const [kept] = await suite.kafka.admin.groupOffsets(group, [{ topic, partition: 0 }]);
        assert.equal(kept?.offset, 0);
      });
      test('forgets positions that are deleted, until others are given', async () => {
        const [topic, group] = [unique('forgotten'), unique('group')];
        const { admin } = suite.kafka;
        await admin.createTopic({ name: topic, partitions: 1 });
        await suite.fill(topic, ['a', 'b']);
        const places = [{ topic, partition: 0 }];
        const give = (offset: number) =>
          admin.commitGroupOffsets(group, [{ topic, partition: 0, offset, metadata: '' }]);
        await give(1);
        await admin.deleteGroupOffsets(group, places);
        assert.deepEqual(await admin.groupOffsets(group, places), []);
        for (const offset of [1, 2]) {
          await give(offset);
          assert.equal((await admin.groupOffsets(group, places))[0]?.offset, offset);
        }
      });
      test('says what it cannot do', async () => {
        await assert.rejects(suite.kafka.admin.deleteTopic('t'), /not supported/);
        await assert.rejects(suite.kafka.admin.topicConfigs(['t']), /not supported/);
        await assert.rejects(suite.kafka.admin.deleteRecords([]), /not supported/);
      });
      return;
    }

    test('creates and deletes topics, with settings', async () => {
      const topic = unique('made');
      await suite.kafka.admin.createTopic({ name: topic, partitions: 3, config: { 'retention.ms': '12345678' } });
      const again = suite.kafka.admin.createTopic({ name: topic, partitions: 3 });
      await assert.rejects(again, (error: unknown) => error instanceof KafkaError && error.code === 36);
      await eventually(timeoutMs, async () => (await suite.kafka.admin.topics([topic]))[0]?.partitions.length === 3);
      const settings = (await suite.kafka.admin.topicConfigs([topic])).get(topic);
      assert.deepEqual(settings?.get('retention.ms'), { value: '12345678', overridden: true });
      await suite.kafka.admin.deleteTopic(topic);
      await eventually(timeoutMs, async () => (await suite.kafka.admin.topics([topic])).length === 0);
      await assert.rejects(suite.kafka.admin.deleteTopic(topic), KafkaError);
    });

    test('a topic made anew has another identity', async () => {
      const topic = await topicWith(1);
      const before = await suite.kafka.admin.identity([topic, unique('missing')]);
      assert.equal(before.topicIds.size, 1);
      await suite.kafka.admin.deleteTopic(topic);
      await eventually(timeoutMs, async () => (await suite.kafka.admin.topics([topic])).length === 0);
      await suite.kafka.admin.createTopic({ name: topic, partitions: 1 });
      const afterwards = await suite.kafka.admin.identity([topic]);
      assert.equal(afterwards.clusterId, before.clusterId);
      assert.notEqual(afterwards.topicIds.get(topic), before.topicIds.get(topic));
    });

    test('gives a topic more partitions', async () => {
      const topic = await topicWith(1);
      await suite.kafka.admin.createPartitions(topic, 3);
      await eventually(timeoutMs, async () => (await suite.kafka.admin.topics([topic]))[0]?.partitions.length === 3);
      await assert.rejects(suite.kafka.admin.createPartitions(topic, 2), KafkaError);
    });

    test('keeps the positions -1 and -2 as they are', async () => {
      const [topic, group] = [await topicWith(2), unique('group')];
      const positions = [-1, -2].map((offset, partition) => ({ topic, partition, offset, metadata: 'm' }));
      await suite.kafka.admin.commitGroupOffsets(group, positions);
      assert.deepEqual(await suite.kafka.admin.groupOffsets(group, positions), positions);
    });

    test('deletes a group without members', async () => {
      const [topic, group] = [await topicWith(1), unique('group')];
      await suite.kafka.admin.commitGroupOffsets(group, [{ topic, partition: 0, offset: 0, metadata: '' }]);
      await suite.kafka.admin.deleteGroup(group);
      assert.ok(!(await suite.kafka.admin.groups()).includes(group));
      await assert.rejects(suite.kafka.admin.deleteGroup(group), KafkaError);
    });

    test('deletes records', async () => {
      const topic = await topicWith(1);
      await fill(topic, ['a', 'b', 'c']);
      await suite.kafka.admin.deleteRecords([{ topic, partition: 0, offset: 2 }]);
      assert.deepEqual(await suite.kafka.admin.watermarks([{ topic, partition: 0 }]), [
        { topic, partition: 0, low: 2, high: 3 },
      ]);
    });

    test('commits for a group without members, with metadata; reads and deletes that', async () => {
      const topic = await topicWith(2);
      const groupId = unique('group');
      const asked = [0, 1].map((partition) => ({ topic, partition }));
      await suite.kafka.admin.commitGroupOffsets(groupId, [{ topic, partition: 1, offset: 5, metadata: 'mét;a' }]);
      const committed = { topic, partition: 1, offset: 5, metadata: 'mét;a' };
      assert.deepEqual(await suite.kafka.admin.groupOffsets(groupId, asked), [committed]);
      const consumer = await consuming({ groupId });
      assert.equal((await consumer.committed([{ topic, partition: 1 }], timeoutMs))[0]?.offset, 5);
      await suite.kafka.admin.deleteGroupOffsets(groupId, [{ topic, partition: 1 }]);
      assert.deepEqual(await suite.kafka.admin.groupOffsets(groupId, asked), []);
    });

    // `consumer` is Kafka 4's (KIP-848).
    for (const protocol of ['classic', 'consumer'])
      test(`describes groups of the ${protocol} protocol with members and their partitions`, async () => {
        const topic = await topicWith(2);
        const groupId = unique('group');
        const consumer = await consuming({ groupId, clientId: 'me', properties: { 'group.protocol': protocol } });
        consumer.subscribe([topic]);
        await eventually(timeoutMs, async () => {
          await consumer.poll(1, 100);
          return consumer.assignments().length === 2;
        });
        assert.ok((await suite.kafka.admin.groups()).includes(groupId));
        const [group, unknown] = await suite.kafka.admin.describeGroups([groupId, unique('nobody')]);
        assert.equal(group?.state, 'STABLE');
        assert.deepEqual(
          group?.members.map(({ clientId }) => clientId),
          ['me'],
        );
        assert.deepEqual([...(group?.members[0]?.assignments.get(topic) ?? [])].sort(), [0, 1]);
        assert.deepEqual(unknown, { ...unknown, state: 'DEAD', members: [] });
        const foreign = suite.kafka.admin.commitGroupOffsets(groupId, [
          { topic, partition: 0, offset: 1, metadata: '' },
        ]);
        await assert.rejects(foreign, KafkaError);
      });
  });
}
