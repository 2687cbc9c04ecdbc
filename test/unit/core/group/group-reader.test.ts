// A member of a group at work: reading, rebalances, acks that race with both, and leaving.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GroupScene } from '../../../support/group-scene.js';

/** A group that has read the first of these messages. */
async function reading(values: readonly string[], over = {}) {
  const scene = new GroupScene(over);
  scene.kafka.createTopic('t', 1);
  for (const value of values) scene.kafka.seed('t', 0, value);
  const membership = scene.join();
  await scene.clock.advance(100);
  assert.deepEqual(scene.take(membership), [values[0]]);
  const ack = (offset: number) => {
    const isOffered = membership.find(0)?.ack(offset) ?? false;
    membership.acked();
    return isOffered;
  };
  return { scene, membership, ack };
}

describe("a group's reader", () => {
  test('an ack is committed within the interval', async () => {
    const { scene, membership, ack } = await reading(['a', 'b']);
    assert.ok(ack(0));
    assert.notEqual(scene.committed(), 1);
    await scene.clock.advance(50);
    assert.equal(scene.committed(), 1);
    await scene.settled(membership.close());
  });

  test('a rebalance waits for the acks of what is offered, and commits them before the partition goes', async () => {
    const { scene, membership, ack } = await reading(['a', 'b'], { rebalanceAckTimeoutMs: 5_000 });
    const rebalanced = scene.kafka.rebalance('g');
    await scene.clock.advance(200);
    assert.deepEqual(scene.take(membership), [], 'nothing new is offered meanwhile');
    assert.equal(membership.holds(0), true);
    assert.ok(ack(0), 'an ack is still taken');
    await scene.settled(rebalanced);
    assert.equal(scene.committed(), 1);
    assert.deepEqual(scene.take(membership), ['b']);
    await scene.settled(membership.close());
  });

  test('a rebalance waits no longer than it may: what was not acknowledged is offered again', async () => {
    const { scene, membership } = await reading(['a'], { rebalanceAckTimeoutMs: 300 });
    await scene.settled(scene.kafka.rebalance('g'));
    // The partition came back, and what is known of it has stayed.
    assert.equal(membership.pending, 1);
    await scene.clock.advance(1_100);
    assert.deepEqual(scene.take(membership), ['a']);
    await scene.settled(membership.close());
  });

  test('a partition that comes back where another member has moved on is begun anew', async () => {
    const { scene, membership } = await reading(['a', 'b', 'c'], { rebalanceAckTimeoutMs: 300 });
    const rebalanced = scene.kafka.rebalance('g');
    // As if it had been away, and its next owner had read two messages.
    scene.kafka.group('g').commit([{ topic: 't', partition: 0, offset: 2, metadata: '' }]);
    await scene.settled(rebalanced);
    assert.equal(membership.pending, 0);
    await scene.clock.advance(100);
    assert.deepEqual(scene.take(membership), ['c']);
    await scene.settled(membership.close());
  });

  test('positions that are set move this member at once, and are not overwritten by its acks', async () => {
    const { scene, membership, ack } = await reading(['a', 'b', 'c']);
    await scene.settled(membership.setOffsets([{ topic: 't', partition: 0, offset: 2, metadata: '' }]));
    await scene.clock.advance(100);
    assert.equal(ack(0), false, 'an offer of before is void');
    assert.deepEqual(scene.take(membership), ['c']);
    await scene.clock.advance(200);
    assert.equal(scene.committed(), 2);
    await scene.settled(membership.close());
  });

  test('closing waits for outstanding acks, commits them, and leaves the group', async () => {
    const { scene, membership, ack } = await reading(['a', 'b'], { rebalanceAckTimeoutMs: 5_000 });
    const closed = membership.close();
    await scene.clock.advance(200);
    assert.equal(scene.kafka.group('g').members.length, 1, 'it waits');
    assert.ok(ack(0));
    await scene.settled(closed);
    assert.equal(scene.committed(), 1);
    assert.equal(scene.kafka.group('g').members.length, 0);
  });

  test('closing answers what was acknowledged out of order and no commit covers', async () => {
    const { scene, membership, ack } = await reading(['a', 'b'], { rebalanceAckTimeoutMs: 100 });
    assert.deepEqual(scene.take(membership), ['b']);
    assert.ok(ack(1));
    const left = await scene.settled(membership.close());
    assert.equal(left.length, 1);
    assert.equal(left[0]!.offset, 0);
    assert.notEqual(left[0]!.metadata, '');
  });

  test('an abandoned reader commits nothing: its topic is gone', async () => {
    const { scene, membership, ack } = await reading(['a', 'b']);
    const before = scene.committed();
    ack(0);
    membership.abandon();
    await scene.settled(membership.close());
    assert.equal(scene.committed(), before);
  });
});
