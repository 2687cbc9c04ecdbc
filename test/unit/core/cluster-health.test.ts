import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterHealth } from '../../../src/core/cluster-health.js';
import type { Admin, TopicMetadata } from '../../../src/core/ports.js';
import { ManualClock } from '../../support/clock.js';

const partition = (partition: number, leader: number, isrs: number[], replicas = [1, 2, 3]) => ({
  partition,
  leader,
  replicas,
  isrs,
});

function setUp(topics: TopicMetadata[], least = 2) {
  const clock = new ManualClock();
  const state = { topics, down: [] as number[], hasQuorum: true as boolean | undefined, looks: 0 };
  const admin = {
    async topics() {
      state.looks += 1;
      return state.topics;
    },
    brokers: async () => [1, 2, 3].map((id) => ({ id, address: `b${id}:9092`, isUp: !state.down.includes(id) })),
    hasQuorum: async () => state.hasQuorum,
    topicConfigs: async (names: readonly string[]) =>
      new Map(
        names.map((name) => [name, new Map([['min.insync.replicas', { value: String(least), overridden: false }]])]),
      ),
  } as unknown as Admin;
  const lines: { fields: Record<string, unknown>; text: string }[] = [];
  const write = (fields: object, text: string) => void lines.push({ fields: { ...fields }, text });
  const health = new ClusterHealth('c', admin, clock, { info: write, warn: write, error: write });
  return { clock, state, lines, health };
}

test('partitions with fewer replicas in sync than they need are told by name, the others are served', async () => {
  const { health } = setUp([
    { name: 'good', partitions: [partition(0, 1, [1, 2, 3])] },
    { name: 'short', partitions: [partition(0, 1, [1, 2])] },
    { name: 'refusing', partitions: [partition(0, 1, [1]), partition(1, -1, [2, 3])] },
  ]);
  const { state, isDown, lines, ...counts } = await health.look(false);
  assert.equal(state, 'NOT_ENOUGH_REPLICAS');
  assert.equal(isDown, false);
  assert.deepEqual(counts, {
    partitions: 4,
    underReplicated: 3,
    notEnoughReplicas: 2,
    brokersDown: 0,
    hasQuorum: true,
  });
  assert.match(lines[0]!, /^NOT_ENOUGH_REPLICAS: 2 of 4 partitions take nothing, .*: refusing$/);
});

test('a cluster that counts on brokers which are gone, for its controllers have no leader, is down', async () => {
  const { clock, health, state } = setUp([
    { name: 't', partitions: [partition(0, 1, [1, 2, 3]), partition(1, 2, [1, 2, 3])] },
  ]);
  assert.equal((await health.look(true)).state, 'ok');
  state.down = [2, 3];
  state.hasQuorum = false;
  await clock.advance(1_001);
  const found = await health.look(true);
  assert.deepEqual([found.state, found.isDown, found.brokersDown], ['NOT_ENOUGH_REPLICAS', true, 2]);
  assert.match(found.lines.join('\n'), /^NO_QUORUM: /m);
  assert.match(found.lines.join('\n'), /^brokers that take no connection: b2:9092, b3:9092$/m);
});

test('trouble is told once a minute, and its end', async () => {
  const { clock, state, lines, health } = setUp([{ name: 't', partitions: [partition(0, 1, [1, 2, 3])] }]);
  health.watch();
  await clock.advance(31_000);
  assert.equal(state.looks, 1);
  assert.equal(lines.length, 0);
  state.topics = [{ name: 't', partitions: [partition(0, 1, [1])] }];
  health.suspect();
  for (let i = 0; i < 60; i++) await clock.advance(1_000);
  assert.deepEqual(
    lines.map(({ text, fields }) => [text, fields.state]),
    [['Kafka is degraded', 'NOT_ENOUGH_REPLICAS']],
  );
  for (let i = 0; i < 60; i++) await clock.advance(1_000);
  assert.equal(lines.length, 2);
  state.topics = [{ name: 't', partitions: [partition(0, 1, [1, 2, 3])] }];
  for (let i = 0; i < 10; i++) await clock.advance(1_000);
  assert.equal(lines.at(-1)!.text, 'Kafka has recovered');
  health.stop();
});

test('a cluster that does not answer is unreachable', async () => {
  const { state, health } = setUp([]);
  Object.defineProperty(state, 'topics', {
    get() {
      throw new Error('Local: Broker transport failure');
    },
  });
  const { state: is, isDown, lines } = await health.look(true);
  assert.deepEqual([is, isDown, lines], ['UNREACHABLE', true, ['Local: Broker transport failure']]);
});
