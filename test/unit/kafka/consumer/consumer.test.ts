// The consumer port over librdkafka: polls that are bounded, errors told apart, edges without leaders, and closing in order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { type Consumer, type ConsumerOptions, KafkaCode, type KafkaFault } from '../../../../src/core/ports.js';
import { openConsumer } from '../../../../src/kafka/consumer/consumer.js';
import type { Callback, NativeError, NativeTopicPartition } from '../../../../src/kafka/native.js';
import { NativeDouble, noProperties, use } from '../../../support/native-doubles.js';

type Answer = (code: number, text?: string) => void;

class Native extends NativeDouble {
  readonly waits: number[] = [];
  /** Ends a wait. */
  readonly waiting: Answer[] = [];
  code = 0;

  consumeBatch(timeoutMs: number, _max: number, callback: (...batch: unknown[]) => void): void {
    this.waits.push(timeoutMs);
    this.waiting.push((code, text = 'Local: broken') => callback(null, null, null, [], code, text, '', -1));
  }

  subscribe(): number {
    this.calls.push('subscribe');
    return this.code;
  }

  storeOffset(): number {
    return this.code;
  }

  assignments(): NativeTopicPartition[] | number {
    return this.code === 0 ? [{ topic: 't', partition: 0, offset: 5 }] : this.code;
  }

  offsetsForTimes(_: unknown, _timeoutMs: number, callback: Callback<readonly NativeTopicPartition[]>): void {
    callback({ code: KafkaCode.leaderNotAvailable, message: 'no leader' } as NativeError, []);
  }

  queryWatermarkOffsets(
    _topic: string,
    partition: number,
    _timeoutMs: number,
    callback: Callback<{ lowOffset: number; highOffset: number }>,
  ): void {
    if (partition === 1)
      callback({ code: KafkaCode.leaderNotAvailable, message: 'no leader' } as NativeError, {
        lowOffset: 0,
        highOffset: 0,
      });
    else callback(null, { lowOffset: 3, highOffset: 9 });
  }
}

async function open({ hasGroup = true } = {}): Promise<{ consumer: Consumer; raw: Native; faults: KafkaFault[] }> {
  const raw = new Native();
  use('KafkaConsumer', raw);
  const faults: KafkaFault[] = [];
  const options: ConsumerOptions = {
    ...(hasGroup ? { groupId: 'g' } : {}),
    properties: {},
    onFault: (fault) => faults.push(fault),
  };
  const consumer = await openConsumer(options, noProperties, pino({ level: 'silent' }), 1_000);
  return { consumer, raw, faults };
}

test('a long poll waits in pieces of a second, so that closing never takes longer', async () => {
  const { consumer, raw } = await open();
  const polled = consumer.poll(10, 60_000);
  raw.waiting.shift()!(0);
  await new Promise(setImmediate);
  assert.deepEqual(raw.waits, [1_000, 1_000]);
  const closed = consumer.close(1_000);
  await new Promise(setImmediate);
  assert.deepEqual(raw.calls, [], 'the poll is waited for');
  raw.waiting.shift()!(0);
  await closed;
  assert.deepEqual(await polled, []);
  assert.deepEqual(raw.calls, ['disconnect']);
  assert.deepEqual(await consumer.poll(10, 60_000), [], 'a closed one has nothing');
});

test('an error that passes is reported, and polling goes on; one that ends the consumer is thrown', async () => {
  const { consumer, raw, faults } = await open();
  const polled = consumer.poll(10, 60_000);
  raw.waiting.shift()!(KafkaCode.transport, 'broker away');
  await new Promise(setImmediate);
  assert.deepEqual(
    faults.map(({ message }) => message),
    ['broker away'],
  );
  raw.waiting.shift()!(KafkaCode.maxPollExceeded, 'too slow');
  await new Promise(setImmediate);
  assert.equal(faults.length, 1, 'librdkafka joins again by itself');
  void consumer.close(1_000);
  raw.waiting.shift()!(0);
  await polled;
});

test('calls on a closed consumer are refused, and reading its assignment answers none', async () => {
  const { consumer } = await open();
  await consumer.close(1_000);
  assert.throws(() => consumer.subscribe(['t']), /closed/);
  assert.throws(() => consumer.storeOffset({ topic: 't', partition: 0, offset: 1 }), /closed/);
  await assert.rejects(consumer.commit([{ topic: 't', partition: 0, offset: 1 }]), /closed/);
  assert.deepEqual(consumer.assignments(), []);
  assert.equal(consumer.close(1), consumer.close(1), 'one close for all callers');
});

test("librdkafka's refusals are errors, not silence", async () => {
  const { consumer, raw } = await open();
  raw.code = KafkaCode.state;
  assert.throws(() => consumer.subscribe(['t']));
  assert.throws(() => consumer.storeOffset({ topic: 't', partition: 0, offset: 1 }));
  assert.throws(() => consumer.assignments());
});

test('ends of partitions: one without a leader does not hide those of the others', async () => {
  const { consumer } = await open();
  const found = await consumer.edges(
    [0, 1, 2].map((partition) => ({ topic: 't', partition })),
    'high',
    1_000,
  );
  assert.deepEqual(
    found.map(({ partition, offset }) => [partition, offset]),
    [
      [0, 9],
      [2, 9],
    ],
  );
});

test('a consumer without a group does not commit', async () => {
  const { consumer } = await open({ hasGroup: false });
  await assert.rejects(consumer.commit([{ topic: 't', partition: 0, offset: 1 }]), /without a group/);
});
