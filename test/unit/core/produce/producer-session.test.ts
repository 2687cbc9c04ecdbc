import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KafkaCode, type ReportMode } from '../../../../src/core/ports.js';
import { ProducerSession } from '../../../../src/core/produce/producer-session.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { GatewayError } from '../../../../src/errors.js';
import { ManualClock } from '../../../support/clock.js';
import { fault, kafkaError, ScriptedProducer } from '../../../support/port-doubles.js';

function setUp(reports: ReportMode = 'all', allowInternalTopics = false) {
  const clock = new ManualClock();
  const stats = new Stats();
  const producers: ScriptedProducer[] = [];
  const failures: string[] = [];
  const lost: [string, number][][] = [];
  const session = new ProducerSession({
    reports,
    allowInternalTopics,
    open: async (options) => {
      const producer = new ScriptedProducer(options);
      producers.push(producer);
      return producer;
    },
    produceTimeoutMs: 5_000,
    clock,
    stats,
    onFailure: (report) => failures.push(report.topic),
    onLost: (topics) => lost.push([...topics]),
    onFault: () => {},
  });
  return { clock, stats, producers, failures, lost, session };
}

const record = (value = 'v', topic = 't') => ({ topic, key: null, value: Buffer.from(value) });
const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;

test('the first record waits for the client, later ones are queued at once', async () => {
  const { session, producers } = setUp();
  assert.equal(session.isOpen, false);
  await session.enqueue(record('a'));
  assert.equal(session.enqueue(record('b')), undefined);
  assert.deepEqual(
    producers[0]!.records.map(({ record: { value } }) => String(value)),
    ['a', 'b'],
  );
  assert.equal(session.inFlight, 2);
});

test('records that are held back keep their order', async () => {
  const { session, producers } = setUp();
  await Promise.all([session.enqueue(record('a')), session.enqueue(record('b')), session.enqueue(record('c'))]);
  assert.deepEqual(
    producers[0]!.records.map(({ record: { value } }) => String(value)),
    ['a', 'b', 'c'],
  );
});

test('several records that are held back together have nothing between them', async () => {
  const { session, producers } = setUp();
  assert.equal(session.offer(record('a')), false);
  await Promise.all([session.enqueueInOrder([record('a'), record('b')]), session.enqueue(record('c'))]);
  assert.equal(session.offer(record('d')), true);
  assert.deepEqual(
    producers[0]!.records.map(({ record: { value } }) => String(value)),
    ['a', 'b', 'c', 'd'],
  );
});

test('a full queue holds the caller back until there is room', async () => {
  const { session, producers, clock } = setUp();
  await session.enqueue(record());
  producers[0]!.refusal = kafkaError(KafkaCode.queueFull);
  const held = session.enqueue(record('late'));
  await clock.advance(1_000);
  producers[0]!.refusal = undefined;
  await clock.advance(10);
  await held;
  assert.equal(producers[0]!.records.length, 2);
});

test('a queue that stays full answers an error after the produce time-out, and later records are not lost by it', async () => {
  const { session, producers, clock } = setUp();
  await session.enqueue(record());
  producers[0]!.refusal = kafkaError(KafkaCode.queueFull);
  const held = session.enqueue(record('refused'));
  const refused = assert.rejects(held!, code('queue-full'));
  await clock.advance(5_100);
  await refused;
  producers[0]!.refusal = undefined;
  await session.enqueue(record('after'));
  assert.deepEqual(
    producers[0]!.records.map(({ record: { value } }) => String(value)),
    ['v', 'after'],
  );
});

test('an illegal topic name is refused before it reaches Kafka', () => {
  const { session } = setUp();
  assert.throws(() => session.enqueue(record('v', '^.*')), code('topic-invalid'));
  assert.throws(() => session.enqueue(record('v', '..')), code('topic-invalid'));
  assert.throws(() => session.enqueue(record('v', '__consumer_offsets')), code('topic-internal'));
});

test('an internal topic is written to where that is allowed', async () => {
  const { session, producers } = setUp('all', true);
  await session.enqueue(record('v', '__mine'));
  assert.equal(producers[0]!.records[0]!.record.topic, '__mine');
});

