import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsumerSession } from '../../../../src/core/consume/consumer-session.js';
import { GroupStart } from '../../../../src/core/group/group-start.js';
import { type Admin, KafkaCode, type Message, OFFSET_NONE } from '../../../../src/core/ports.js';
import { SessionLog } from '../../../../src/core/stats/session-log.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { TopicCatalog } from '../../../../src/core/topics/topic-catalog.js';
import { GatewayError } from '../../../../src/errors.js';
import { ManualClock } from '../../../support/clock.js';
import { fault, kafkaError, message, ScriptedConsumer } from '../../../support/port-doubles.js';

function setUp({ prefetchBytes = 1_000_000 } = {}) {
  const clock = new ManualClock();
  const consumer = new ScriptedConsumer();
  const lines: string[] = [];
  const sink = { info: note, warn: note, error: note };
  const topics: string[] = [];
  const ids = new Map([['t', 'first']]);
  const admin = {
    topics: async () => topics.map((name) => ({ name, partitions: [] })),
    identity: async () => ({ clusterId: 'c', topicIds: new Map(ids) }),
  } as unknown as Admin;
  const catalog = new TopicCatalog(admin, clock);
  const session = new ConsumerSession({
    id: 'g:c',
    topics: ['t'],
    consumer,
    start: new GroupStart({ consumer, topics: ['t'], policy: 'earliest', catalog }),
    prefetchBytes,
    maxPollIntervalMs: 300_000,
    catalog,
    clock,
    stats: new Stats(),
    log: new SessionLog(sink, () => clock.monotonic()),
  });
  function note(_fields: object, text: string): void {
    lines.push(text);
  }
  consumer.assigned = [{ topic: 't', partition: 0 }];
  return { clock, consumer, session, lines, topics, ids };
}

const never = new AbortController().signal;
const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;

test('messages come one by one, in order, from one fetch', async () => {
  const { session, consumer } = setUp();
  consumer.give(message(0), message(1), message(2));
  assert.equal((await session.next(1_000, never))?.offset, 0);
  assert.equal(session.ready()?.offset, 1);
  assert.equal(session.ready()?.offset, 2);
  assert.equal(session.ready(), undefined);
  assert.equal(consumer.polls, 1);
});

test('nothing within the time-out is undefined, and what the poll brings later is kept for the next call', async () => {
  const { session, consumer, clock } = setUp();
  const first = session.next(100, never);
  await clock.advance(200);
  assert.equal(await first, undefined);
  consumer.give(message(7));
  assert.equal((await session.next(100, never))?.offset, 7);
  assert.equal(consumer.polls, 1, 'one native poll at a time');
});

test('an aborted wait ends at once', async () => {
  const { session } = setUp();
  const gone = new AbortController();
  const waiting = session.next(Number.POSITIVE_INFINITY, gone.signal);
  gone.abort();
  assert.equal(await waiting, undefined);
});

test('read-ahead of a partition that was taken away is dropped', async () => {
  const { session, consumer, clock, lines } = setUp();
  consumer.assigned = [
    { topic: 't', partition: 0 },
    { topic: 't', partition: 1 },
  ];
  consumer.give(message(0, 0), message(5, 1), message(1, 0), message(6, 1));
  assert.equal((await session.next(100, never))?.offset, 0);
  consumer.assigned = [{ topic: 't', partition: 1 }];
  await clock.advance(60);
  assert.deepEqual((await session.next(100, never))?.offset, 5);
  assert.deepEqual((await session.next(100, never))?.offset, 6);
  assert.ok(lines.some((line) => line.startsWith('read-ahead of revoked')));
});

test('a partition that went away and came back between two looks starts again: nothing is answered twice from the old read-ahead', async () => {
  const { session, consumer, clock } = setUp();
  consumer.give(message(3), message(4), message(5));
  assert.equal((await session.next(100, never))?.offset, 3);
  consumer.give(message(4), message(5));
  await clock.advance(101_000);
  const offsets = [(await session.next(100, never))?.offset, session.ready()?.offset, session.ready()?.offset];
  assert.deepEqual(offsets, [4, 5, undefined]);
});

