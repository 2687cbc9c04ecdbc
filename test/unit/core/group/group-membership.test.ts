// A process' membership in a group: it joins, and joins again after failures, for as long as it is wanted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KafkaCode, type KafkaFault } from '../../../../src/core/ports.js';
import { GroupScene } from '../../../support/group-scene.js';

describe("a group's membership", () => {
  test('begins when the one before has left', async () => {
    const scene = new GroupScene();
    scene.kafka.createTopic('t', 1);
    let leave = (): void => {};
    const after = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const membership = scene.join({ after });
    await scene.clock.advance(1_000);
    assert.equal(scene.kafka.group('g').members.length, 0);
    leave();
    await scene.clock.advance(100);
    assert.deepEqual(membership.assigned, [0]);
    await scene.settled(membership.close());
    assert.equal(scene.kafka.group('g').members.length, 0);
  });

  test('is tried again while no broker answers', async () => {
    const scene = new GroupScene();
    scene.kafka.createTopic('t', 1);
    scene.kafka.seed('t', 0, 'm');
    scene.kafka.faults.unreachable = true;
    const membership = scene.join();
    await scene.clock.advance(1_000);
    assert.ok(scene.lines.includes('Failed to join the group, will retry'));
    scene.kafka.faults.unreachable = false;
    await scene.clock.advance(500);
    assert.deepEqual(scene.take(membership), ['m']);
    await scene.settled(membership.close());
  });

  test('has another consumer after one that ended; what was acknowledged is not read again', async () => {
    const scene = new GroupScene();
    scene.kafka.createTopic('t', 1);
    for (const value of ['a', 'b']) scene.kafka.seed('t', 0, value);
    const membership = scene.join();
    await scene.clock.advance(100);
    assert.deepEqual(scene.take(membership), ['a']);
    membership.find(0)!.ack(0);
    membership.acked();
    await scene.clock.advance(100);
    const [first] = [...scene.kafka.consumers];
    scene.kafka.tell(KafkaCode.state, 'fenced', true);
    await scene.pass(5_000);
    assert.ok(scene.lines.includes('The consumer failed: opening a new one'));
    assert.ok(!scene.kafka.consumers.has(first!));
    assert.deepEqual(scene.take(membership), ['b']);
    await scene.settled(membership.close());
  });

  test('a closed one does not open another', async () => {
    const scene = new GroupScene();
    scene.kafka.createTopic('t', 1);
    scene.kafka.faults.unreachable = true;
    const membership = scene.join();
    await scene.clock.advance(50);
    const closed = scene.settled(membership.close());
    scene.kafka.faults.unreachable = false;
    await closed;
    await scene.pass(5_000);
    assert.equal(scene.kafka.consumers.size, 0);
    assert.equal(membership.close(), membership.close(), 'one close for all callers');
  });

  test('waits for a topic that does not exist, says so once, and reads it from its first message', async () => {
    const scene = new GroupScene({ initialOffset: 'newest' });
    const membership = scene.join();
    await scene.clock.advance(3_000);
    assert.equal(scene.lines.filter((line) => line === 'The topic does not exist').length, 1);
    assert.equal(membership.isJoining, false);
    scene.kafka.createTopic('t', 1);
    scene.kafka.seed('t', 0, 'first');
    await scene.pass(10_000);
    assert.deepEqual(scene.take(membership), ['first']);
    await scene.settled(membership.close());
  });

  test('a topic that is made again is read from its first message, and the old position is not committed for it', async () => {
    const scene = new GroupScene();
    scene.kafka.createTopic('t', 1);
    for (const value of ['old 0', 'old 1', 'old 2']) scene.kafka.seed('t', 0, value);
    const membership = scene.join();
    await scene.clock.advance(100);
    assert.deepEqual(scene.take(membership), ['old 0']);
    scene.kafka.createTopic('t', 1);
    scene.kafka.seed('t', 0, 'new 0');
    membership.find(0)!.ack(0);
    membership.acked();
    await scene.pass(30_000);
    assert.ok(scene.lines.some((line) => line.startsWith('The topic was deleted and created again')));
    assert.deepEqual(scene.take(membership), ['new 0']);
    assert.equal(scene.committed(), 0);
    await scene.settled(membership.close());
  });

  test('a lasting refusal is reported at once, trusted for three seconds, then tried again', async () => {
    const scene = new GroupScene();
    scene.kafka.createTopic('t', 1);
    const refusals: KafkaFault[] = [];
    const membership = scene.join({ refused: (fault) => refusals.push(fault) });
    await scene.clock.advance(100);
    const [first] = [...scene.kafka.consumers];
    first!.tell({
      code: KafkaCode.topicAuthorizationFailed,
      message: 'no READ on t',
      fatal: false,
      retriable: false,
      abortable: false,
    });
    await scene.clock.advance(100);
    assert.equal(refusals[0]?.message, 'no READ on t');
    assert.equal(membership.lastingFault()?.message, 'no READ on t');
    await scene.clock.advance(3_000);
    assert.equal(membership.lastingFault(), undefined);
    await scene.pass(5_000);
    assert.ok(!scene.kafka.consumers.has(first!), 'a consumer of its own tries again');
    assert.deepEqual(membership.assigned, [0]);
    await scene.settled(membership.close());
  });
});
