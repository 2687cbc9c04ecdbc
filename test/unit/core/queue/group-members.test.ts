import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GroupDescription } from '../../../../src/core/ports.js';
import { GroupMembers, type Members } from '../../../../src/core/queue/group-members.js';
import { ManualClock } from '../../../support/clock.js';
import { FakeKafka } from '../../../support/fake-kafka.js';

const member = (clientId: string, ...partitions: number[]) => ({
  memberId: `${clientId}-1`,
  clientId,
  assignments: new Map(partitions.length > 0 ? [['t', partitions]] : []),
});

function make(own: Members = new Map()) {
  const { admin } = new FakeKafka({ clock: new ManualClock() });
  let now: GroupDescription = { groupId: 'g', state: 'DEAD', members: [] };
  admin.describeGroups = async () => [now];
  admin.groups = async () => ['g'];
  const members = new GroupMembers(admin, () => own);
  const is = (state: string, ...found: GroupDescription['members']) => {
    now = { groupId: 'g', state, members: found };
  };
  return { members, is };
}

const plain = (found: Members) => Object.fromEntries(found);

describe('members of groups', () => {
  for (const state of ['PREPARING_REBALANCE', 'COMPLETING_REBALANCE'])
    it(`${state}: the members as they were last known`, async () => {
      const { members, is } = make();
      is('STABLE', member('b', 1, 0), member('a', 2));
      await members.all('t');
      is(state, member('a'), member('b'), member('c'));
      assert.deepEqual(plain(await members.of('g', 't')), { a: [2], b: [0, 1] });
      assert.deepEqual(plain((await members.all('t')).get('g')!), { a: [2], b: [0, 1] });
      is('STABLE', member('c', 0, 1, 2));
      assert.deepEqual(plain(await members.of('g', 't')), { c: [0, 1, 2] });
    });

  it('in a rebalance of a group that nobody asked about: the members in this process', async () => {
    const { members, is } = make(new Map([['me', [0, 1]]]));
    is('PREPARING_REBALANCE', member('me'), member('other'));
    assert.deepEqual(plain(await members.of('g', 't')), { me: [0, 1] });
  });

  it('a group that has ended since is unknown, also when it begins anew', async () => {
    const { members, is } = make();
    is('STABLE', member('a', 0));
    await members.of('g', 't');
    is('EMPTY');
    await assert.rejects(members.of('g', 't'), /unknown consumer group g/);
    is('PREPARING_REBALANCE', member('b'));
    await assert.rejects(members.of('g', 't'), /topic t is not consumed by g/);
  });
});
