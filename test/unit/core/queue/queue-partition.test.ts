import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type InitialOffset, partitionStart } from '../../../../src/core/group/partition-start.js';
import type { Message } from '../../../../src/core/ports.js';
import { QueuePartition } from '../../../../src/core/queue/queue-partition.js';

const message = (offset: number): Message => ({
  topic: 't',
  partition: 0,
  offset,
  key: null,
  value: null,
  headers: [],
  timestamp: 0,
});

/** A partition that starts at a committed offset, with messages 300 to 309 read. */
function make(limits: { maxRetries?: number; maxPendingMessages?: number } = {}, metadata = '', committed = 300) {
  const givenUp: number[] = [];
  const start = partitionStart({ offset: committed, metadata }, { low: 0, high: 400 }, 'newest');
  const all = { ackTimeoutMs: 100, maxRetries: -1, maxPendingMessages: 300, ...limits };
  const partition = new QueuePartition(0, start, all, ({ offset }) => givenUp.push(offset));
  for (let offset = 300; offset < 310; offset++) partition.push(message(offset));
  return { partition, givenUp, take: (now: number) => partition.take(now)?.offset };
}

describe('a shared partition', () => {
  it('offers in order, each message once', () => {
    const { partition, take } = make();
    assert.deepEqual(
      Array.from({ length: 11 }, () => take(0)),
      [300, 301, 302, 303, 304, 305, 306, 307, 308, 309, undefined],
    );
    assert.equal(partition.pending, 10);
    partition.push(message(305));
    assert.equal(take(0), undefined, 'what was read before is not read again');
  });

  it('skips what is acked already', () => {
    const { take } = make({}, 'BDCB', 300); // 1-4, 6-7
    assert.deepEqual(
      Array.from({ length: 7 }, () => take(0)),
      [300, 304, 305, 307, 308, 309, undefined],
    );
  });

  it('offsets that hold no message are passed: markers of transactions, what retention has taken', () => {
    const { partition, take } = make();
    for (const offset of [311, 312, 320]) partition.push(message(offset));
    const taken = Array.from({ length: 13 }, () => take(0)!);
    assert.deepEqual(taken.slice(10), [311, 312, 320]);
    partition.ack(320);
    assert.deepEqual([partition.base, partition.sparse.text], [300, '10-11,13-21']);
    for (const offset of taken) partition.ack(offset);
    assert.deepEqual([partition.base, partition.sparse.text], [321, '']);
  });

  it('the ack of what was not offered changes nothing', () => {
    const { partition, take } = make();
    assert.equal(partition.ack(300), false);
    take(0);
    assert.equal(partition.ack(301), false, 'chosen to be next, but with nobody yet');
    assert.equal(partition.base, 300);
    assert.equal(partition.ack(300), true);
    assert.equal(partition.ack(300), false);
    assert.deepEqual([partition.base, partition.dirty, partition.sparse.text], [301, true, '']);
  });

  it('with more offers than the limit nothing new; an ack makes room for one', () => {
    const { partition, take } = make({ maxPendingMessages: 3 });
    assert.deepEqual([take(0), take(0), take(0), take(0), take(0)], [300, 301, 302, 303, undefined]);
    assert.equal(partition.blocked, true);
    partition.ack(302);
    assert.deepEqual([take(0), take(0)], [304, undefined]);
  });

  it('retries without end: the message that was next already, then the one whose time is over, and so on', () => {
    const { partition, take } = make();
    take(0);
    assert.deepEqual([take(100), take(100), take(150)], [301, 300, 302]);
    assert.deepEqual([take(200), take(200), take(200)], [303, 300, 301]);
    for (const offset of [301, 302, 303]) partition.ack(offset);
    assert.deepEqual([partition.base, partition.sparse.text], [300, '1-4']);
  });

  it('several messages whose time is over come after a fresh one, in order', () => {
    const { take } = make();
    take(0);
    take(0);
    take(0);
    assert.deepEqual([take(120), take(120), take(120), take(120), take(120)], [303, 300, 301, 302, 304]);
  });

  it('retries go on when there is nothing more to read, and while new offers are held back', () => {
    const { partition, take } = make({ maxPendingMessages: 1 });
    take(0);
    take(0);
    assert.equal(take(50), undefined);
    assert.equal(partition.nextDeadline(), 100);
    assert.deepEqual([take(100), take(100), take(100)], [300, 301, undefined]);
  });

  it('max_retries 0: offered once, then acked unseen', () => {
    const { partition, givenUp, take } = make({ maxRetries: 0, maxPendingMessages: 1 });
    assert.deepEqual([take(0), take(0), take(100)], [300, 301, 302]);
    assert.deepEqual([givenUp, partition.base], [[300, 301], 302]);
  });

  it('max_retries 3: offered four times', () => {
    const { partition, givenUp, take } = make({ maxRetries: 3, maxPendingMessages: 1 });
    take(0);
    take(0);
    partition.ack(301);
    const again = [take(100), take(200), take(300)];
    // The slot that 301 left went to 302, whose time is over in turn.
    assert.ok(again.includes(300));
    for (let now = 400; now < 1000; now += 100) take(now);
    assert.deepEqual(givenUp[0], 300);
    assert.ok(partition.base >= 302);
  });

  it('a message whose reply did not arrive is next, before what was to be next', () => {
    const { partition, take } = make();
    take(0);
    take(0);
    partition.release(301, 1);
    assert.deepEqual([take(1), take(1)], [301, 302]);
    partition.ack(301);
    partition.release(301, 2);
    assert.equal(take(2), 303);
  });

  it('stopped, it offers nothing, acks still count; resumed, it goes on behind what is offered', () => {
    const { partition, take } = make();
    take(0);
    take(0);
    partition.stop();
    assert.equal(take(500), undefined);
    assert.equal(partition.longestWait(40), 60);
    assert.equal(partition.ack(300), true);
    assert.equal(partition.resume(), 302);
    partition.push(message(301));
    partition.push(message(302));
    assert.deepEqual([take(0), take(0)], [302, undefined]);
  });
});