test('what was held of a partition that went away and came back is dropped: others may have acknowledged it meanwhile', async () => {
  const { session, consumer, clock } = setUp();
  consumer.assigned = [...consumer.assigned, { topic: 't', partition: 1 }];
  consumer.give(message(0), message(1), message(5, 1), message(2));
  assert.equal((await session.next(100, never))?.offset, 0);
  // The client works; another member had partition 0, and acknowledged up to 9.
  consumer.restarted.add(0);
  await clock.advance(5_000);
  const next = await session.next(100, never);
  assert.deepEqual([next?.partition, next?.offset], [1, 5]);
  consumer.restarted.clear();
  consumer.give(message(9), message(10));
  assert.equal((await session.next(100, never))?.offset, 9);
});

test('what was acknowledged does not come again when a partition went away and came back between two looks', async () => {
  const { session, consumer } = setUp();
  consumer.give(message(0), message(1), message(2), message(3));
  assert.equal((await session.next(100, never))?.offset, 0);
  session.ack('t', 0, 0);
  // A rebalance: 1 is committed. What was held goes on being handed out until the partition is read again from there.
  assert.equal(session.ready()?.offset, 1);
  assert.equal(session.ready()?.offset, 2);
  session.ack('t', 0, 2);
  assert.equal(session.ready()?.offset, 3);
  consumer.give(message(1), message(2), message(3), message(4));
  const offsets = [(await session.next(100, never))?.offset, session.ready()?.offset, session.ready()?.offset];
  assert.deepEqual(offsets, [3, 4, undefined], '3 was not acknowledged');
  assert.deepEqual(
    consumer.stored.map(({ offset }) => offset),
    [1, 3, 3],
    'stored once more: the client library has forgotten it',
  );
});

test('a topic that was deleted and made again: acks of the old one are void, the new one is read from its first message and acknowledged', async () => {
  const { session, consumer, clock, ids } = setUp();
  consumer.give(message(7), message(8), message(9));
  assert.equal((await session.next(100, never))?.offset, 7);
  session.ack('t', 0, 7);
  await clock.advance(200);
  ids.set('t', 'second');
  // Nobody asks meanwhile.
  await clock.advance(5_000);
  assert.deepEqual(consumer.stored.at(-1), { topic: 't', partition: 0, offset: OFFSET_NONE });
  assert.deepEqual(consumer.commits, [{ topic: 't', partition: 0, offset: 0 }]);
  assert.deepEqual(consumer.seeks, [{ topic: 't', partition: 0, offset: 0 }]);
  consumer.give(message(0), message(1));
  assert.equal((await session.next(100, never))?.offset, 0);
  session.ack('t', 0, 0);
  assert.deepEqual(consumer.stored.at(-1), { topic: 't', partition: 0, offset: 1 });
  await session.close(100);
});

test('what is read of a topic that was made again and looks acknowledged has its id looked at', async () => {
  const { session, consumer, clock, ids } = setUp();
  consumer.give(message(0), message(1));
  await session.next(100, never);
  session.ack('t', 0, 0);
  assert.equal(session.ready()?.offset, 1);
  session.ack('t', 0, 1);
  await clock.advance(200);
  ids.set('t', 'second');
  consumer.give(message(0));
  const first = session.next(1_000, never);
  await clock.advance(10);
  consumer.give(message(0));
  assert.equal((await first)?.offset, 0, 'of the new topic');
  assert.deepEqual(consumer.seeks, [{ topic: 't', partition: 0, offset: 0 }]);
  await session.close(100);
});

test('closing does not commit what was acknowledged of a topic that is another one now', async () => {
  const { session, consumer, clock, ids } = setUp();
  consumer.give(message(7));
  await session.next(100, never);
  await clock.advance(200);
  session.ack('t', 0, 7);
  ids.set('t', 'second');
  await session.close(100);
  assert.deepEqual(consumer.stored.at(-1), { topic: 't', partition: 0, offset: OFFSET_NONE });
  assert.equal(consumer.closed, true);
  assert.equal(clock.pending, 0, 'nothing is left behind');
});

