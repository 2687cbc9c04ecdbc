// A relay beside transactions that stay open: in the checkpoint topic, where they hide progress, and in the source.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock, Producer } from '../../../../src/core/ports.js';
import { CheckpointStore } from '../../../../src/relay/checkpoint/checkpoint-store.js';
import { RunState } from '../../../../src/relay/run-state.js';
import { realClock } from '../../../support/clock.js';
import type { FakeKafka } from '../../../support/fake-kafka.js';
import { fakeLab as lab } from '../../../support/relay-fake-lab.js';
import { ended, fill, metric, numbered, until } from '../../../support/relay-lab.js';

const checkpoints = 'rafka-relay-checkpoints';

/** A producer of somebody else with one record in an open transaction. */
async function open(kafka: FakeKafka, topic: string): Promise<Producer> {
  const producer: Producer = await kafka.producer({
    reports: 'errors',
    onReport: () => {},
    properties: { 'transactional.id': 'foreign' },
  });
  await producer.initTransactions(1_000);
  await producer.beginTransaction();
  producer.produce({ topic, partition: 0, key: Buffer.from('foreign'), value: Buffer.from('{}') });
  await producer.flush(1_000);
  return producer;
}

describe('an open transaction in the checkpoint topic', () => {
  test('a start waits for its end and says so: what was recorded behind it is not copied again', async (t) => {
    const { source, target, run, once, copied } = lab();
    await fill(source, numbered('a', 100));
    await once();
    const foreign = await open(target, checkpoints);
    // This run started before: its progress stands behind the open transaction.
    const first = await run({ topics: { a: 'b' } }, { stopAtEnd: true });
    await until('the first line', () => first.lines.some(({ msg }) => String(msg).includes('open transaction')));
    const line = first.lines.find(({ msg }) => String(msg).includes('open transaction'));
    assert.match(String(line?.at), /^rafka-relay-checkpoints\[0\]@\d+$/);
    await fill(source, numbered('a', 100, { from: 100 }));
    await foreign.abortTransaction(1_000);
    t.after(() => first.stop());
    assert.match((await ended(first)).summary, /: 100 messages/);
    assert.equal((await copied()).length, 200);
  });

  test('progress recorded behind it is read, not what stood in front of it', async () => {
    const { source, target, run, once, copied } = lab();
    await fill(source, numbered('a', 100));
    const first = await run();
    await until('the first hundred', async () => (await copied()).length === 100);
    const foreign = await open(target, checkpoints);
    await fill(source, numbered('a', 100, { from: 100 }));
    await until('all', async () => (await copied()).length === 200);
    await first.stop();
    const second = once();
    await new Promise((resolve) => setImmediate(resolve));
    await foreign.abortTransaction(1_000);
    assert.match((await second).summary, /: 0 messages/);
    assert.equal((await copied()).length, 200);
  });

  test('a start waits no longer for it than a transaction may last', async () => {
    const { target } = lab();
    target.createTopic(checkpoints, 1);
    await open(target, checkpoints);
    // A minute passes with each look.
    let now = 0;
    const clock: Clock = {
      now: () => realClock.now(),
      after: (ms, call) => realClock.after(ms, call),
      monotonic: () => {
        now += 60_000;
        return now;
      },
    };
    const hidden: string[] = [];
    const reading = { timeoutMs: 1_000, run: new RunState(clock, 0), onHidden: (where: string) => hidden.push(where) };
    const store = new CheckpointStore(target, checkpoints, clock);
    await assert.rejects(store.read({ source: 'a', target: 'b' }, reading), /@0: cannot be read to its end/);
    assert.ok(now > 900_000, 'not before a transaction could have ended');
    assert.equal(hidden[0], `${checkpoints}[0]@0`);
  });

  test('a topic that stops with an error aborts its own at once', async () => {
    const { source, target, once } = lab();
    source.createTopic('c', 1);
    target.createTopic('d', 1);
    await fill(source, numbered('a', 10));
    await fill(source, numbered('c', 10));
    const error = { code: 87, message: 'Invalid record', fatal: false, retriable: false, abortable: true };
    target.faults.delivery = (record) => (record.topic === 'd' ? error : undefined);
    const outcome = await once({ topics: { a: 'b', c: 'd' }, target: { oversize: 'stop' } });
    assert.equal(outcome.failed, 1, outcome.text);
    const { offset } = (await target.admin.edges([{ topic: checkpoints, partition: 0 }], 'high'))[0]!;
    const { high } = (await target.admin.watermarks([{ topic: checkpoints, partition: 0 }]))[0]!;
    assert.equal(high, offset, 'nothing is open any more');
  });
});

describe('an open transaction in the source', () => {
  async function hiding() {
    const stage = lab();
    await fill(stage.source, numbered('a', 10));
    const foreign = await open(stage.source, 'a');
    await fill(stage.source, numbered('a', 1_000, { from: 10 }));
    return { ...stage, foreign };
  }

  test('--stop-at-end waits for it: all that was acknowledged before the start is copied', async (t) => {
    const { run, copied, foreign } = await hiding();
    const started = await run({}, { stopAtEnd: true });
    t.after(() => started.stop());
    await until('it is told', () => started.lines.some(({ at }) => at === 'a[0]@10'));
    assert.equal((await copied()).length, 10);
    await foreign.abortTransaction(1_000);
    assert.match((await ended(started)).summary, /: 1010 messages/);
  });

  test('after stop_at_end_timeout the topic stops with an error that names it', async () => {
    const { once, copied } = await hiding();
    const outcome = await once({ source_pool: { stop_at_end_timeout: '300ms' } });
    assert.equal(outcome.failed, 1);
    assert.match(outcome.text, /a\[0\]@10: an open transaction hides the rest of the source topic/);
    assert.equal((await copied()).length, 10);
  });

  test('counts as lag, which is absent while no source tells it', async (t) => {
    const { source, run, foreign } = await hiding();
    const started = await run();
    t.after(() => started.stop());
    const lag = async () => metric(await started.metrics(), 'kafka_relay_lag_messages', { source_partition: '0' });
    await until('the lag', async () => (await lag()) === 1_001);
    source.faults.unreachable = true;
    await until('no lag', async () => (await lag()) === undefined);
    source.faults.unreachable = false;
    await foreign.commitTransaction(1_000);
    await until('none left', async () => (await lag()) === 0);
  });
});
