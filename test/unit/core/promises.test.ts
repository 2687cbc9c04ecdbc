// Promises with an owner: nothing that fails is left to nobody. (An unhandled rejection fails a test by itself.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, guard, own } from '../../../src/core/promises.js';

test('work that is started together is awaited together, also when a start throws in the middle', async () => {
  const ended: number[] = [];
  const work = async (item: number): Promise<number> => {
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(item);
    if (item === 1) throw new Error('of the work');
    return item * 2;
  };
  const start = (item: number): Promise<number> => {
    if (item === 3) throw new Error('of the start');
    return work(item);
  };
  await assert.rejects(all([0, 1, 2, 3, 4], start), { message: 'of the work' });
  assert.deepEqual(ended, [0, 1, 2, 4], 'the first failure is told when all have settled');
  await assert.rejects(all([0, 3, 1], start), { message: 'of the start' });
  assert.deepEqual(await all([0, 2, 4], start), [0, 4, 8]);
});

test('what runs by itself tells its owner of every failure', async () => {
  const told: unknown[] = [];
  const failed = (error: unknown): void => {
    told.push((error as Error).message);
  };
  own(undefined, failed);
  own(Promise.reject(new Error('left alone')), failed);
  guard(() => {
    throw new Error('thrown');
  }, failed);
  guard(async () => {
    throw new Error('rejected');
  }, failed);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told.sort(), ['left alone', 'rejected', 'thrown']);
});
