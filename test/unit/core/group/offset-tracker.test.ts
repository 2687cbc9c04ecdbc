import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AckedRanges } from '../../../../src/core/group/acked-ranges.js';
import { OffsetTracker } from '../../../../src/core/group/offset-tracker.js';

const ackTimeoutMs = 100;
const make = (base = 300, metadata = '') => new OffsetTracker<string>(AckedRanges.decode(base, metadata), ackTimeoutMs);
const offer = (tracker: OffsetTracker<string>, offset: number, now = 0) => tracker.offer(offset, `m${offset}`, now);

describe('offset tracker', () => {
  it('takes offers and acks in any order', () => {
    const table: [step: string, pending: number, base: number, ranges: string][] = [
      ['offer 301', 1, 300, ''],
      ['offer 300', 2, 300, ''],
      ['offer 304', 3, 300, ''],
      ['offer 302', 4, 300, ''],
      ['offer 303', 5, 300, ''],
      ['offer 303', 5, 300, ''],
      ['ack 302', 4, 300, '2-3'],
      ['ack 302', 4, 300, '2-3'],
      ['ack 305', 4, 300, '2-3'],
      ['ack 304', 3, 300, '2-3,4-5'],
      ['ack 299', 3, 300, '2-3,4-5'],
      ['offer 306', 4, 300, '2-3,4-5'],
      ['ack 300', 3, 301, '1-2,3-4'],
      ['ack 301', 2, 303, '1-2'],
      ['offer 305', 3, 303, '1-2'],
      ['ack 306', 2, 303, '1-2,3-4'],
      ['ack 303', 1, 305, '1-2'],
      ['ack 305', 0, 307, ''],
      ['ack 307', 0, 307, ''],
    ];
    const tracker = make();
    for (const [step, pending, base, ranges] of table) {
      const [verb, offset] = step.split(' ') as [string, string];
      if (verb === 'offer') offer(tracker, Number(offset));
      else tracker.ack(Number(offset));
      assert.deepEqual([tracker.pending, tracker.base, tracker.acked.toString()], [pending, base, ranges], step);
    }
  });

  it('never counts the ack of a message that nobody was given', () => {
    const tracker = make();
    assert.equal(tracker.ack(300), false);
    assert.equal(tracker.ack(-1), false);
    assert.equal(tracker.base, 300);
    offer(tracker, 300);
    assert.equal(tracker.ack(300), true);
    assert.equal(tracker.ack(300), false);
    assert.equal(tracker.base, 301);
  });

  it('offers again by deadline, the lowest offset first', () => {
    const tracker = make();
    offer(tracker, 300, 0);
    offer(tracker, 301, 10);
    offer(tracker, 302, 20);
    const table: [now: number, expected: string | undefined][] = [
      [0, undefined],
      [99, undefined],
      [100, '300:1'],
      [100, undefined],
      [109, undefined],
      [110, '301:1'],
      [119, undefined],
      [120, '302:1'],
      [199, undefined],
      [205, '300:2'],
      [205, undefined],
      [225, '301:2'],
      [225, '302:2'],
      [225, undefined],
      [400, '300:3'],
      [400, '301:3'],
      [400, '302:3'],
      [400, undefined],
    ];
    for (const [now, expected] of table) {
      const retry = tracker.nextRetry(now);
      assert.equal(retry && `${retry.offset}:${retry.retries}`, expected, `at ${now}`);
    }
  });

  it('stops looking at the first message within its first deadline', () => {
    const tracker = make();
    offer(tracker, 302, 0);
    offer(tracker, 301, 50);
    assert.equal(tracker.nextRetry(120), undefined);
    tracker.ack(301);
    assert.equal(tracker.nextRetry(120)?.offset, 302);
  });

  it('an acked message is not offered again', () => {
    const tracker = make();
    offer(tracker, 300, 0);
    tracker.ack(300);
    assert.equal(tracker.nextRetry(1000), undefined);
  });

  it('a message that never reached its client is due at once, and that is no retry', () => {
    const tracker = make();
    offer(tracker, 300, 0);
    offer(tracker, 301, 0);
    assert.equal(tracker.release(301, 5), true);
    assert.equal(tracker.release(301, 5), true);
    assert.equal(tracker.nextDeadline(), 5);
    const again = tracker.nextRetry(5);
    assert.deepEqual([again?.offset, again?.retries, again?.deadline], [301, 0, 105]);
    assert.equal(tracker.nextRetry(5), undefined);
    assert.equal(tracker.release(302, 5), false);
    tracker.release(300, 6);
    tracker.ack(300);
    assert.equal(tracker.nextRetry(6), undefined);
  });

  it('knows how long the last live offer may take', () => {
    const tracker = make();
    assert.equal(tracker.longestWait(0), 0);
    offer(tracker, 300, 0);
    offer(tracker, 301, 30);
    offer(tracker, 302, 20);
    assert.equal(tracker.longestWait(40), 90);
    tracker.ack(301);
    assert.equal(tracker.longestWait(40), 80);
    assert.equal(tracker.longestWait(500), 0);
  });

  it('raising the base drops the offers below it', () => {
    const tracker = make(300, 'DB');
    for (const offset of [300, 301, 302]) offer(tracker, offset);
    tracker.raise(302);
    assert.deepEqual([tracker.base, tracker.pending], [302, 1]);
    tracker.raise(303);
    assert.deepEqual([tracker.base, tracker.pending, tracker.acked.toString()], [304, 0, '']);
  });

  it('reading goes on behind what is offered', () => {
    const tracker = make();
    assert.equal(tracker.nextToRead(), 300);
    offer(tracker, 300);
    offer(tracker, 301);
    assert.equal(tracker.nextToRead(), 302);
    tracker.ack(301);
    assert.equal(tracker.nextToRead(), 302);
  });
});

it('offers that came back behind many that did not are found without a search through those before', () => {
  const looksAt = (count: number): number => {
    const tracker = new OffsetTracker<string>(new AckedRanges(0), 1_000);
    let looks = 0;
    for (let offset = 0; offset < 2 * count; offset++) {
      let released = false;
      Object.defineProperty(tracker.offer(offset, '', 0), 'released', {
        get: () => {
          looks++;
          return released;
        },
        set: (value: boolean) => {
          released = value;
        },
      });
    }
    for (let offset = 2 * count - 1; offset >= count; offset--) tracker.release(offset, 0);
    looks = 0;
    for (let offset = count; offset < 2 * count; offset++) assert.equal(tracker.nextRetry(0)?.offset, offset);
    assert.equal(tracker.released, 0);
    return looks;
  };
  assert.ok(looksAt(2_000) <= 2 * looksAt(1_000) + 10);
});
