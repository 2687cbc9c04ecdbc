import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProduceBudget } from '../../../../src/kafka/producer/produce-budget.js';

function setUp(limit: number) {
  let now = 0;
  const budget = new ProduceBudget(limit, () => now);
  const producers: [{ heldBytes: number }, { heldBytes: number }] = [{ heldBytes: 0 }, { heldBytes: 0 }];
  for (const producer of producers) budget.add(producer);
  return { budget, producers, pass: (ms: number) => (now += ms) };
}

test('producers take no more together than the limit, whoever takes it', () => {
  const { budget, producers, pass } = setUp(1_000);
  for (let i = 0; i < 10; i++) {
    assert.equal(budget.take(100), true);
    producers[i % 2]!.heldBytes += 100;
  }
  assert.equal(budget.take(1), false);
  pass(5);
  assert.equal(budget.take(1), false, 'they hold it still');
  producers[0].heldBytes = 0;
  assert.equal(budget.take(1), false, 'they are not asked at each record');
  pass(5);
  assert.equal(budget.take(500), true);
  producers[0].heldBytes = 500;
  pass(5);
  assert.equal(budget.take(1), false);
});

test('what is delivered meanwhile costs nobody anything', () => {
  const { budget, pass } = setUp(1_000);
  for (let i = 0; i < 1_000; i++) {
    pass(5);
    assert.equal(budget.take(100), true);
  }
});

test('a record that is larger than the limit passes alone', () => {
  const { budget, producers, pass } = setUp(1_000);
  assert.equal(budget.take(5_000), true);
  producers[0].heldBytes = 5_000;
  pass(5);
  assert.equal(budget.take(1), false);
});

test('a producer that is closed holds nothing any more', () => {
  const { budget, producers, pass } = setUp(1_000);
  assert.equal(budget.take(1_000), true);
  producers[0].heldBytes = 1_000;
  pass(5);
  assert.equal(budget.take(1), false);
  budget.delete(producers[0]);
  pass(5);
  assert.equal(budget.take(1), true);
});
