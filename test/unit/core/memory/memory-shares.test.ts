import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetOf } from '../../../../src/core/memory/memory-shares.js';

const mebibyte = 1024 * 1024;

test('a budget is a share of the memory limit, within its usual value and the least that clients need', () => {
  assert.equal(budgetOf('queryBuffer', undefined), 256 * mebibyte);
  assert.equal(budgetOf('queryBuffer', 256 * mebibyte), 32 * mebibyte);
  assert.equal(budgetOf('queryBuffer', 64 * 1024 * mebibyte), 256 * mebibyte);
  assert.equal(budgetOf('prefetch', 32 * mebibyte), mebibyte);
});

test('several that have a budget each divide its share', () => {
  assert.equal(budgetOf('risBuffer', 512 * mebibyte, 4), 32 * mebibyte);
  assert.equal(budgetOf('risBuffer', 512 * mebibyte, 1_000), 4 * mebibyte);
});
