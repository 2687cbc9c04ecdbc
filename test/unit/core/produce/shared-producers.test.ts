import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode, type KafkaFactory, type ProducerOptions } from '../../../../src/core/ports.js';
import { ProducerSession } from '../../../../src/core/produce/producer-session.js';
import { SharedProducers } from '../../../../src/core/produce/shared-producers.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { ManualClock } from '../../../support/clock.js';
import { fault, ScriptedProducer } from '../../../support/port-doubles.js';

function setUp(count: number) {
  const producers: ScriptedProducer[] = [];
  const kafka = {
    producer: async (options: ProducerOptions) => {
      const producer = new ScriptedProducer(options);
      producers.push(producer);
      return producer;
    },
  } as unknown as KafkaFactory;
  const shared = new SharedProducers(kafka, count);
  const stats = new Stats();
  const session = (): ProducerSession =>
    new ProducerSession({
      reports: 'all',
      open: (options, timeoutMs) => shared.producer(options, timeoutMs),
      produceTimeoutMs: 1_000,
      clock: new ManualClock(),
      stats,
      onFailure: () => {},
      onLost: () => {},
      onFault: () => {},
    });
  return { producers, shared, session };
}

const record = { topic: 't', key: null, value: Buffer.from('v') };

test('many sessions share the clients in turn', async () => {
  const { producers, session } = setUp(2);
  for (let index = 0; index < 5; index += 1) await session().enqueue(record);
  assert.deepEqual(
    producers.map(({ records }) => records.length),
    [3, 2],
  );
});

test('each session is told of its own records only', async () => {
  const { producers, session } = setUp(1);
  const [a, b] = [session(), session()];
  await a.enqueue(record);
  await b.enqueue(record);
  b.enqueue(record);
  producers[0]!.report(1);
  producers[0]!.report(2, fault(KafkaCode.messageTimedOut));
  assert.equal(a.inFlight, 1);
  assert.equal(b.inFlight, 0);
  assert.equal(await b.dump(0), 1, 'the one that failed');
  producers[0]!.report(0);
  assert.equal(await a.dump(0), 0);
});

test('receipts find their way back', async () => {
  const { producers, session } = setUp(1);
  const sent = session().send(record);
  await new Promise((resolve) => setImmediate(resolve));
  producers[0]!.report(0);
  assert.equal((await sent).offset, 0);
});

test('closing a session leaves the client to the others; closing all closes it', async () => {
  const { producers, session, shared } = setUp(1);
  const [a, b] = [session(), session()];
  await a.enqueue(record);
  await b.enqueue(record);
  producers[0]!.report(0);
  assert.equal(await a.close(0), 0);
  assert.equal(producers[0]!.closed, false);
  assert.equal(b.enqueue(record), undefined);
  await shared.close(0);
  assert.equal(producers[0]!.closed, true);
});

test('after a fatal error every session goes on with a new client', async () => {
  const { producers, session } = setUp(1);
  const [a, b] = [session(), session()];
  await a.enqueue(record);
  await b.enqueue(record);
  producers[0]!.options.onFault!(fault(KafkaCode.fatal, 'out of sequence', true));
  await a.enqueue(record);
  await b.enqueue(record);
  assert.equal(producers.length, 2);
  assert.equal(producers[1]!.records.length, 2);
});
