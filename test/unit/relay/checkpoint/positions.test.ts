// Where each partition is read, what of that is recorded, and what tells the last message from others.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../../../../src/core/ports.js';
import { digestOf } from '../../../../src/relay/checkpoint/checkpoint.js';
import { Positions } from '../../../../src/relay/checkpoint/positions.js';

const message = (offset: number, value: Buffer): Message => ({
  topic: 'a',
  partition: 0,
  offset,
  key: null,
  value,
  headers: [],
  timestamp: 1,
});

describe('positions', () => {
  test('move on only, and go back to what is recorded', () => {
    const positions = new Positions();
    positions.reset([[0, { next: 5 }]]);
    positions.advance(0, 4);
    positions.advance(1, 0);
    assert.deepEqual(positions.takeMoved(), [{ partition: 1, next: 0, last: undefined }]);
    positions.advance(0, 9);
    positions.reset([[0, { next: 5 }]]);
    assert.equal(positions.hasMoved, false);
    assert.equal(positions.at(0), 5);
    assert.equal(positions.at(1), -2);
  });

  test('the last message is known by its digest, and its batch is let go of with settle()', () => {
    const positions = new Positions();
    const batch = Buffer.from('onetwo');
    const last = { offset: 8, digest: digestOf(message(8, Buffer.from('two'))) };
    positions.pass(message(7, batch.subarray(0, 3)));
    positions.pass(message(8, batch.subarray(3)));
    positions.settle();
    batch.fill('x');
    assert.deepEqual(positions.takeMoved(), [{ partition: 0, next: 9, last }]);
  });

  test('the last message stays known when only the end moves on, also after a restart', () => {
    const positions = new Positions();
    const last = { offset: 4, digest: 'd' };
    positions.reset([[0, { next: 5, last }]]);
    positions.advance(0, 7);
    assert.deepEqual(positions.takeMoved(), [{ partition: 0, next: 7, last }]);
    positions.advance(0, 9);
    assert.deepEqual(positions.takeMoved(), [{ partition: 0, next: 9, last }]);
  });
});