test("what librdkafka refuses at once is the caller's error and not in flight", async () => {
  const { session, producers } = setUp();
  await session.enqueue(record());
  producers[0]!.refusal = kafkaError(KafkaCode.messageTooLarge, 'Broker: Message size too large');
  assert.throws(() => session.enqueue(record()), { message: 'Broker: Message size too large' });
  assert.equal(session.inFlight, 1);
});

test('DUMP counts what is in flight and what failed, and forgets failures it has told', async () => {
  const { session, producers, clock, stats } = setUp();
  await session.enqueue(record());
  session.enqueue(record());
  session.enqueue(record());
  producers[0]!.report(0);
  producers[0]!.report(1, fault(KafkaCode.messageTimedOut));
  const first = session.dump(100);
  await clock.advance(100);
  assert.equal(await first, 2, 'one in flight, one failed');
  producers[0]!.report(2);
  assert.equal(await session.dump(100), 0);
  assert.equal(stats.get('producer.delivery.errors'), 1);
});

test('DUMP ends as soon as the last report is there', async () => {
  const { session, producers } = setUp();
  await session.enqueue(record());
  const dump = session.dump(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  producers[0]!.report(0);
  assert.equal(await dump, 0);
});

test('with reports of errors only, a flush that succeeds makes DUMP 0 and one that does not an upper bound', async () => {
  const { session, producers } = setUp('errors');
  await session.enqueue(record());
  session.enqueue(record());
  producers[0]!.flushes = false;
  assert.equal(await session.dump(10), 2);
  producers[0]!.report(0, fault(KafkaCode.messageTimedOut));
  producers[0]!.flushes = true;
  assert.equal(await session.dump(10), 1, 'the failed one, once');
  assert.equal(await session.dump(10), 0);
});

test('a topic that a delivery found missing is refused for a few seconds', async () => {
  const { session, producers, clock } = setUp();
  await session.enqueue(record('v', 'gone'));
  producers[0]!.report(0, fault(KafkaCode.unknownTopicOrPartition, 'Broker: Unknown topic or partition'));
  assert.throws(() => session.enqueue(record('v', 'gone')), { message: 'Broker: Unknown topic or partition' });
  assert.equal(session.enqueue(record('v', 'other')), undefined);
  await clock.advance(3_001);
  assert.equal(session.enqueue(record('v', 'gone')), undefined);
});

test('send() resolves with the fate of its own record', async () => {
  const { session, producers } = setUp();
  const first = session.send(record('a'));
  const second = session.send(record('b'));
  await new Promise((resolve) => setImmediate(resolve));
  producers[0]!.report(1);
  producers[0]!.report(0, fault(KafkaCode.messageTimedOut, 'late'));
  assert.equal((await second).offset, 1);
  assert.equal((await first).error?.message, 'late');
});

test('a send() that a failed client took with it is told so', async () => {
  const { session, producers } = setUp();
  await session.enqueue(record());
  const sent = session.send(record('lost'));
  producers[0]!.flushes = false;
  producers[0]!.options.onFault!(fault(KafkaCode.fatal, 'out of sequence', true));
  assert.equal((await sent).error?.code, KafkaCode.purgeQueue);
});

test('a fatal error makes a new client; what the old one lost counts as failed', async () => {
  const { session, producers, stats } = setUp();
  await session.enqueue(record());
  producers[0]!.flushes = false;
  producers[0]!.options.onFault!(fault(KafkaCode.fatal, 'out of sequence', true));
  await session.enqueue(record('next'));
  assert.equal(producers.length, 2);
  assert.equal(producers[0]!.closed, true);
  assert.equal(stats.get('producer.delivery.errors'), 1);
  producers[1]!.report(0);
  assert.equal(await session.dump(10), 1, 'the lost one');
});

test('an idle client is given back, one with something in flight is not', async () => {
  const { session, producers, clock } = setUp();
  const look = async (): Promise<boolean> => {
    const closing = session.closeIfIdle(30_000);
    await clock.advance(0);
    return closing;
  };
  await session.enqueue(record());
  await clock.advance(60_000);
  assert.equal(await look(), false, 'used since the last look');
  await clock.advance(30_000);
  assert.equal(await look(), false, 'in flight');
  await session.enqueue(record());
  producers[0]!.report(0);
  producers[0]!.report(1);
  assert.equal(await look(), false, 'used again');
  await clock.advance(29_999);
  assert.equal(await look(), false, 'not for long enough');
  await clock.advance(1);
  assert.equal(await look(), true);
  assert.equal(session.isOpen, false);
  await session.enqueue(record());
  assert.equal(producers.length, 2);
});

test('what a closing session could not deliver is told by topic, counted as failed, and not told of twice', async () => {
  const { session, producers, stats, failures, lost } = setUp('errors');
  await session.enqueue(record('a', 'one'));
  session.enqueue(record('b', 'two'));
  session.enqueue(record('c', 'one'));
  session.enqueue(record('d', 'one'));
  const [producer] = producers;
  producer!.flushes = false;
  producer!.pending = 3;
  assert.equal(session.inFlight, 3, 'no more than the client still has');
  producer!.purged = [1, 2, 3];
  assert.equal(await session.close(100), 3);
  assert.deepEqual(lost, [
    [
      ['two', 1],
      ['one', 2],
    ],
  ]);
  assert.deepEqual(failures, []);
  assert.equal(stats.get('producer.delivery.errors'), 3);
  assert.equal(stats.get('producer.unflushed.messages'), 3);
  assert.equal(session.failed, 3);
  assert.equal(session.inFlight, 0);
});

test('what a closing session gave up counts as lost, also where no report of it came in time', async () => {
  const { session, producers, lost } = setUp('errors');
  await session.enqueue(record('a', 'one'));
  session.enqueue(record('b', 'one'));
  const [producer] = producers;
  producer!.flushes = false;
  producer!.purged = [0];
  producer!.unreported = 1;
  assert.equal(await session.close(100), 2);
  assert.deepEqual(lost, [
    [
      ['one', 1],
      ['(not reported)', 1],
    ],
  ]);
  assert.equal(session.failed, 2);
});

test('closing tells how much was not delivered', async () => {
  const { session, producers, clock, stats } = setUp();
  await session.enqueue(record());
  const closing = session.close(1_000);
  await clock.advance(1_000);
  assert.equal(await closing, 1);
  assert.equal(stats.get('producer.unflushed.messages'), 1);
  assert.equal(producers[0]!.closed, true);
  assert.equal(await session.close(1_000), 0, 'closing again counts nothing');
});

const unknownPartition = fault(KafkaCode.unknownPartition, 'Local: Unknown partition');

test('a record whose partition is gone is sent again, once: the topic was made again with fewer', async () => {
  const { session, producers, failures, stats } = setUp();
  const sent = session.send(record());
  await turn();
  producers[0]!.report(0, unknownPartition);
  assert.equal(session.inFlight, 1);
  assert.deepEqual(producers[0]!.records[1]!.record, record());
  producers[0]!.report(1);
  assert.equal((await sent).error, undefined);
  assert.deepEqual([session.inFlight, failures, stats.get('producer.delivery.errors')], [0, [], 0]);
  const refused = session.send(record());
  for (const index of [2, 3]) producers[0]!.report(index, unknownPartition);
  assert.equal((await refused).error?.code, KafkaCode.unknownPartition);
  assert.deepEqual([session.inFlight, failures, producers[0]!.records.length], [0, ['t'], 4]);
});

test('a record goes to another partition only if no client has chosen it', async () => {
  const { session, producers } = setUp();
  const chosen = session.send({ ...record(), partition: 3 });
  const placed = session.send({ ...record(), partition: 3 }, true);
  await turn();
  for (const index of [0, 1]) producers[0]!.report(index, unknownPartition);
  assert.equal((await chosen).error?.code, KafkaCode.unknownPartition);
  assert.deepEqual(
    producers[0]!.records.map(({ record: { partition } }) => partition),
    [3, 3, undefined],
  );
  producers[0]!.report(2);
  assert.equal((await placed).error, undefined);
});

test('a record that cannot be sent again is an error of its sender', async () => {
  const { session, producers } = setUp();
  const sent = session.send(record());
  await turn();
  producers[0]!.refusal = kafkaError(KafkaCode.state);
  producers[0]!.report(0, unknownPartition);
  await assert.rejects(sent, code('produce-refused'));
});
