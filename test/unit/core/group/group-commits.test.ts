// GroupCommits: what has moved is committed, tried again when Kafka refuses, and given up in time when a group is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Committable, GroupCommits } from '../../../../src/core/group/group-commits.js';
import { KafkaCode, KafkaError, type TopicPartitionOffset } from '../../../../src/core/ports.js';
import { ManualClock } from '../../../support/clock.js';
import { fault } from '../../../support/port-doubles.js';

class Moved implements Committable {
  readonly sparse = { metadata: '' };
  readonly partition = 0;
  base = 5;
  committed = 0;

  get dirty(): boolean {
    return this.base !== this.committed;
  }
}

function make(commit: (positions: readonly TopicPartitionOffset[]) => Promise<void>) {
  const clock = new ManualClock();
  const partition = new Moved();
  const warnings: string[] = [];
  const commits = new GroupCommits({
    topic: 't',
    clock,
    retryBackoffMs: 100,
    partitions: () => [partition],
    commit,
    warn: (text) => warnings.push(text),
  });
  return { clock, partition, commits, warnings };
}

/** How long, in ms of the clock, something takes; it must end within a minute. */
async function timed(clock: ManualClock, work: Promise<unknown>): Promise<number> {
  const startedAt = clock.monotonic();
  let isDone = false;
  void work.then(() => {
    isDone = true;
  });
  for (let left = 1_200; left > 0 && !isDone; left--) await clock.advance(50);
  assert.ok(isDone);
  return clock.monotonic() - startedAt;
}

test('a refused commit is tried again until Kafka takes it, with what has moved meanwhile', async () => {
  const taken: number[] = [];
  let refusals = 2;
  const { clock, partition, commits } = make(async ([position]) => {
    if (refusals-- > 0) throw new KafkaError(fault(KafkaCode.transport));
    taken.push(position!.offset);
  });
  assert.equal(await commits.now(), false);
  partition.base = 7;
  await clock.advance(1_000);
  assert.deepEqual([taken, partition.committed], [[7], 7]);
});

test('a commit that hangs, or is refused for ever, holds the leaving up no longer than it may', async () => {
  const never = new Promise<void>(() => {});
  const hanging = make(() => never);
  assert.ok((await timed(hanging.clock, hanging.commits.within(5_000))) < 6_000);
  assert.deepEqual(hanging.warnings, ['Left without committing the last acks: their messages come again']);
  const refused = make(async () => {
    throw new KafkaError(fault(KafkaCode.transport));
  });
  assert.ok((await timed(refused.clock, refused.commits.within(5_000))) < 6_000);
  assert.equal(refused.warnings.at(-1), 'Left without committing the last acks: their messages come again');
});

test('leaving ends with the commit', async () => {
  const { clock, partition, commits, warnings } = make(async () => {});
  assert.ok((await timed(clock, commits.within(5_000))) <= 100);
  assert.deepEqual([partition.committed, warnings], [5, []]);
});
