// The reorder window: order per peer, duplicates, what is late, what is remembered across a take-over.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Ordered, Reorder } from '../../../../src/ris/feed/order.js';

const item = (ms: number, sequence = 0, peer = 'a'): Ordered => ({
  peerKey: `rrc00 ${peer}`,
  id: `${peer}-${ms}-${sequence}`,
  seconds: Math.floor(ms / 1000),
  micros: (ms % 1000) * 1000,
  sequence,
});
const reorder = (late: 'drop' | 'publish' = 'drop', windowMs = 500, maxHeld = 1e6) =>
  new Reorder<Ordered>({ windowMs, late, maxHeld });
const ids = (items: readonly Ordered[]): (string | null)[] => items.map(({ id }) => id);

describe('Reorder', () => {
  test('holds for the window, and lets go in order', () => {
    const order = reorder();
    order.push(item(20), 1000);
    order.push(item(10, 1), 1100);
    order.push(item(10, 0), 1200);
    assert.deepEqual(order.take(1499), []);
    // The oldest is due; the two that go before it leave with it.
    assert.deepEqual(ids(order.take(1500)), ['a-10-0', 'a-10-1', 'a-20-0']);
    assert.equal(order.held, 0);
  });

  test('one peer does not wait for another', () => {
    const order = reorder();
    order.push(item(10, 0, 'a'), 0);
    order.push(item(5, 0, 'b'), 400);
    assert.deepEqual(ids(order.take(500)), ['a-10-0']);
    assert.deepEqual(ids(order.take(900)), ['b-5-0']);
  });

  test('whatever the arrival within the window, each peer leaves in the order of its times', () => {
    const one = fc.record({
      ms: fc.nat(2000),
      delay: fc.nat(499),
      sequence: fc.nat(3),
      peer: fc.constantFrom('a', 'b', 'c'),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(one, { maxLength: 200, selector: (x) => `${x.peer}-${x.ms}-${x.sequence}` }),
        (all) => {
          const order = reorder();
          const out: Ordered[] = [];
          for (const { ms, delay, sequence, peer } of all.toSorted((a, b) => a.ms + a.delay - b.ms - b.delay)) {
            assert.equal(order.push(item(ms, sequence, peer), ms + delay), 'held');
            out.push(...order.take(ms + delay));
          }
          out.push(...order.flush());
          for (const peer of ['a', 'b', 'c']) {
            const want = all.filter((x) => x.peer === peer).toSorted((a, b) => a.ms - b.ms || a.sequence - b.sequence);
            const got = out.filter(({ peerKey }) => peerKey.endsWith(peer));
            assert.deepEqual(
              ids(got),
              want.map((x) => `${peer}-${x.ms}-${x.sequence}`),
            );
          }
        },
      ),
    );
  });

  test('equal places leave in the order of arrival', () => {
    const order = reorder();
    for (const id of ['x', 'y', 'z']) order.push({ ...item(10), id }, 0);
    assert.deepEqual(ids(order.flush()), ['x', 'y', 'z']);
    assert.equal(order.push({ ...item(10), id: 'w' }, 1), 'held');
    assert.equal(order.push({ ...item(10), id: 'y' }, 1), 'duplicate');
  });

  test('an id seen before is a duplicate, held or gone', () => {
    const order = reorder();
    assert.equal(order.push(item(10), 0), 'held');
    assert.equal(order.push(item(10), 1), 'duplicate');
    order.flush();
    assert.equal(order.push(item(10), 2), 'duplicate');
    assert.deepEqual(order.flush(), []);
  });

  test('after its place was passed: dropped, or published out of order once', () => {
    const drop = reorder('drop');
    drop.push(item(20), 0);
    drop.flush();
    assert.equal(drop.push(item(10), 1), 'late');
    assert.deepEqual(drop.flush(), []);
    const publish = reorder('publish');
    publish.push(item(20), 0);
    publish.flush();
    assert.equal(publish.push(item(10), 1), 'late');
    assert.equal(publish.push(item(10), 2), 'duplicate');
    assert.deepEqual(ids(publish.take(2)), ['a-10-0']);
    assert.equal(publish.push(item(15), 3), 'late');
    assert.equal(publish.push(item(21), 3), 'held');
  });

  test('is bounded: over its limit the oldest leave early', () => {
    const order = reorder('drop', 500, 10);
    for (let ms = 0; ms < 25; ms++) order.push(item(ms), 0);
    assert.equal(ids(order.take(0)).length, 15);
    assert.equal(order.held, 10);
  });

  test('another one takes over at the place, without loss or repeat', () => {
    const first = reorder();
    const second = reorder();
    for (const ms of [10, 20, 30]) first.push(item(ms), ms);
    for (const ms of [10, 20, 30, 40]) second.push(item(ms), ms);
    first.push({ ...item(30), id: 'twin' }, 31);
    second.push({ ...item(30), id: 'other' }, 31);
    first.take(531);
    const progress = JSON.parse(JSON.stringify(first.snapshot()));
    assert.equal(second.restore(progress), 3);
    assert.deepEqual(ids(second.flush()), ['other', 'a-40-0']);
  });

  test('remembers no more than its window needs', () => {
    const order = reorder('drop', 100);
    for (let ms = 0; ms < 100_000; ms += 10) {
      order.push(item(ms), ms);
      order.take(ms);
    }
    order.flush();
    assert.ok(Object.values(order.snapshot())[0]!.length < 60);
  });
});
