// Which source is read: health, round robin, lag, and never one that is behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backoffMs } from '../../../../src/relay/backoff.js';
import { isBehind, SourcePool, weightOf } from '../../../../src/relay/source/source-pool.js';
import type { SourceView } from '../../../../src/relay/topics/source-view.js';

const view = (high: number[], low: number[] = []): SourceView => ({
  high: new Map(high.entries()),
  low: new Map(high.map((_, partition) => [partition, low[partition] ?? 0])),
});
const at = (...next: number[]) => new Map(next.entries());

describe('source pool', () => {
  test('boot in sync: the first healthy source is chosen at once', () => {
    const pool = new SourcePool(3, 10);
    assert.equal(pool.choose(at(5)), undefined);
    for (const id of [0, 1, 2]) pool.record(id, view([5]));
    assert.equal(pool.choose(at(5)), 0);
  });

  test('round robin: a dead active source is followed by the next, and the one after it', () => {
    const pool = new SourcePool(3, 10);
    const seen: (number | undefined)[] = [];
    for (let turn = 0; turn < 4; turn++) {
      for (const id of [0, 1, 2]) pool.record(id, view([5]));
      if (pool.active !== undefined) pool.markDown(pool.active);
      const id = pool.choose(at(5));
      pool.hand(id!);
      seen.push(id);
    }
    assert.deepEqual(seen, [0, 1, 2, 0]);
  });

  test('a source behind in one partition is not chosen, though it leads in sum', () => {
    const pool = new SourcePool(2, 10);
    pool.record(0, view([100, 4]));
    pool.record(1, view([6, 5]));
    assert.equal(isBehind(pool.view(0)!, at(6, 5)), true);
    assert.equal(pool.choose(at(6, 5)), 1);
    pool.markDown(1);
    assert.equal(pool.choose(at(6, 5)), undefined);
  });

  test('a source that lacks a partition is behind once that was read', () => {
    assert.equal(isBehind(view([9]), at(9, 1)), true);
    assert.equal(isBehind(view([9]), at(9, -2)), false);
  });

  test('one that still holds the next message goes before one whose retention has passed it', () => {
    const pool = new SourcePool(2, 10);
    pool.record(0, view([100], [50]));
    pool.record(1, view([100], [0]));
    assert.equal(pool.choose(at(20)), 1);
    pool.markDown(1);
    assert.equal(pool.choose(at(20)), 0);
  });

  test('14.1 item 6: lag above the threshold switches, equal to it does not', () => {
    const pool = new SourcePool(2, 1_000);
    pool.record(0, view([500, 500]));
    pool.hand(0);
    pool.record(1, view([1_000, 1_000]));
    assert.equal(pool.overtaker(at(500, 500)), undefined);
    pool.record(1, view([1_000, 1_001]));
    assert.equal(pool.overtaker(at(500, 500)), 1);
  });

  test('an overtaker that is behind in a partition is no choice', () => {
    const pool = new SourcePool(2, 10);
    pool.record(0, view([10, 10]));
    pool.hand(0);
    pool.record(1, view([100, 9]));
    assert.equal(pool.overtaker(at(10, 10)), undefined);
  });

  test('weights', () => {
    assert.equal(weightOf(view([3, 4])), 7);
    assert.equal(weightOf(undefined), -1);
  });
});

describe('back-off', () => {
  const on = { enabled: true, minMs: 2_000, maxMs: 10_000 };
  test('doubles from min to max, within a fifth either side', () => {
    assert.equal(
      backoffMs(on, 1, () => 0),
      1_600,
    );
    assert.equal(Math.round(backoffMs(on, 2, () => 0.5)), 4_000);
    assert.equal(
      backoffMs(on, 4, () => 0.999),
      10_000,
    );
    assert.equal(
      backoffMs(on, 11, () => 0),
      10_000,
    );
    assert.equal(
      backoffMs(on, 0, () => 0),
      2_000,
    );
  });
  test('switched off: one second', () => {
    assert.equal(
      backoffMs({ ...on, enabled: false }, 7, () => 0),
      1_000,
    );
  });
});