test('a member that is asked now and then polls although its read-ahead lasts', async () => {
  const { session, consumer, clock } = setUp();
  consumer.give(message(0), message(1), message(2));
  await session.next(100, never);
  await clock.advance(99_000);
  await session.next(100, never);
  assert.equal(consumer.polls, 1);
  await clock.advance(2_000);
  await session.next(100, never);
  assert.equal(consumer.polls, 2);
});

test('a client that goes on asking finds the next fetch begun; one that has caught up does not poll for nothing', async () => {
  const { session, consumer } = setUp();
  consumer.give(...Array.from({ length: 256 }, (_, offset) => message(offset)));
  consumer.give(message(256));
  assert.equal((await session.next(100, never))?.offset, 0);
  for (let offset = 1; offset < 128; offset += 1) assert.equal(session.ready()?.offset, offset);
  assert.equal(consumer.polls, 1);
  assert.equal(session.ready()?.offset, 128);
  assert.equal(consumer.polls, 2);
  await new Promise((resolve) => setImmediate(resolve));
  for (let offset = 129; offset <= 256; offset += 1) assert.equal(session.ready()?.offset, offset);
  assert.equal(session.ready(), undefined);
  assert.equal(consumer.polls, 2);
});

test('a fetch looks at the assignment when the last look is old, or something came of a partition that was not in it', async () => {
  const { session, consumer, clock } = setUp();
  const fetch = async (...messages: Message[]): Promise<number> => {
    const before = consumer.looks;
    consumer.give(...messages);
    for (const { offset } of messages) assert.equal((await session.next(100, never))?.offset, offset);
    return consumer.looks - before;
  };
  assert.equal(await fetch(message(0)), 1);
  assert.equal(await fetch(message(1), message(2)), 0);
  consumer.assigned = [...consumer.assigned, { topic: 't', partition: 1 }];
  assert.equal(await fetch(message(3), message(0, 1)), 1);
  assert.equal(await fetch(message(1, 1), message(4)), 0);
  await clock.advance(60);
  assert.equal(await fetch(message(5)), 1);
});

test('a fetch asks for no more than fits the budget', async () => {
  const { session, consumer } = setUp({ prefetchBytes: 3_000 });
  consumer.give(...Array.from({ length: 10 }, (_, offset) => message(offset, 0, 't', 'x'.repeat(800))));
  assert.equal((await session.next(100, never))?.offset, 0);
  assert.ok(session.ready());
  assert.equal(session.ready(), undefined, 'two messages of about a kilobyte were expected to fit');
});

test('an ack stores the next offset, never goes back, and tells what does not exist', async () => {
  const { session, consumer } = setUp();
  consumer.high = 20;
  consumer.give(message(10), message(11), message(12));
  await session.next(100, never);
  assert.equal(session.ack('t', 0, 11), undefined);
  assert.equal(session.ack('t', 0, 10), undefined);
  assert.deepEqual(consumer.stored, [{ topic: 't', partition: 0, offset: 12 }]);
  await session.ack('t', 0, 19);
  await assert.rejects(async () => session.ack('t', 0, 20), code('ack-beyond'));
  await assert.rejects(async () => session.ack('t', 1, 0), code('ack-not-assigned'));
  assert.equal(consumer.stored.at(-1)?.offset, 20);
});

test('an ack from before the first fetch never moves the committed position back', async () => {
  const { session, consumer } = setUp();
  consumer.high = 200;
  consumer.committedOffset = 100;
  await session.ack('t', 0, 50);
  assert.deepEqual(consumer.stored, []);
  await session.ack('t', 0, 150);
  assert.deepEqual(consumer.stored, [{ topic: 't', partition: 0, offset: 151 }]);
});

test('after a partition was lost, its acks start from what the group has committed since', async () => {
  const { session, consumer, clock } = setUp();
  consumer.high = 500;
  consumer.give(message(0), message(1));
  await session.next(100, never);
  session.ack('t', 0, 0);
  consumer.assigned = [];
  await clock.advance(60);
  const waiting = session.next(1, never);
  await clock.advance(10);
  await waiting;
  consumer.assigned = [{ topic: 't', partition: 0 }];
  consumer.committedOffset = 300;
  await session.ack('t', 0, 1);
  assert.deepEqual(consumer.stored, [{ topic: 't', partition: 0, offset: 1 }], 'the late ack did not move 300 back');
});