describe('where a partition starts', () => {
  const marks = { low: 100, high: 200 };
  const table: [what: string, committed: [number, string] | undefined, InitialOffset, object][] = [
    ['never committed: the head', undefined, 'newest', { base: 200, readFrom: 200, adjusted: true }],
    ['never committed, oldest wanted', undefined, 'oldest', { base: 100, readFrom: 100, adjusted: true }],
    ['-1: the head', [-1, ''], 'oldest', { base: 200, readFrom: 200, adjusted: true }],
    ['-2: the oldest', [-2, 'xx'], 'newest', { base: 100, readFrom: 100, adjusted: true }],
    ['committed', [150, ''], 'newest', { base: 150, readFrom: 150, adjusted: false }],
    ['below the start', [50, ''], 'newest', { base: 100, readFrom: 100, adjusted: true }],
    ['below the start, which is acked', [98, 'BD'], 'newest', { base: 102, readFrom: 102, adjusted: true }],
    [
      'beyond the end: read from the end, skip until there',
      [205, ''],
      'newest',
      { base: 205, readFrom: 200, adjusted: false },
    ],
    ['at the end', [200, ''], 'newest', { base: 200, readFrom: 200, adjusted: false }],
  ];
  for (const [what, committed, initial, expected] of table)
    it(what, () => {
      const given = committed && { offset: committed[0], metadata: committed[1] };
      const { acked, readFrom, adjusted } = partitionStart(given, marks, initial);
      assert.deepEqual({ base: acked.base, readFrom, adjusted }, expected);
    });

  it('metadata that is nothing of the kind is left out, and said', () => {
    const start = partitionStart({ offset: 150, metadata: 'hello, world' }, marks, 'newest');
    assert.equal(start.acked.toString(), '');
    assert.match(start.ignored ?? '', /bad/);
    const far = partitionStart({ offset: 150, metadata: 'abra1234+/P' }, marks, 'newest');
    assert.notEqual(far.ignored, undefined, 'acks of offsets that do not exist');
  });
});
