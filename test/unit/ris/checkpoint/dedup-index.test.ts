// What a new leader takes for published.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Delta, Published } from '../../../../src/ris/checkpoint/dedup-index.js';
import { heldLine, withoutId } from '../feed/held-line.js';

const nothing: Delta = { places: new Map(), ids: new Map() };
const drop = { windowUs: 500_000, late: 'drop' } as const;
const publish = { windowUs: 500_000, late: 'publish' } as const;

/** What a predecessor left that published these. */
function left(...published: ReturnType<typeof heldLine>[]): Delta {
  const past = new Published(drop, nothing);
  for (const message of published) past.add(message);
  return past.takeDelta();
}

test('nothing is published at first', () => {
  assert.equal(new Published(drop, nothing).has(heldLine('192.0.2.1', 1000)), false);
});

test('a successor skips what is up to the last place of each peer, and nothing after it', () => {
  const past = new Published(drop, left(heldLine('192.0.2.1', 1000), heldLine('192.0.2.1', 2000, 3)));
  assert.equal(past.has(heldLine('192.0.2.1', 1000)), true);
  assert.equal(past.has(heldLine('192.0.2.1', 1500)), true, 'its place was passed');
  assert.equal(past.has(heldLine('192.0.2.1', 2000, 3)), true);
  assert.equal(past.has(heldLine('192.0.2.1', 2000, 4)), false);
  assert.equal(past.has(heldLine('192.0.2.2', 1)), false);
});

test('of two messages with the same place the one that was not published is', () => {
  const first = { ...heldLine('192.0.2.1', 1000), id: 'a' };
  const second = { ...heldLine('192.0.2.1', 1000), id: 'b' };
  const past = new Published(drop, left(first));
  assert.equal(past.has(first), true);
  assert.equal(past.has(second), false);
});

test('what has the last place is known however long ago that was, and when no other id is', () => {
  const [first, second] = ['a', 'b'].map((id) => ({ ...heldLine('192.0.2.1', 1000), id }));
  const { places } = left(first!, second!);
  assert.deepEqual(places.get(first!.peerKey), [1, 0, 0, 'a', 'b']);
  const past = new Published(drop, { places, ids: new Map() });
  assert.equal(past.has(first!), true);
  assert.equal(past.has(second!), true);
  assert.equal(past.has({ ...first!, id: 'c' }), false);
});

test('of the ids of before, those older than the window are not taken', () => {
  const all = Array.from({ length: 5_000 }, (_, ms) => heldLine('192.0.2.1', ms));
  assert.equal(new Published(drop, left(...all)).remembered, 501);
});

test('without an id the time decides, against publishing twice', () => {
  const message = withoutId(heldLine('192.0.2.1', 1000));
  assert.equal(new Published(drop, left(heldLine('192.0.2.1', 1000))).has(message), true);
  const own = new Published(drop, nothing);
  own.add(withoutId(heldLine('192.0.2.1', 1000)));
  assert.equal(own.has(message), false, 'another message of this term with the same place');
});

test('late: publish goes by the ids within one window, and by the time before it', () => {
  const past = new Published(publish, left(heldLine('192.0.2.1', 1800), heldLine('192.0.2.1', 2000)));
  assert.equal(past.has(heldLine('192.0.2.1', 1800)), true);
  assert.equal(past.has(heldLine('192.0.2.1', 1900)), false);
  assert.equal(past.has(heldLine('192.0.2.1', 1400)), true, 'may have been published, nobody remembers');
});

test('a delta holds each id once and the last place', () => {
  const past = new Published(drop, nothing);
  past.add(heldLine('192.0.2.1', 1000));
  past.add(heldLine('192.0.2.1', 1001));
  const delta = past.takeDelta();
  assert.deepEqual(delta.places.get('rrc13 192.0.2.1')?.slice(0, 3), [1, 1000, 0]);
  assert.equal(delta.ids.get('rrc13 192.0.2.1')?.length, 2);
  assert.equal(past.takeDelta().places.size, 0);
});

test('memory stays within twice the window', () => {
  const past = new Published(drop, nothing);
  for (let ms = 0; ms < 20_000; ms++) past.add(heldLine('192.0.2.1', ms));
  past.takeDelta();
  assert.ok(past.remembered >= 501 && past.remembered <= 2 * 501, `${past.remembered} ids`);
});
