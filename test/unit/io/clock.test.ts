// The clock of the machine: long times, and calls that fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClock } from '../../../src/io/clock.js';

const quiet = { error: assert.fail };
const day = 86_400_000;

test('a time that is longer than a timer of Node can be is waited for, and can be called off', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = createClock(quiet);
  const came: string[] = [];
  const longer = 3_000_000_000;
  clock.after(longer, () => came.push('35 days'));
  clock.after(2 ** 31 - 1, () => came.push('the longest timer'));
  clock.after(2 ** 31, () => came.push('one more'));
  clock.after(1e15, () => came.push('never here'));
  const cancel = clock.after(longer, () => came.push('called off'));
  t.mock.timers.tick(2 ** 31 - 2);
  assert.deepEqual(came, []);
  t.mock.timers.tick(1);
  assert.deepEqual(came, ['the longest timer']);
  t.mock.timers.tick(1);
  assert.deepEqual(came, ['the longest timer', 'one more']);
  cancel();
  t.mock.timers.tick(longer - 2 ** 31 - 1);
  assert.equal(came.length, 2);
  t.mock.timers.tick(1);
  assert.deepEqual(came.slice(2), ['35 days']);
  for (let days = 0; days < 1_000; days++) t.mock.timers.tick(day);
  assert.equal(came.length, 3);
});

test('what a timer runs costs the process nothing when it throws or rejects: it is told in the log', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const clock = createClock({ error: ({ err }) => told.push((err as Error).message) });
  clock.after(1, () => {
    throw new Error('thrown');
  });
  clock.after(1, async () => {
    throw new Error('rejected');
  });
  t.mock.timers.tick(1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, ['thrown', 'rejected']);
});
