import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode, KafkaError, type KafkaFactory, type ProducerOptions } from '../../../../src/core/ports.js';
import { IdleProducerPool } from '../../../../src/core/produce/idle-producer-pool.js';
import { ProducerSession } from '../../../../src/core/produce/producer-session.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { ManualClock } from '../../../support/clock.js';
import { fault, ScriptedProducer } from '../../../support/port-doubles.js';

function setUp(limit: number) {
  const producers: ScriptedProducer[] = [];
  const openings: ProducerOptions[] = [];
  const kafka = {
    producer: async (options: ProducerOptions) => {
      openings.push(options);
      const producer = new ScriptedProducer(options);
      producers.push(producer);
      return producer;
    },
  } as unknown as KafkaFactory;
  const clock = new ManualClock();
  const spare = new IdleProducerPool({ kafka, producerOptions: { reports: 'errors', lingerMs: 1 }, limit, clock });
  const faults: string[] = [];
  const session = (name = ''): ProducerSession =>
    new ProducerSession({
      reports: 'errors',
      open: (options, timeoutMs) => spare.producer(options, timeoutMs),
      keep: (producer) => spare.keep(producer),
      produceTimeoutMs: 1_000,
      clock,
      stats: new Stats(),
      onFailure: () => {},
      onLost: () => {},
      onFault: ({ message }) => faults.push(`${name}: ${message}`),
    });
  return { producers, openings, clock, spare, session, faults };
}

const record = { topic: 't', key: null, value: Buffer.from('v') };

test('the next session takes the client that one has left', async () => {
  const { producers, openings, spare, session } = setUp(1);
  const [first, second] = [session(), session()];
  await first.enqueue(record);
  assert.equal(await first.close(0), 0);
  assert.equal(spare.count, 1);
  await second.enqueue(record);
  assert.equal(spare.count, 0);
  assert.equal(producers.length, 1);
  assert.equal(producers[0]!.records.length, 2);
  assert.equal(producers[0]!.closed, false);
  assert.deepEqual([openings[0]!.reports, openings[0]!.lingerMs], ['errors', 1]);
});

test('two sessions at a time have a client each', async () => {
  const { producers, session } = setUp(2);
  const [a, b] = [session(), session()];
  await a.enqueue(record);
  await b.enqueue(record);
  assert.equal(producers.length, 2);
});

test('failures and faults go to the owner of now', async () => {
  const { producers, session, faults } = setUp(1);
  const [first, second] = [session('first'), session('second')];
  await first.enqueue(record);
  await first.close(0);
  await second.enqueue(record);
  producers[0]!.options.onFault!(fault(KafkaCode.transport, 'gone'));
  producers[0]!.report(1, fault(KafkaCode.messageTimedOut));
  assert.deepEqual(faults, ['second: gone']);
  assert.equal(await second.dump(0), 1);
  assert.equal(await first.dump(0), 0);
  producers[0]!.options.onFault!(fault(KafkaCode.fatal, 'fenced', true));
  await second.enqueue(record);
  assert.equal(producers[1]!.records.length, 1, 'it has a new one');
});

test('a client that still has something in flight is closed', async () => {
  const { producers, spare, session } = setUp(1);
  const owner = session();
  await owner.enqueue(record);
  producers[0]!.flushes = false;
  assert.equal(await owner.close(0), 1);
  assert.equal(producers[0]!.closed, true);
  assert.equal(spare.count, 0);
});

for (const [what, happens] of [
  ['failed for good', ({ options }) => options.onFault!(fault(KafkaCode.fatal, 'fenced', true))],
  ['lost its brokers', ({ options }) => options.onFault!(fault(KafkaCode.allBrokersDown, 'all down'))],
  ['could not deliver', (producer) => producer.report(0, fault(KafkaCode.unknownTopicOrPartition))],
] as [string, (producer: ScriptedProducer) => void][])
  test(`a client that ${what} is closed with its session, and the next is a new one`, async () => {
    const { producers, spare, session } = setUp(1);
    const [owner, next] = [session(), session()];
    await owner.enqueue(record);
    happens(producers[0]!);
    await owner.close(0);
    await next.enqueue(record);
    assert.deepEqual(
      producers.map(({ closed }) => closed),
      [true, false],
    );
    assert.equal(spare.count, 0);
  });

test('a client that is taken again and again is closed when it is five minutes old', async () => {
  const { producers, clock, session } = setUp(1);
  for (let minute = 0; minute < 6; minute += 1) {
    const owner = session();
    await owner.enqueue(record);
    await clock.advance(60_001);
    await owner.close(0);
  }
  assert.deepEqual(
    producers.map(({ closed, records }) => [closed, records.length]),
    [
      [true, 5],
      [false, 1],
    ],
  );
});

test('a session that ends while a caller is held back, or a flush goes on, leaves no client', async () => {
  for (const going of ['caller', 'flush']) {
    const { producers, clock, spare, session } = setUp(1);
    const owner = session();
    await owner.enqueue(record);
    const producer = producers[0]!;
    let settle = (): void => {};
    if (going === 'caller') {
      producer.refusal = new KafkaError(fault(KafkaCode.queueFull));
      void Promise.resolve(owner.enqueue(record)).catch(() => {});
    } else {
      const answers = [new Promise<boolean>((resolve) => (settle = () => resolve(true)))];
      producer.flush = () => answers.pop() ?? Promise.resolve(true);
      void owner.dump(60_000);
    }
    const closing = owner.close(0);
    await clock.advance(2_000);
    await closing;
    settle();
    assert.equal(producer.closed, true, going);
    assert.equal(spare.count, 0);
  }
});

test('no more are kept than may be', async () => {
  const { producers, spare, session } = setUp(1);
  const sessions = [session(), session()];
  for (const each of sessions) await each.enqueue(record);
  for (const each of sessions) await each.close(0);
  assert.equal(spare.count, 1);
  assert.deepEqual(
    producers.map(({ closed }) => closed),
    [false, true],
  );
});

test('one that nobody takes is closed when its time is over; the youngest is taken first', async () => {
  const { producers, clock, spare, session } = setUp(2);
  const [a, b] = [session(), session()];
  await a.enqueue(record);
  await b.enqueue(record);
  await a.close(0);
  await clock.advance(600);
  await b.close(0);
  await clock.advance(400);
  spare.closeIdle(1_000);
  assert.deepEqual(
    producers.map(({ closed }) => closed),
    [true, false],
  );
  const c = session();
  await c.enqueue(record);
  assert.equal(producers[1]!.records.length, 2);
});

test('one that loses its brokers while it is spare is closed', async () => {
  const { producers, spare, session } = setUp(1);
  const owner = session();
  await owner.enqueue(record);
  await owner.close(0);
  producers[0]!.options.onFault!(fault(KafkaCode.allBrokersDown, 'all down'));
  assert.equal(producers[0]!.closed, true);
  assert.equal(spare.count, 0);
});

test('a session that was idle gives its client back for good', async () => {
  const { producers, clock, spare, session } = setUp(1);
  const owner = session();
  await owner.enqueue(record);
  await owner.closeIfIdle(1_000);
  await clock.advance(1_000);
  assert.equal(await owner.closeIfIdle(1_000), true);
  assert.equal(producers[0]!.closed, true);
  assert.equal(spare.count, 0);
});

test('after close() nothing is kept', async () => {
  const { producers, spare, session } = setUp(2);
  const [a, b] = [session(), session()];
  await a.enqueue(record);
  await b.enqueue(record);
  await a.close(0);
  await spare.close();
  await b.close(0);
  assert.deepEqual(
    producers.map(({ closed }) => closed),
    [true, true],
  );
});
