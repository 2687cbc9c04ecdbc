// How messages are waited for.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { takeBatch } from '../../../../src/kafka/consumer/poller.js';

describe('a wait for messages', () => {
  const native = (calls: number[][], ...ending: unknown[]) => ({
    consumeBatch(waitMs: number, max: number, done: (...result: unknown[]) => void) {
      calls.push([waitMs, max]);
      done(null, null, Buffer.from(new Float64Array([0, 0, 4, 5, -1, -1, 0]).buffer), ['t'], ...ending);
    },
  });

  it('is one call of a second at most', async () => {
    const calls: number[][] = [];
    const { messages, error } = await takeBatch(native(calls, 0, '', '', -1) as never, 5_000, 10);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [4],
    );
    assert.equal(error, undefined);
    assert.deepEqual(calls, [[1_000, 10]]);
  });

  it('brings an error beside the messages, with its text and partition', async () => {
    const { messages, error } = await takeBatch(native([], 29, 'Topic authorization failed', 't', 3) as never, 20, 10);
    assert.equal(messages.length, 1);
    assert.deepEqual(error, { code: 29, message: 'Topic authorization failed (t:3)' });
  });
});
