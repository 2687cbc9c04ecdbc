// PendingIndex: always what sorting everything would give, of all members and of each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byId, type Pending, placeOf } from '../../../../../src/core/streams/group/pending.js';
import { mergedFrom, PendingIndex } from '../../../../../src/core/streams/group/pending-index.js';

const lowest = { ms: 0, offset: 0, partition: 0 };

const entryAt = (partition: number, offset: number, timestamp: number, member: string): Pending => ({
  partition,
  offset,
  timestamp,
  bytes: 1,
  member,
  deliveredAt: 0,
  deliveries: 1,
  message: undefined,
});

test('entries of several partitions come by id, from any of them on, whatever was added, removed and moved', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'add', 'add', 'remove', 'move'),
    partition: fc.nat(2),
    timestamp: fc.nat(5),
    member: fc.constantFrom('a', 'b', 'c'),
    at: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, from) => {
      const indexes = [new PendingIndex(), new PendingIndex(), new PendingIndex()];
      let expected: Pending[] = [];
      for (const [offset, { what, partition, timestamp, member, at }] of steps.entries()) {
        const entry = expected[at % Math.max(1, expected.length)];
        if (what === 'add') {
          const made = entryAt(partition, offset, timestamp, member);
          indexes[partition]!.add(made);
          expected.push(made);
        } else if (entry && what === 'remove') {
          indexes[entry.partition]!.remove(entry);
          expected = expected.filter((each) => each !== entry);
        } else if (entry) indexes[entry.partition]!.move(entry, member);
      }
      expected.sort(byId);
      const start = expected[from % Math.max(1, expected.length)];
      const place = start ? placeOf(start) : lowest;
      const behind = start ? expected.slice(expected.indexOf(start)) : [];
      assert.deepEqual(
        [
          ...mergedFrom(
            indexes.map(({ all }) => all),
            place,
          ),
        ],
        behind,
      );
      for (const member of ['a', 'b', 'c']) {
        const lists = indexes.flatMap(({ byMember }) => byMember.get(member) ?? []);
        const own = expected.filter((each) => each.member === member);
        assert.deepEqual([...mergedFrom(lists, lowest)], own);
        assert.equal(
          lists.reduce((sum, { size }) => sum + size, 0),
          own.length,
        );
      }
    }),
  );
});

test('entries that are removed in order from the front leave nothing behind', () => {
  const index = new PendingIndex();
  const entries = Array.from({ length: 5_000 }, (_, offset) => entryAt(0, offset, 1, 'm'));
  for (const entry of entries) index.add(entry);
  for (const [done, entry] of entries.entries()) {
    index.remove(entry);
    assert.equal(index.all.at(0), entries[done + 1]);
  }
  assert.equal(index.all.size, 0);
  assert.equal(index.all.last, undefined);
  assert.equal(index.byMember.size, 0);
});
