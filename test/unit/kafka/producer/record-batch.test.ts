// RecordBatch: what is handed over, when, and what becomes of what librdkafka does not take.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode } from '../../../../src/core/ports.js';
import type { NativeProducer } from '../../../../src/kafka/native.js';
import { LingerScheduler } from '../../../../src/kafka/producer/linger-scheduler.js';
import { RecordAccumulator } from '../../../../src/kafka/producer/record-accumulator.js';
import { RecordBatch } from '../../../../src/kafka/producer/record-batch.js';
import { eventually } from '../../../support/eventually.js';

interface Taken {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly number: number;
}

/** A producer of which only the queue is there. */
class Queue {
  readonly taken: Taken[] = [];
  readonly refused: [number: number, topic: string, code: number][] = [];
  readonly batch: RecordAccumulator;
  calls = 0;
  /** What it says of a record; 0: taken. */
  verdict: (record: Taken) => number = () => 0;

  constructor(mostMessages = Number.POSITIVE_INFINITY, lingerMs = 0) {
    const native = {
      outqLen: () => this.taken.length,
      produceMany: (topic: string, bytes: Buffer, fields: Int32Array, count: number) =>
        this.#produceMany(topic, bytes, fields, count),
    };
    this.batch = new RecordAccumulator(native as unknown as NativeProducer, {
      queueMessages: mostMessages,
      lingerMs,
      lingerScheduler: new LingerScheduler(),
      onRefused: (...refusal) => this.refused.push(refusal),
    });
  }

  add(number: number, value = String(number), topic = 't', key: string | null = null, isUrgent = true): boolean {
    return this.batch.add(topic, key === null ? null : Buffer.from(key), Buffer.from(value), number, isUrgent);
  }

  /** Nobody waits for this one. */
  addPatient(number: number, topic = 't'): boolean {
    return this.add(number, String(number), topic, null, false);
  }

  get numbers(): number[] {
    return this.taken.map(({ number }) => number);
  }

  #produceMany(topic: string, bytes: Buffer, fields: Int32Array, count: number): number {
    this.calls += 1;
    let at = 0;
    const text = (length: number): string | null => {
      at += Math.max(0, length);
      return length < 0 ? null : bytes.toString('latin1', at - length, at);
    };
    let refused = 0;
    for (let i = 0; i < count; i += 1) {
      const record = { topic, key: text(fields[4 * i]!), value: text(fields[4 * i + 1]!), number: fields[4 * i + 2]! };
      const code = this.verdict(record);
      fields[4 * i + 3] = code;
      if (code === 0) this.taken.push(record);
      else refused += 1;
    }
    return refused;
  }
}

/** A pack as gathering sees it: nothing has left yet. */
const gathered = { lingerMs: 1, isEmpty: false, submit: () => {}, leftAt: Number.NEGATIVE_INFINITY, rate: 0 };

const turnEnds = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the records of one turn are one call, made when the turn ends', async () => {
  const queue = new Queue();
  for (let i = 0; i < 100; i += 1) assert.equal(queue.add(i, `v${i}`, 't', i % 2 ? `k${i}` : null), true);
  assert.equal(queue.calls, 0);
  await turnEnds();
  assert.equal(queue.calls, 1);
  assert.deepEqual(queue.taken[1], { topic: 't', key: 'k1', value: 'v1', number: 1 });
  assert.deepEqual(queue.numbers, [...Array(100).keys()]);
  assert.equal(queue.batch.isEmpty, true);
});

test('null and empty are told apart', async () => {
  const queue = new Queue();
  queue.batch.add('t', null, null, 1, true);
  queue.batch.add('t', Buffer.alloc(0), Buffer.alloc(0), 2, true);
  await turnEnds();
  assert.deepEqual(
    queue.taken.map(({ key, value }) => [key, value]),
    [
      [null, null],
      ['', ''],
    ],
  );
});

test('more than a pack holds is another call, in order', async () => {
  const queue = new Queue();
  for (let i = 1; i <= 4; i += 1) queue.add(i, 'x'.repeat(60_000));
  queue.add(5, 'y'.repeat(60_000));
  assert.equal(queue.calls, 1);
  for (let i = 6; i < 3_000; i += 1) queue.add(i, 'z');
  await turnEnds();
  assert.equal(queue.calls, 3);
  assert.deepEqual(
    queue.numbers,
    Array.from({ length: 2_999 }, (_, index) => index + 1),
  );
  assert.equal(queue.taken[4]!.value, 'y'.repeat(60_000));
});

test('topics in turn have a pack each; the one that has had its for longest makes room', async () => {
  const queue = new Queue();
  for (let i = 0; i < 100; i += 1) queue.add(i, String(i), `topic ${i % 8}`);
  assert.equal(queue.calls, 0);
  await turnEnds();
  assert.equal(queue.calls, 8);
  const ofOne = queue.taken.filter(({ topic }) => topic === 'topic 3').map(({ number }) => number);
  assert.deepEqual(
    ofOne,
    Array.from({ length: 13 }, (_, index) => 3 + 8 * index).filter((number) => number < 100),
  );
  queue.add(100, 'a', 'topic 0');
  queue.add(101, 'b', 'topic 1');
  queue.add(102, 'c', 'another');
  assert.deepEqual(queue.numbers.slice(100), [100]);
  await turnEnds();
  assert.deepEqual(queue.numbers.slice(100).sort(), [100, 101, 102]);
});

