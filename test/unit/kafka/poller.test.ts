// How messages are waited for.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { takeBatch } from '../../../src/kafka/poller.js';

describe('a wait for messages', () => {
  const message = (offset: number) => ({ topic: 't', partition: 0, offset, timestamp: 0, key: null, value: null });

  it('without packing takes one with a wait, and what is ready without', async () => {
    const calls: number[][] = [];
    const native = {
      consume(waitMs: number, max: number, done: (error: null, messages: object[], ends: object[]) => void) {
        calls.push([waitMs, max]);
        done(null, calls.length === 1 ? [message(0)] : [message(1), message(2)], []);
      },
    };
    const { messages } = await takeBatch(native as never, 5_000, 10, false);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [0, 1, 2],
    );
    assert.deepEqual(calls, [
      [1_000, 1],
      [0, 9],
    ]);
  });

  it('with packing is one call, whose error comes beside the messages', async () => {
    const calls: number[][] = [];
    const native = {
      consumeBatch(waitMs: number, max: number, done: (...result: unknown[]) => void) {
        calls.push([waitMs, max]);
        done(null, null, Buffer.from(new Float64Array([0, 0, 4, 5, -1, -1, 0]).buffer), ['t'], -195);
      },
    };
    const { messages, error } = await takeBatch(native as never, 20, 10, true);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [4],
    );
    assert.equal(error, -195);
    assert.deepEqual(calls, [[20, 10]]);
  });
});
