import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConsumerSession } from '../../../../src/core/consume/consumer-session.js';
import { ConsumerSessions } from '../../../../src/core/consume/consumer-sessions.js';
import { GroupStart } from '../../../../src/core/group/group-start.js';
import { type Admin, KafkaCode, OFFSET_NONE } from '../../../../src/core/ports.js';
import { SessionLog } from '../../../../src/core/stats/session-log.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { TopicCatalog } from '../../../../src/core/topics/topic-catalog.js';
import { ManualClock } from '../../../support/clock.js';
import { FakeKafka } from '../../../support/fake-kafka.js';
import { kafkaError, message, ScriptedConsumer } from '../../../support/port-doubles.js';

const never = new AbortController().signal;
const quiet = { info() {}, warn() {}, error() {} };

/** One member whose Kafka the test plays: a topic of so many partitions, a group that has committed nothing. */
function scripted({ partitions = 1, policy = 'latest' as ScriptedConsumer['startPolicy'] } = {}) {
  const clock = new ManualClock();
  const consumer = new ScriptedConsumer();
  consumer.committedOffset = OFFSET_NONE;
  consumer.startPolicy = policy;
  const state = { partitions };
  const topics = async () => [
    {
      name: 't',
      partitions: Array.from({ length: state.partitions }, (_, partition) => ({
        partition,
        leader: 1,
        replicas: [],
        isrs: [],
      })),
    },
  ];
  const identity = async () => ({ clusterId: 'c', topicIds: new Map([['t', 'x']]) });
  const catalog = new TopicCatalog({ topics, identity } as unknown as Admin, clock);
  const start = new GroupStart({ consumer, topics: ['t'], policy, catalog });
  const log = new SessionLog(quiet, () => clock.monotonic());
  const join = () =>
    new ConsumerSession({
      id: 'g:c',
      topics: ['t'],
      consumer,
      start,
      prefetchBytes: 1_000_000,
      maxPollIntervalMs: 300_000,
      catalog,
      clock,
      stats: new Stats(),
      log,
    });
  const assign = (...numbers: number[]) => {
    consumer.assigned = numbers.map((partition) => ({ topic: 't', partition }));
  };
  return { clock, consumer, start, join, assign, state };
}

/** Sessions on the fake Kafka, whose groups have the policy. */
function sessions(policy: string) {
  const clock = new ManualClock();
  const kafka = new FakeKafka({ clock, consumer: { 'auto.offset.reset': policy } });
  const all = new ConsumerSessions({
    kafka,
    catalog: new TopicCatalog(kafka.admin, clock),
    clock,
    stats: new Stats(),
    log: new SessionLog(quiet, () => clock.monotonic()),
    maxConsumers: 10,
    prefetchBytes: 1_000_000,
    maxPollIntervalMs: 300_000,
  });
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false;
    void promise.finally(() => {
      over = true;
    });
    while (!over) await clock.advance(10);
    return promise;
  };
  const open = async (name: string, topic = 't') => {
    const member = { id: `g:${name}`, groupId: 'g', clientId: name, topics: [topic], properties: {} };
    const session = await settled(all.open(member, 5_000, never));
    assert.ok(session);
    return {
      pop: async (timeoutMs = 500) => {
        const popped = await settled(session.next(timeoutMs, never));
        return popped && String(popped.value);
      },
      close: () => settled(all.close(session, 1_000)),
    };
  };
  return { kafka, open };
}

const committed = (kafka: FakeKafka, topic: string) =>
  [...kafka.group('g').committed.values()].find((each) => each.topic === topic && each.partition === 0)?.offset;

