// Where a group begins to read a partition.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AckedRanges } from '../../../../src/core/group/acked-ranges.js';
import { partitionStart } from '../../../../src/core/group/partition-start.js';

const marks = { low: 10, high: 50 };
const at = (offset: number, metadata = '') => ({ offset, metadata });

/** @returns base of the acks, read position, whether a commit is due */
const start = (...args: Parameters<typeof partitionStart>) => {
  const { acked, readFrom, adjusted } = partitionStart(...args);
  return [acked.base, readFrom, adjusted];
};

describe('where a group begins', () => {
  test('without a commit: at the end or at the beginning, which is committed', () => {
    assert.deepEqual(start(undefined, marks, 'newest'), [50, 50, true]);
    assert.deepEqual(start(undefined, marks, 'oldest'), [10, 10, true]);
  });

  test("Kafka-Pixy's values in place of an offset: -1 is the end, -2 the beginning, whatever the setting", () => {
    assert.deepEqual(start(at(-1), marks, 'oldest'), [50, 50, true]);
    assert.deepEqual(start(at(-2), marks, 'newest'), [10, 10, true]);
  });

  test('at its commit; one that retention has passed moves to the first message', () => {
    assert.deepEqual(start(at(20), marks, 'newest'), [20, 20, false]);
    assert.deepEqual(start(at(50), marks, 'newest'), [50, 50, false]);
    assert.deepEqual(start(at(3), marks, 'newest'), [10, 10, true]);
  });

  test('a commit beyond the end stays, and is read from the end: messages before it are skipped', () => {
    assert.deepEqual(start(at(70), marks, 'newest'), [70, 50, false]);
  });

  test('what was acknowledged out of order is known from the metadata', () => {
    const before = new AckedRanges(20);
    before.add(22);
    before.add(23);
    const { acked, readFrom } = partitionStart(at(20, before.encode()), marks, 'newest');
    assert.equal(readFrom, 20);
    acked.add(20);
    acked.add(21);
    assert.equal(acked.base, 24);
  });

  test('metadata of another program counts as none, with its reason', () => {
    const found = partitionStart(at(20, '{"not":"ours"}'), marks, 'newest');
    assert.deepEqual([found.acked.base, found.readFrom, found.adjusted], [20, 20, false]);
    assert.ok(found.ignored);
  });
});
