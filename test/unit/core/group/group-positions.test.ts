// What decides where a member begins: the group's commits and the partitions' ends, asked of a cluster that may be half there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { groupPositions, type PositionsContext } from '../../../../src/core/group/group-positions.js';
import { type CommittedOffset, KafkaCode, KafkaError, type TopicPartition } from '../../../../src/core/ports.js';
import { kafkaError, ScriptedConsumer } from '../../../support/port-doubles.js';

const partitions = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
const noLeader = new KafkaError({
  code: KafkaCode.leaderNotAvailable,
  message: 'no leader',
  fatal: false,
  retriable: true,
  abortable: false,
});

function make({ initialOffset = 'newest' as PositionsContext['initialOffset'] } = {}) {
  const consumer = new ScriptedConsumer();
  const state = {
    commits: [] as CommittedOffset[],
    offsetsFault: undefined as KafkaError | undefined,
    marksFault: new Map<number, KafkaError>(),
  };
  const admin = {
    groupOffsets: async () => {
      if (state.offsetsFault) throw state.offsetsFault;
      return state.commits;
    },
    watermarks: async ([{ topic, partition }]: [TopicPartition]) => {
      const broken = state.marksFault.get(partition);
      if (broken) throw broken;
      return [{ topic, partition, low: partition, high: 10 * (partition + 1) }];
    },
  };
  const context = { group: 'g', admin, consumer, initialOffset } as unknown as PositionsContext;
  return { state, consumer, find: () => groupPositions(context, partitions) };
}

describe("a member's positions", () => {
  test('are the commits with their metadata, and the ends of each partition', async () => {
    const { state, find } = make();
    state.commits = [{ topic: 't', partition: 1, offset: 5, metadata: 'ranges' }];
    const found = await find();
    assert.deepEqual(
      found.map(({ partition, committed, marks }) => [partition, committed?.offset, marks.low, marks.high]),
      [
        [0, undefined, 0, 10],
        [1, 5, 1, 20],
        [2, undefined, 2, 30],
      ],
    );
    assert.equal(found[1]!.committed?.metadata, 'ranges');
  });

  test('where only the consumer can be asked for commits, they have no metadata; none is none', async () => {
    const { state, consumer, find } = make();
    state.offsetsFault = kafkaError(KafkaCode.unsupportedFeature);
    consumer.committedOffset = -1001;
    consumer.committedAt.set('t:2', 7);
    const found = await find();
    assert.deepEqual(
      found.map(({ committed }) => committed && [committed.offset, committed.metadata]),
      [undefined, undefined, [7, '']],
    );
  });

  test('another refusal of the commits is an error: beginning without them would repeat or lose messages', async () => {
    const { state, find } = make();
    state.offsetsFault = kafkaError(KafkaCode.topicAuthorizationFailed, 'no READ');
    await assert.rejects(find(), /no READ/);
  });

  test("a partition without a leader does not hold up the others: the group's own position is trusted there", async () => {
    const { state, find } = make({ initialOffset: 'oldest' });
    state.marksFault.set(1, noLeader);
    assert.deepEqual((await find())[1]!.marks, { low: 0, high: Number.MAX_SAFE_INTEGER });
  });

  test('without a leader and without a position to trust, where it begins is unknown: an error to try again', async () => {
    const { state, find } = make();
    state.marksFault.set(1, noLeader);
    await assert.rejects(find(), (error: KafkaError) => error.retriable && /t:1/.test(error.message));
    state.commits = [{ topic: 't', partition: 1, offset: 5, metadata: '' }];
    assert.equal((await find())[1]!.committed?.offset, 5);
  });

  test('no partition has a leader, or one fails for good: an error', async () => {
    const { state, find } = make({ initialOffset: 'oldest' });
    state.marksFault.set(2, kafkaError(KafkaCode.topicAuthorizationFailed, 'no DESCRIBE'));
    await assert.rejects(find(), /no DESCRIBE/);
    for (const { partition } of partitions) state.marksFault.set(partition, noLeader);
    await assert.rejects(find(), /no leader/);
  });
});
