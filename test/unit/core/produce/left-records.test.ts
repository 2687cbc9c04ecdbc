import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeftRecords } from '../../../../src/core/produce/left-records.js';
import { ManualClock } from '../../../support/clock.js';

const producer = (inFlight: number, failed = 0) => ({ inFlight, failed });

test('what a closing connection holds, and then what it has lost, is told of for a minute', async () => {
  const clock = new ManualClock();
  const left = new LeftRecords(clock, 'p');
  const one = producer(30);
  const closed = left.add('me', [one]);
  assert.deepEqual(left.of('me'), [{ id: 'p1', held: 30, lost: 0 }]);
  assert.deepEqual(left.of('you'), []);
  Object.assign(one, producer(0, 29));
  closed();
  assert.deepEqual(left.of('me'), [{ id: 'p1', held: 0, lost: 29 }]);
  await clock.advance(59_000);
  assert.equal(left.of('me').length, 1);
  await clock.advance(1_001);
  assert.deepEqual(left.of('me'), []);
});

test('a connection that has delivered everything leaves nothing to be asked for', () => {
  const left = new LeftRecords(new ManualClock());
  left.add('me', [producer(0)])();
  assert.equal(left.has('me'), false);
});

test('the connection that asks is not told of itself', () => {
  const left = new LeftRecords(new ManualClock());
  const own = producer(3);
  left.add('me', [own]);
  assert.deepEqual(left.of('me', [own]), []);
});

test('records that a shared client still has are held after the connection has closed', () => {
  const left = new LeftRecords(new ManualClock());
  const shared = producer(2);
  left.add('me', [shared])();
  assert.deepEqual(
    left.of('me').map(({ held }) => held),
    [2],
  );
  Object.assign(shared, producer(0, 1));
  assert.deepEqual(
    left.of('me').map(({ lost }) => lost),
    [1],
  );
});

test('many closed connections of one client are kept as a few, and none of their losses is forgotten', () => {
  const left = new LeftRecords(new ManualClock());
  for (let i = 0; i < 1_000; i++) left.add('me', [producer(0, 1)])();
  const all = left.of('me');
  assert.ok(all.length <= 64);
  assert.equal(
    all.reduce((sum, { lost }) => sum + lost, 0),
    1_000,
  );
});

test('clients without end are not remembered without end', () => {
  const left = new LeftRecords(new ManualClock());
  for (let i = 0; i < 10_001; i++) left.add(`client ${i}`, [producer(0, 1)])();
  assert.equal(left.has('client 0'), false);
  assert.equal(left.has('client 10000'), true);
});