test('a topic whose records found the queue full is not overtaken: no other gets its pack', async () => {
  const queue = new Queue();
  queue.verdict = () => KafkaCode.queueFull;
  for (let i = 0; i < 8; i += 1) queue.add(i, 'v', `topic ${i}`);
  await turnEnds();
  assert.equal(queue.add(8, 'v', 'another'), false);
  queue.verdict = () => 0;
  assert.equal(queue.add(9, 'v', 'another'), true);
  assert.equal(queue.batch.submit(), true);
  assert.deepEqual(queue.numbers.sort(), [0, 1, 2, 3, 4, 5, 6, 7, 9]);
});

test('what finds the queue full is kept in its order and tried again, more is refused meanwhile', async () => {
  const queue = new Queue();
  queue.verdict = () => (queue.taken.length < 3 ? 0 : KafkaCode.queueFull);
  for (let i = 0; i < 10; i += 1) queue.add(i, `value ${i}`);
  await turnEnds();
  assert.deepEqual(queue.numbers, [0, 1, 2]);
  assert.equal(queue.add(10), false);
  assert.equal(queue.batch.submit(), false);
  queue.verdict = () => 0;
  await eventually(5_000, () => queue.taken.length === 10);
  assert.deepEqual(queue.numbers, [...Array(10).keys()]);
  assert.equal(queue.taken[9]!.value, 'value 9');
  assert.equal(queue.add(11), true);
  assert.deepEqual(queue.refused, []);
});

test('a record that is refused for another reason is told of; the others are taken', async () => {
  const queue = new Queue();
  queue.verdict = ({ number }) =>
    number === 2 ? KafkaCode.unknownPartition : number > 3 && queue.taken.length < 3 ? KafkaCode.queueFull : 0;
  for (const number of [1, 2, 3, 4, 5]) queue.add(number);
  await turnEnds();
  assert.deepEqual(queue.refused, [[2, 't', KafkaCode.unknownPartition]]);
  assert.deepEqual(queue.numbers, [1, 3]);
  queue.verdict = () => 0;
  assert.equal(queue.batch.submit(), true);
  assert.deepEqual(queue.numbers, [1, 3, 4, 5]);
});

test("what is packed counts against librdkafka's queue", async () => {
  const queue = new Queue(5);
  for (let i = 0; i < 5; i += 1) assert.equal(queue.add(i), true);
  assert.equal(queue.add(5), false);
  await turnEnds();
  assert.equal(queue.add(5), false);
  queue.taken.splice(0, 2);
  assert.equal(queue.add(5), true);
  assert.equal(queue.add(6), true);
  assert.equal(queue.add(7), false);
  queue.batch.submit();
});

test('a pack that is stopped hands over nothing more', async () => {
  const queue = new Queue();
  queue.add(1);
  queue.batch.stop();
  await turnEnds();
  assert.equal(queue.calls, 0);
});

test('a record that is not urgent leaves at once after a quiet while; those behind it are gathered, one call for all', async () => {
  const queue = new Queue(Number.POSITIVE_INFINITY, 1_000);
  queue.addPatient(1);
  await turnEnds();
  assert.deepEqual([queue.calls, queue.numbers], [1, [1]]);
  queue.addPatient(2);
  await turnEnds();
  queue.addPatient(3);
  await turnEnds();
  assert.equal(queue.calls, 1);
  await eventually(5_000, () => queue.taken.length === 3);
  assert.equal(queue.calls, 2);
});

test('an urgent record takes along what was gathered before it, in order; so does a full pack, a flush', async () => {
  const queue = new Queue(Number.POSITIVE_INFINITY, 60_000);
  for (const topic of ['t', 'other']) queue.addPatient(0, topic);
  await turnEnds();
  queue.addPatient(1);
  await turnEnds();
  assert.deepEqual([queue.calls, queue.numbers], [2, [0, 0]]);
  queue.add(2);
  queue.addPatient(3);
  await turnEnds();
  assert.deepEqual([queue.calls, queue.numbers], [3, [0, 0, 1, 2, 3]]);
  queue.addPatient(4);
  queue.addPatient(5, 'other');
  assert.equal(queue.batch.submit('t'), true);
  assert.deepEqual(queue.numbers.slice(5), [4]);
  assert.equal(queue.batch.submit(), true);
  assert.deepEqual(queue.numbers.slice(5), [4, 5]);
  for (let number = 6; number < 6 + 2_049; number += 1) queue.addPatient(number);
  assert.equal(queue.taken.length, 7 + 2_048);
  queue.batch.stop();
});

