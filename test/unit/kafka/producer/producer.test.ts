// The producer port over librdkafka: order of batched and single records, a full queue, transactions that race with a close.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { KafkaCode, type Producer, type ProducerRecord } from '../../../../src/core/ports.js';
import type { Callback } from '../../../../src/kafka/native.js';
import { LingerScheduler } from '../../../../src/kafka/producer/linger-scheduler.js';
import { openProducer } from '../../../../src/kafka/producer/producer.js';
import { NativeDouble, noProperties, use } from '../../../support/native-doubles.js';

class Native extends NativeDouble {
  readonly taken: string[] = [];
  code = 0;
  queue = 0;
  /** Ends the transaction's commit. */
  commit: Callback | undefined;

  produceMany(_topic: string, bytes: Buffer, fields: Int32Array, count: number): number {
    let at = 0;
    let refused = 0;
    for (let i = 0; i < count; i += 1) {
      const length = Math.max(0, fields[4 * i]!) + Math.max(0, fields[4 * i + 1]!);
      const text = bytes.toString('latin1', at, at + length);
      at += length;
      fields[4 * i + 3] = this.code;
      if (this.code === 0) this.taken.push(text);
      else refused += 1;
    }
    return refused;
  }

  produce(_topic: string, _partition: number, value: Buffer | null): number {
    if (this.code === 0) this.taken.push(value === null ? 'null' : `alone ${value}`);
    return this.code;
  }

  outqLen(): number {
    return this.queue;
  }

  flush(_timeoutMs: number, callback: () => void): void {
    this.calls.push('flush');
    this.queue = 0;
    callback();
  }

  pollReports(): number {
    return 0;
  }

  commitTransaction(_timeoutMs: number, callback: Callback): void {
    this.calls.push('commit');
    this.commit = callback;
  }
}

async function open(): Promise<{ producer: Producer; raw: Native }> {
  const raw = new Native();
  use('Producer', raw);
  const options = { reports: 'errors' as const, onReport: () => {} };
  const producer = await openProducer(options, noProperties, pino({ level: 'silent' }), 1_000, new LingerScheduler());
  return { producer, raw };
}

const record = (value: string | null, over: Partial<ProducerRecord> = {}): ProducerRecord => ({
  topic: 't',
  key: null,
  value: value === null ? null : Buffer.from(value),
  ...over,
});

test('a record that cannot be batched does not overtake those that are', async () => {
  const { producer, raw } = await open();
  producer.produce(record('a'), 'awaited');
  producer.produce(record('b', { partition: 1 }), 'awaited');
  producer.produce(record('c'), 'awaited');
  await producer.flush(100);
  assert.deepEqual(raw.taken, ['a', 'alone b', 'c']);
  await producer.close(100);
});

test('an empty value is not a tombstone', async () => {
  const { producer, raw } = await open();
  producer.produce(record('', { partition: 0 }));
  producer.produce(record(null, { partition: 0 }));
  assert.deepEqual(raw.taken, ['alone ', 'null']);
  await producer.close(100);
});

test('a full queue is an error of its own; other refusals name their reason', async () => {
  const { producer, raw } = await open();
  raw.code = KafkaCode.queueFull;
  assert.throws(() => producer.produce(record('x', { partition: 0 })), { code: KafkaCode.queueFull });
  raw.code = KafkaCode.unknownPartition;
  assert.throws(() => producer.produce(record('x', { partition: 99 })), { code: KafkaCode.unknownPartition });
  raw.code = 0;
  await producer.close(100);
});

test('a close delivers what is batched, and nothing is taken after it', async () => {
  const { producer, raw } = await open();
  producer.produce(record('last'));
  assert.equal(producer.pending, 1);
  const closed = producer.close(1_000);
  assert.throws(() => producer.produce(record('late')), /closed/);
  await closed;
  assert.deepEqual(raw.taken, ['last']);
  assert.equal(producer.pending, 0);
  assert.equal(await producer.flush(100), true);
});

test("a close waits for a transaction's call that is on its way: librdkafka would abort the process", async () => {
  const { producer, raw } = await open();
  const committed = producer.commitTransaction(10_000);
  await new Promise(setImmediate);
  const closed = producer.close(1_000);
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  assert.ok(!raw.calls.includes('disconnect'));
  raw.commit!(null);
  await Promise.all([committed, closed]);
  assert.equal(raw.calls.at(-1), 'disconnect');
  await assert.rejects(producer.commitTransaction(1), /closed/);
});
