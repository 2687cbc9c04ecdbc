import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admin } from '../../../../src/core/ports.js';
import { KafkaCode } from '../../../../src/core/ports.js';
import { TopicIds } from '../../../../src/core/topics/topic-ids.js';
import { ManualClock } from '../../../support/clock.js';
import { kafkaError } from '../../../support/port-doubles.js';

function setUp() {
  const clock = new ManualClock();
  const topicIds = new Map<string, string>();
  const asked: string[][] = [];
  const state = { failure: undefined as Error | undefined, buffer: undefined as Promise<void> | undefined };
  const identity = async (topics: readonly string[]) => {
    asked.push([...topics]);
    const answer = new Map(topicIds);
    await state.buffer;
    if (state.failure) throw state.failure;
    return { clusterId: 'c', topicIds: answer };
  };
  const ids = new TopicIds({ identity } as unknown as Admin, clock);
  const told: string[] = [];
  const watcher = (name: string) => ({
    remade: (topic: string) => void told.push(`${name}: ${topic} remade`),
    gone: (topic: string) => void told.push(`${name}: ${topic} gone`),
  });
  return { clock, ids, topicIds, asked, told, state, watcher };
}

test('a topic of the same name and another id is told to whoever watched the one before, once', async () => {
  const { clock, ids, topicIds, told, watcher } = setUp();
  topicIds.set('t', 'old').set('other', 'o');
  ids.watch(['t', 'other'], watcher('a'));
  await clock.advance(200);
  topicIds.set('t', 'new');
  await clock.advance(5_000);
  await clock.advance(5_000);
  assert.deepEqual(told, ['a: t remade']);
});

test('who begins to watch after it was made again is not told of that', async () => {
  const { clock, ids, topicIds, told, watcher, state } = setUp();
  topicIds.set('t', 'old');
  ids.watch(['t'], watcher('a'));
  await clock.advance(200);
  let release: () => void = () => {};
  state.buffer = new Promise<void>((resolve) => {
    release = resolve;
  });
  // This look is answered of the old topic; the watch begins while it is on its way.
  const look = ids.look();
  topicIds.set('t', 'new');
  ids.watch(['t'], watcher('b'));
  state.buffer = undefined;
  release();
  await look;
  await clock.advance(10_000);
  assert.deepEqual(told, ['a: t remade']);
});

test('a topic that goes and comes back as another is told as both; one that was never there as neither', async () => {
  const { clock, ids, topicIds, told, watcher } = setUp();
  topicIds.set('t', 'old');
  ids.watch(['t', 'late'], watcher('a'));
  await clock.advance(200);
  topicIds.delete('t');
  await clock.advance(5_000);
  topicIds.set('t', 'new').set('late', 'first');
  await clock.advance(5_000);
  await clock.advance(5_000);
  assert.deepEqual(told, ['a: t gone', 'a: t remade']);
});

test('a look tells of everything until it was asked for, also behind one that is under way', async () => {
  const { clock, ids, topicIds, told, watcher, state } = setUp();
  topicIds.set('t', 'old');
  ids.watch(['t'], watcher('a'));
  await clock.advance(200);
  let release: () => void = () => {};
  state.buffer = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = ids.look();
  topicIds.set('t', 'new');
  const second = ids.look();
  state.buffer = undefined;
  release();
  await first;
  assert.deepEqual(told, []);
  await second;
  assert.deepEqual(told, ['a: t remade']);
});

test('many watches cost one question, and no watch none', async () => {
  const { clock, ids, asked, topicIds, watcher } = setUp();
  topicIds.set('t', 'x');
  const ends = Array.from({ length: 100 }, (_, index) => ids.watch(['t'], watcher(String(index))));
  await clock.advance(5_200);
  assert.deepEqual(asked, [['t'], ['t']]);
  for (const end of ends) end();
  assert.equal(clock.pending, 0);
  await clock.advance(60_000);
  assert.equal(asked.length, 2);
});

test('a broker that is away tells nothing and is asked again; a cluster that knows no ids is not', async () => {
  const { clock, ids, topicIds, told, state, asked, watcher } = setUp();
  topicIds.set('t', 'old');
  ids.watch(['t'], watcher('a'));
  await clock.advance(200);
  state.failure = kafkaError(KafkaCode.transport);
  topicIds.set('t', 'new');
  await clock.advance(5_000);
  assert.deepEqual(told, []);
  state.failure = undefined;
  await clock.advance(5_000);
  assert.deepEqual(told, ['a: t remade']);
  state.failure = kafkaError(KafkaCode.unsupportedFeature);
  await ids.look();
  const before = asked.length;
  await ids.look();
  await clock.advance(60_000);
  assert.equal(asked.length, before);
});
