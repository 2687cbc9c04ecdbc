// Who stands for the lead, and who gives it up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasBetter, shouldStand } from '../../../../src/ris/leadership/election.js';

const advert = (since: number | null) => ({ replica: 'other', since });

test('a replica that has everything since before the progress stands at once', () => {
  const snapshot = { leader: null, progress: 100, adverts: [advert(50)] };
  assert.equal(shouldStand(100, snapshot, 0, 1000), true);
});

test('a replica that would leave a hole lets those with less of one go first', () => {
  const snapshot = { leader: null, progress: 100, adverts: [advert(101), advert(102), advert(300)] };
  assert.equal(shouldStand(200, snapshot, 0, 1000), false);
  assert.equal(shouldStand(200, snapshot, 1999, 1000), false);
  assert.equal(shouldStand(200, snapshot, 2000, 1000), true);
});

test('nobody stands against a leader or without a feed', () => {
  assert.equal(shouldStand(1, { leader: 'x', progress: 100, adverts: [] }, 9999, 1), false);
  assert.equal(shouldStand(null, { leader: null, progress: 100, adverts: [] }, 9999, 1), false);
});

test('with no progress known the one that received first goes first', () => {
  assert.equal(shouldStand(5, { leader: null, progress: null, adverts: [advert(9)] }, 0, 1000), true);
  assert.equal(shouldStand(9, { leader: null, progress: null, adverts: [advert(5)] }, 0, 1000), false);
});

test('a leader with a gap steps down for whoever was there before its feed came back', () => {
  assert.equal(hasBetter([advert(10)], 20), true);
  assert.equal(hasBetter([advert(30)], 20), false);
  assert.equal(hasBetter([advert(30)], null), true);
  assert.equal(hasBetter([advert(null)], null), false);
  assert.equal(hasBetter([], null), false);
});
