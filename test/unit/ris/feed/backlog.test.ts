// The backlog: read, released, read again, trimmed, and what happens over its limit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backlog, lineOverhead } from '../../../../src/ris/feed/backlog.js';
import { heldLine } from './held-line.js';

/** What one held line of the tests counts. */
const held = 100 + lineOverhead;

/** The ids of what next() gives until the end. */
function readAll(backlog: Backlog): (string | null)[] {
  const ids: (string | null)[] = [];
  for (let entry = backlog.next(); entry; entry = backlog.next()) if (entry.message) ids.push(entry.message.id);
  return ids;
}

function filled(limit: number, count: number, peers = ['192.0.2.1']): Backlog {
  const backlog = new Backlog(limit);
  for (let i = 0; i < count; i++) backlog.push(heldLine(peers[i % peers.length]!, 1000 + i));
  return backlog;
}

test('what was not released is read again after rewind', () => {
  const backlog = filled(100 * held, 5);
  const first = [backlog.next(), backlog.next()].map((entry) => entry?.message?.id);
  const place = backlog.cursor;
  readAll(backlog);
  backlog.release(place);
  backlog.rewind();
  const rest = readAll(backlog);
  assert.equal(first.length + rest.length, 5);
  assert.equal(new Set([...first, ...rest]).size, 5);
  assert.equal(backlog.bytes, 3 * held);
});

test('places last while thousands of entries come and go', () => {
  const backlog = new Backlog(1 << 30);
  let read = 0;
  for (let i = 0; i < 30_000; i++) {
    backlog.push(heldLine('192.0.2.1', i));
    if (i % 3 !== 0) {
      assert.equal(backlog.next()?.time, read * 1000);
      read++;
    }
    if (i % 1000 === 0) backlog.release(backlog.cursor);
  }
  assert.equal(backlog.unread, 30_000 - read);
});

test('a standby over its limit gives up the oldest and knows until when', () => {
  const backlog = filled(10 * held, 12);
  const dropped = backlog.dropOldest();
  assert.equal(dropped, 3);
  assert.ok(backlog.bytes <= 10 * held);
  assert.equal(backlog.lostUntil, 1_002_000);
  assert.deepEqual(
    backlog.takeLost().map(({ count }) => count),
    [3],
  );
  assert.deepEqual(backlog.takeLost(), []);
});

test('a leader over its limit takes from the peer that fills it most', () => {
  const backlog = new Backlog(20 * held);
  backlog.push(heldLine('192.0.2.9', 1));
  for (let i = 0; i < 20; i++) backlog.push(heldLine('192.0.2.1', 10 + i));
  assert.equal(backlog.dropByPeer(), 3);
  assert.deepEqual(
    backlog.takeLost().map(({ message }) => message.peerKey),
    ['rrc13 192.0.2.1'],
  );
  assert.ok(readAll(backlog).includes(heldLine('192.0.2.9', 1).id));
});

test('nothing of what was given up stays, however long Kafka is away', () => {
  const backlog = new Backlog(20 * held);
  backlog.start(500_000);
  backlog.push(heldLine('192.0.2.9', 1));
  assert.equal(readAll(backlog).length, 1);
  for (let ms = 10; ms < 10_000; ms++) {
    backlog.push(heldLine(`192.0.2.${ms % 3}`, ms));
    backlog.dropByPeer();
    assert.ok(backlog.length <= 22, `${backlog.length} entries at ${ms} ms`);
  }
  backlog.rewind();
  const ids = readAll(backlog);
  assert.equal(ids[0], heldLine('192.0.2.9', 1).id, 'what had been read is there');
  assert.equal(ids.at(-1), heldLine('192.0.2.0', 9_999).id);
  const places = ids.map((id) => id!.slice(-16));
  assert.deepEqual(places, [...places].sort(), 'in order');
});

test('what is being published is never given up', () => {
  const backlog = filled(10 * held, 20);
  readAll(backlog);
  assert.equal(backlog.dropByPeer(), 0);
  assert.equal(backlog.length, 20);
});

test('trim forgets what the leader has committed, and passes no beginning of the feed that is later', () => {
  const backlog = new Backlog(100 * held);
  backlog.start(500_000);
  backlog.push(heldLine('192.0.2.1', 1000));
  backlog.start(1_600_000);
  backlog.push(heldLine('192.0.2.1', 1500));
  backlog.trim(1_200_000);
  assert.equal(backlog.since, 500_000);
  assert.equal(backlog.length, 2);
  backlog.trim(1_700_000);
  assert.equal(backlog.since, 1_600_000);
  assert.equal(backlog.length, 0);
  assert.equal(backlog.bytes, 0);
});