describe("a group's start", () => {
  it('with latest: what came behind an answer of nothing is read again by the next member when nobody has acknowledged it', async () => {
    const { kafka, open } = sessions('latest');
    kafka.createTopic('t', 2);
    kafka.seed('t', 0, 'old');
    const a = await open('a');
    assert.equal(await a.pop(), undefined);
    for (const [partition, value] of [
      [0, '1'],
      [0, '2'],
      [1, '3'],
    ] as const)
      kafka.seed('t', partition, value);
    assert.equal(await a.pop(), '1');
    await a.close();
    const b = await open('b');
    assert.deepEqual([await b.pop(), await b.pop(), await b.pop(), await b.pop()], ['1', '2', '3', undefined]);
  });

  it('with latest: a topic that comes to be while a member waits for it is read from its first message', async () => {
    const { kafka, open } = sessions('latest');
    const a = await open('a', 'late');
    assert.equal(await a.pop(), undefined);
    kafka.seed('late', 0, 'first');
    assert.equal(await a.pop(5_000), 'first');
    assert.equal(committed(kafka, 'late'), 0);
  });

  it('with earliest: the oldest message is where it begins, and that is committed', async () => {
    const { kafka, open } = sessions('earliest');
    kafka.createTopic('t', 1);
    for (const value of ['gone', 'x', 'y']) kafka.seed('t', 0, value);
    await kafka.admin.deleteRecords([{ topic: 't', partition: 0, offset: 1 }]);
    const a = await open('a');
    assert.equal(committed(kafka, 't'), 1);
    assert.equal(await a.pop(), 'x');
  });

  it('with error: nothing is committed', async () => {
    const { start, consumer, assign, join, clock } = scripted({ policy: 'error' });
    await start.prepare();
    assign(0);
    const waiting = join().next(10, never);
    await clock.advance(100);
    await waiting;
    assert.deepEqual([consumer.commits, consumer.seeks], [[], []]);
  });

  it('is committed before the group is joined, for the partitions that have none', async () => {
    const { start, consumer } = scripted({ partitions: 2 });
    consumer.high = 7;
    consumer.committedAt.set('t:1', 3);
    await start.prepare();
    assert.deepEqual(consumer.commits, [{ topic: 't', partition: 0, offset: 7 }]);
  });

  it('an older start that somebody else commits meanwhile counts', async () => {
    const { start, consumer } = scripted();
    consumer.high = 7;
    const { edges } = consumer;
    consumer.edges = async (...asked) => {
      consumer.committedAt.set('t:0', 5);
      return edges.apply(consumer, asked);
    };
    await start.prepare();
    assert.deepEqual(consumer.commits, []);
  });

  it('the last partitions, behind some that all have a position, were added later: their first message is where they begin', async () => {
    const { start, consumer } = scripted({ partitions: 4 });
    consumer.high = 7;
    consumer.committedAt.set('t:0', 3).set('t:1', 4);
    await start.prepare();
    assert.deepEqual(consumer.commits, [
      { topic: 't', partition: 2, offset: 0 },
      { topic: 't', partition: 3, offset: 0 },
    ]);
  });

  it('where the group has members: it begins where it did when the member came, however late the partition is assigned', async () => {
    const { start, consumer, assign, join, clock } = scripted();
    consumer.high = 5;
    consumer.commitRefusal = kafkaError(KafkaCode.state, 'the group has members');
    await start.prepare();
    consumer.commitRefusal = undefined;
    const session = join();
    consumer.high = 8;
    // librdkafka itself began at the end that it found.
    assign(0);
    consumer.give(message(7));
    const first = session.next(5_000, never);
    await clock.advance(10);
    assert.deepEqual(consumer.commits, [{ topic: 't', partition: 0, offset: 5 }]);
    assert.deepEqual(consumer.seeks, [{ topic: 't', partition: 0, offset: 5 }]);
    consumer.give(message(5), message(6), message(7));
    assert.equal((await first)?.offset, 5);
    assert.deepEqual([session.ready()?.offset, session.ready()?.offset, session.ready()], [6, 7, undefined]);
  });

  it('what a poll brings that was under way when reading began elsewhere is dropped', async () => {
    const { start, consumer, assign, join, clock } = scripted({ partitions: 0 });
    await start.prepare();
    const session = join();
    const first = session.next(60_000, never);
    await clock.advance(10);
    assert.equal(consumer.polls, 1);
    // The topic has come: the poll that waits is from before the start is committed.
    assign(0);
    await clock.advance(3_000);
    assert.deepEqual(consumer.commits, [{ topic: 't', partition: 0, offset: 0 }]);
    assert.deepEqual(consumer.seeks, [], 'what it brings could be of before or after');
    consumer.give(message(4));
    await clock.advance(100);
    assert.deepEqual(consumer.seeks, [{ topic: 't', partition: 0, offset: 0 }]);
    consumer.give(message(0), message(1));
    await clock.advance(100);
    assert.equal((await first)?.offset, 0);
    assert.equal((await session.next(1_000, never))?.offset, 1);
  });

  it('a partition that is added while a member reads begins at its first message', async () => {
    const { start, consumer, assign, join, clock } = scripted({ partitions: 1 });
    consumer.high = 9;
    await start.prepare();
    const session = join();
    assign(0);
    consumer.give(message(9, 0));
    assert.equal((await session.next(1_000, never))?.offset, 9);
    assign(0, 1);
    const added = session.next(60_000, never);
    await clock.advance(3_000);
    consumer.give(message(3, 1));
    await clock.advance(10);
    assert.deepEqual(consumer.commits.at(-1), { topic: 't', partition: 1, offset: 0 });
    consumer.give(message(0, 1));
    assert.equal((await added)?.offset, 0);
  });

  it('while it cannot be committed the others go on, and what was put off comes when it can', async () => {
    const { start, consumer, assign, join, clock } = scripted({ partitions: 2 });
    consumer.high = 3;
    consumer.commitRefusal = kafkaError(KafkaCode.state);
    consumer.committedAt.set('t:1', 0);
    await start.prepare();
    const session = join();
    assign(0, 1);
    consumer.give(message(4, 0), message(0, 1), message(5, 0));
    const first = await session.next(1_000, never);
    assert.deepEqual([first?.partition, first?.offset], [1, 0]);
    consumer.commitRefusal = undefined;
    await clock.advance(1_100);
    const second = session.next(1_000, never);
    await clock.advance(10);
    assert.deepEqual(consumer.seeks, [{ topic: 't', partition: 0, offset: 3 }]);
    consumer.give(message(3, 0), message(4, 0));
    assert.equal((await second)?.offset, 3);
  });

  it('an assignment that is not known to have a start is looked at before nothing is answered', async () => {
    const { start, consumer, assign, join, clock } = scripted({ partitions: 0 });
    await start.prepare();
    const session = join();
    const nothing = session.next(500, never);
    await clock.advance(100);
    assign(0);
    await clock.advance(500);
    consumer.give();
    assert.equal(await nothing, undefined);
    assert.deepEqual(consumer.commits, [{ topic: 't', partition: 0, offset: 0 }]);
  });
});
