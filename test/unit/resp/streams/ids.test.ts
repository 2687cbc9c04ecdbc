import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  after,
  before,
  compareIds,
  formatId,
  highestId,
  idOf,
  lowestId,
  parseBound,
  parseId,
} from '../../../../src/resp/streams/ids.js';

const place = fc.record({
  timestamp: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  offset: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  partition: fc.integer({ min: 0, max: 65_535 }),
});

test('an id tells timestamp, offset and partition, and comes back from its text', () => {
  fc.assert(fc.property(place, (at) => assert.deepEqual(parseId(Buffer.from(formatId(at))), idOf(at))));
});

test('ids are ordered as their numbers are', () => {
  const numbers = (text: string) => text.split('-').map(BigInt) as [bigint, bigint];
  fc.assert(
    fc.property(place, place, (a, b) => {
      const [ams, aseq] = numbers(formatId(a));
      const [bms, bseq] = numbers(formatId(b));
      const wanted = ams === bms ? (aseq < bseq ? -1 : aseq > bseq ? 1 : 0) : ams < bms ? -1 : 1;
      assert.equal(Math.sign(compareIds(idOf(a), idOf(b))), wanted);
    }),
  );
});

test('the neighbours of an id are one apart', () => {
  fc.assert(
    fc.property(place, (at) => {
      assert.deepEqual(before(after(idOf(at))!), idOf(at));
      assert.equal(compareIds(after(idOf(at))!, idOf(at)) > 0, true);
    }),
  );
  assert.equal(before(lowestId), undefined);
  assert.equal(after(highestId), undefined);
});

test('bounds: open ends, exclusive ones, ids without a sequence number', () => {
  const bound = (text: string, side: 'start' | 'end') => parseBound(Buffer.from(text), side);
  assert.deepEqual(bound('-', 'start'), lowestId);
  assert.deepEqual(bound('+', 'end'), highestId);
  assert.deepEqual(bound('7', 'start'), { ms: 7, offset: 0, partition: 0 });
  assert.deepEqual(bound('7', 'end'), { ...highestId, ms: 7 });
  assert.deepEqual(bound('(7-0', 'start'), { ms: 7, offset: 0, partition: 1 });
  assert.deepEqual(bound('(7-65536', 'end'), { ms: 7, offset: 0, partition: 65_535 });
  assert.deepEqual(bound('(7-0', 'end'), { ...highestId, ms: 6 });
  assert.throws(() => bound('(0-0', 'end'), { code: 'range-end' });
  assert.throws(() => bound('(18446744073709551615-18446744073709551615', 'start'), { code: 'range-start' });
});

test('what is no id is refused', () => {
  for (const text of ['', '-', '1-', '-1', '1-2-3', 'a', '1-b', '18446744073709551616', '1-18446744073709551616', ' 1'])
    assert.throws(() => parseId(Buffer.from(text)), { code: 'stream-id' }, text);
});
