// What one connection's producer may hold of the produce budget: a quarter of it, or what the file says, up to the whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { KafkaCode, KafkaError, type Producer, type Properties } from '../../../../src/core/ports.js';
import { createKafkaFactory } from '../../../../src/kafka/factory.js';
import { ProduceBudget } from '../../../../src/kafka/producer/produce-budget.js';

const kibibyte = 1_024;
const limit = 2_048 * kibibyte;
const value = Buffer.alloc(8 * kibibyte);
/** Nothing leaves by itself: less than a batch, and nobody waits so long. */
const still = { 'linger.ms': 200_000, 'batch.size': 2 * limit };

/** @returns how many bytes of values it takes. */
function fill(producer: Producer): number {
  for (let bytes = 0; ; bytes += value.length) {
    assert.ok(bytes <= 2 * limit, 'it takes more than all together may');
    try {
      producer.produce({ topic: 't', partition: 0, key: null, value });
    } catch (error) {
      assert.ok(error instanceof KafkaError && error.code === KafkaCode.queueFull, String(error));
      return bytes;
    }
  }
}

/** What each of two producers takes, the first one first. */
async function held(own: Properties): Promise<[number, number]> {
  const budget = new ProduceBudget(limit);
  const log = pino({ level: 'silent' });
  const kafka = await createKafkaFactory({ embedded: true, producer: { ...still, ...own }, budget, log });
  const producers: Producer[] = [];
  try {
    for (let count = 0; count < 2; count++)
      producers.push(await kafka.producer({ reports: 'errors', onReport: () => {} }, 30_000));
    const [first, second] = producers as [Producer, Producer];
    return [fill(first), fill(second)];
  } finally {
    for (const producer of producers) {
      await producer.purge();
      await producer.close(0);
    }
    await kafka.close();
  }
}

test("a connection's producer holds a quarter of the budget, and the next one as much", {
  timeout: 60_000,
}, async () => {
  assert.deepEqual(await held({}), [limit / 4, limit / 4]);
});

test('queue.buffering.max.kbytes of the file is what it holds instead, but no more than the budget', {
  timeout: 60_000,
}, async () => {
  const [first] = await held({ 'queue.buffering.max.kbytes': 1_024 });
  assert.equal(first, limit / 2);
  const [most, rest] = await held({ 'queue.buffering.max.kbytes': 1_000_000 });
  assert.ok(most > limit / 2 && most + rest <= limit, `${most}, ${rest}`);
});