test('gathered records that fill the queue do not wait until they are due', async () => {
  const queue = new Queue(3, 60_000);
  queue.addPatient(1);
  await turnEnds();
  assert.ok(queue.addPatient(2) && queue.addPatient(3));
  assert.equal(queue.addPatient(4), false);
  assert.deepEqual(queue.numbers, [1, 2, 3]);
  queue.batch.stop();
});

test('the more producers are busy and the more they send, the longer records are gathered; one that is alone, or sends now and then, never waits', () => {
  const batch = (leftAt: number) => ({ ...gathered, lingerMs: 2, leftAt });
  for (const [producers, records, tooSoonMs, dueMs] of [
    [1, 200, 1.9, 2],
    [5, 200, 9, 15],
    [30, 20, 80, 95],
    [80, 20, 95, 100],
    // Ten records a ms of all: half of it.
    [5, 10, 4.5, 9],
    // Two, and one.
    [40, 0.25, 9, 14],
    [5, 1, 1.9, 2],
  ] as const) {
    let now = 0;
    const lingerScheduler = new LingerScheduler({ now: () => now });
    const sinceLastPack = (ms: number): boolean => lingerScheduler.isDue(batch(now - ms));
    const busy = Array.from({ length: producers }, () => batch(Number.NEGATIVE_INFINITY));
    assert.ok(sinceLastPack(2) && !sinceLastPack(1.9));
    for (; now < 1_000; now += 5) for (const each of busy) each.leftAt = lingerScheduler.left(each, records);
    assert.ok(!sinceLastPack(tooSoonMs) && sinceLastPack(dueMs), `${producers} producers, ${records} records each`);
    now += 1_000;
    assert.ok(sinceLastPack(2), `${producers} that were busy`);
  }
});

test('a process that is one of several takes its own crowd for its share of all, and one producer for the only one', () => {
  const intervals = [
    { processes: 1, producers: 10 },
    { processes: 2, producers: 10 },
    { processes: 16, producers: 1 },
  ].map(({ processes, producers }) => {
    let now = 0;
    const lingerScheduler = new LingerScheduler({ processes, now: () => now });
    const busy = Array.from({ length: producers }, () => ({ ...gathered }));
    for (; now < 1_000; now += 5) for (const each of busy) each.leftAt = lingerScheduler.left(each, 200);
    now -= 5;
    return [...Array(100).keys()].find((ms) => lingerScheduler.isDue({ ...gathered, leftAt: now - ms }));
  });
  // Three ms for each of the nine others, and for eighteen.
  assert.deepEqual(intervals, [27, 54, 1]);
});

test('what has waited for half of its time leaves with a pack that is due, unless that is less than it gathers at least', async () => {
  let now = 1_000;
  let looks = 0;
  const clock = (): number => {
    looks += 1;
    return now;
  };
  const lingerScheduler = new LingerScheduler({ now: clock });
  const submitted: number[] = [];
  const waiting = (number: number, leftAt: number, lingerMs = 1) => {
    // Five records a ms: five ms.
    lingerScheduler.add({ ...gathered, rate: 5, lingerMs, leftAt, submit: () => submitted.push(number) });
  };
  waiting(1, now - 4);
  waiting(2, now - 2);
  waiting(3, now - 2, 4);
  waiting(4, now);
  await eventually(5_000, () => looks > 2);
  assert.deepEqual(submitted, [], 'none is due');
  now += 1;
  await eventually(5_000, () => submitted.length > 0);
  assert.deepEqual(submitted, [1, 2]);
  now += 4;
  await eventually(5_000, () => submitted.length === 4);
});

test('a producer gathers for as many ms as it sends records a ms, up to 5', () => {
  const lingerScheduler = new LingerScheduler({ now: () => 100 });
  const isDue = (rate: number, sinceLastPack: number): boolean =>
    lingerScheduler.isDue({ ...gathered, leftAt: 100 - sinceLastPack, rate });
  assert.deepEqual(
    [isDue(0.2, 1), isDue(3, 2.9), isDue(3, 3), isDue(200, 4.9), isDue(200, 5)],
    [true, false, true, false, true],
  );
});

test("a pack's pace is what left with it, by the time since the one before", () => {
  let now = 0;
  const native = { outqLen: () => 0, produceMany: () => 0 } as unknown as NativeProducer;
  const lingerScheduler = new LingerScheduler({ now: () => now });
  const batch = new RecordBatch(native, { queueMessages: 100, lingerMs: 2, lingerScheduler, onRefused: () => {} });
  const add = (): boolean => batch.add('t', null, Buffer.from('v'), 0, false);
  assert.ok(add() && batch.submit());
  assert.deepEqual([batch.rate, batch.leftAt], [0, 0]);
  now = 4;
  for (let number = 0; number < 20; number += 1) add();
  assert.ok(batch.submit());
  assert.deepEqual([batch.rate, batch.leftAt], [5, 4]);
});

test('without a time to gather for nothing is held back', async () => {
  const queue = new Queue();
  for (const number of [1, 2]) {
    queue.addPatient(number);
    await turnEnds();
  }
  assert.deepEqual(queue.numbers, [1, 2]);
});
