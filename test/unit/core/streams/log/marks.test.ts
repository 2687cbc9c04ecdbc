// What an EXEC was answered for is read afterwards, though Kafka shows it a moment later.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admin, TopicMetadata } from '../../../../../src/core/ports.js';
import { marksOf } from '../../../../../src/core/streams/log/marks.js';
import { TopicCatalog } from '../../../../../src/core/topics/topic-catalog.js';
import type { EndsElsewhere } from '../../../../../src/core/topics/written-ends.js';
import { ManualClock } from '../../../../support/clock.js';

function setUp(high: number, endsElsewhere?: EndsElsewhere) {
  const clock = new ManualClock();
  const state = { high, exists: true, asked: 0 };
  const partitions = [{ partition: 0, leader: 1, replicas: [1], isrs: [1] }];
  const admin = {
    topics: async (): Promise<TopicMetadata[]> => (state.exists ? [{ name: 't', partitions }] : []),
    identity: async () => ({ clusterId: '', topicIds: new Map() }),
    watermarks: async () => {
      state.asked += 1;
      return [{ topic: 't', partition: 0, low: 0, high: state.high }];
    },
  } as unknown as Admin;
  const catalog = new TopicCatalog(admin, clock, endsElsewhere);
  return { clock, state, written: catalog.written, read: async () => (await marksOf(catalog, admin, 't'))?.[0]?.high };
}

/** Advances the clock until it settles. @returns how long that was, ms */
async function settled(clock: ManualClock, reading: Promise<unknown>): Promise<number> {
  let isOver = false;
  const over = reading.finally(() => {
    isOver = true;
  });
  const from = clock.monotonic();
  while (!isOver) await clock.advance(1);
  await over;
  return clock.monotonic() - from;
}

test('a read waits until the records of an answered EXEC are shown, once', async () => {
  const { clock, state, written, read } = setUp(3);
  written.note({ topic: 't', partition: 0, offset: 4 });
  written.note({ topic: 't', partition: 0, offset: 3 });
  const reading = read();
  await clock.advance(100);
  assert.ok(state.asked > 1);
  state.high = 6;
  await settled(clock, reading);
  assert.equal(await reading, 6);
  state.high = 3;
  assert.equal(await read(), 3, 'that it was shown is not asked again');
});

test('a read waits for a topic that an EXEC has just made', async () => {
  const { clock, state, written, read } = setUp(1);
  state.exists = false;
  assert.equal(await read(), undefined);
  written.note({ topic: 't', partition: 0, offset: 0 });
  const reading = read();
  await clock.advance(50);
  state.exists = true;
  assert.ok((await settled(clock, reading)) < 1_000);
  assert.equal(await reading, 1);
});

test('it waits a second at most, and the next one not at all', async () => {
  const { clock, written, read } = setUp(0);
  written.note({ topic: 't', partition: 0, offset: 0 });
  const reading = read();
  const ms = await settled(clock, reading);
  assert.ok(ms >= 1_000 && ms < 1_100, String(ms));
  assert.equal(await reading, 0);
  assert.equal(await read(), 0);
});

test('other topics, failed records and EXECs of long ago are not waited for', async () => {
  const { clock, written, read } = setUp(0);
  written.note({ topic: 'other', partition: 0, offset: 7 });
  written.note({ topic: 't', partition: 0, offset: -1 });
  assert.equal(await read(), 0);
  written.note({ topic: 't', partition: 0, offset: 0 });
  await clock.advance(5_001);
  assert.equal(await read(), 0);
});

test('a read waits for the records of EXECs of other processes, and passes on only those of its own', async () => {
  const { clock, state, written, read } = setUp(3, async () => [[0, 6]]);
  const reading = read();
  await clock.advance(100);
  assert.ok(state.asked > 1);
  assert.deepEqual(written.own('t'), [], 'two processes would remind each other for ever');
  state.high = 6;
  await settled(clock, reading);
  assert.equal(await reading, 6);
  written.note({ topic: 't', partition: 0, offset: 7 });
  assert.deepEqual(written.own('t'), [[0, 8]]);
  await clock.advance(5_001);
  assert.deepEqual(written.own('t'), []);
});