test('transport faults are waited out, a fatal one is answered', async () => {
  const { session, consumer, clock } = setUp();
  const waiting = session.next(100, never);
  session.fault(fault(KafkaCode.allBrokersDown));
  await clock.advance(200);
  assert.equal(await waiting, undefined);
  session.fault(fault(KafkaCode.fatal, 'fenced', true));
  await assert.rejects(session.next(100, never), { message: 'Poll fenced' });
  assert.equal(consumer.closed, false, "closing is the owner's");
});

test("a poll that fails is the call's error", async () => {
  const { session, consumer } = setUp();
  consumer.failure = kafkaError(KafkaCode.state, 'no longer valid');
  await assert.rejects(session.next(100, never), code('poll-failed'));
});

test('a missing topic is waited for, told once, and looked for when it has come', async () => {
  const { session, consumer, clock, lines, topics } = setUp();
  session.fault(fault(KafkaCode.unknownTopicOrPartition));
  session.fault(fault(KafkaCode.unknownTopicOrPartition));
  const waiting = session.next(10_000, never);
  await clock.advance(1_500);
  assert.equal(consumer.refreshes, 0);
  topics.push('t');
  for (let step = 0; step < 10 && consumer.refreshes === 0; step += 1) await clock.advance(500);
  assert.equal(consumer.refreshes, 1);
  consumer.give(message(0));
  assert.equal((await waiting)?.offset, 0);
  assert.equal(lines.filter((line) => line.startsWith('a subscribed topic')).length, 1);
});

test('a topic that is reported missing once more after it has come is looked for once more', async () => {
  const { session, consumer, clock, topics } = setUp();
  topics.push('t');
  const waiting = session.next(30_000, never);
  for (const expected of [1, 2]) {
    session.fault(fault(KafkaCode.unknownTopicOrPartition));
    for (let step = 0; step < 10 && consumer.refreshes < expected; step += 1) await clock.advance(1_000);
    assert.equal(consumer.refreshes, expected);
  }
  consumer.give(message(0));
  assert.equal((await waiting)?.offset, 0);
});

test('closing ends a wait and drops the read-ahead', async () => {
  const { session, consumer } = setUp();
  consumer.give(message(0), message(1));
  await session.next(100, never);
  await session.close(100);
  assert.equal(consumer.closed, true);
  assert.equal(await session.next(100, never), undefined);
});

const groupDenied = fault(30, 'Broker: Group authorization failed');
const topicDenied = fault(KafkaCode.topicAuthorizationFailed, 'Broker: Topic authorization failed');
const told = { code: 'poll-failed', message: 'Poll Broker: Group authorization failed' };

test('a group that may not be read looked empty for ever: who waits is told, and the session is over', async () => {
  const { session, consumer, clock, lines } = setUp();
  consumer.assigned = [];
  const waiting = assert.rejects(session.next(60_000, never), told);
  await clock.advance(10);
  session.fault(groupDenied);
  await clock.advance(1_100);
  await waiting;
  assert.equal(session.isOver, true);
  assert.deepEqual(lines, ['a consumer is refused']);
});

test('of topics one may not be read: it is told, the others go on, and it is fetched anew after a while', async () => {
  const { session, consumer, clock } = setUp();
  session.fault(topicDenied);
  await assert.rejects(session.next(60_000, never), code('poll-failed'));
  consumer.give(message(0));
  assert.equal((await session.next(60_000, never))?.offset, 0);
  const again = assert.rejects(session.next(60_000, never), code('poll-failed'));
  await clock.advance(1_100);
  await again;
  assert.equal(session.isOver, false);
  await clock.advance(3_000);
  const mended = session.next(1_500, never);
  await clock.advance(2_000);
  assert.equal(await mended, undefined);
  assert.deepEqual(consumer.paused, consumer.assigned);
});

test('one broker that does not let us in is waited out while others serve', async () => {
  const { session, consumer } = setUp();
  session.fault(fault(-169, 'Local: Authentication failure'));
  consumer.give(message(0));
  assert.equal((await session.next(60_000, never))?.offset, 0);
});
