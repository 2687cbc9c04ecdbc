// The target side in trouble, on Kafka in memory: what is tried again, what ends the topic, and what is said.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KafkaError, type KafkaFault, type ProducerRecord } from '../../../../src/core/ports.js';
import { TransactionSize } from '../../../../src/relay/target/transaction-size.js';
import { fakeLab as lab } from '../../../support/relay-fake-lab.js';
import { ended, fill, metric, numbered, until } from '../../../support/relay-lab.js';

const late: KafkaFault = { code: -192, message: 'timed out', fatal: false, retriable: false, abortable: true };

describe('the size of transactions', () => {
  test('halves with every failure, and doubles after ten that ended well', () => {
    const size = new TransactionSize(1_000);
    size.failed();
    size.failed();
    assert.equal(size.records, 250);
    for (let n = 0; n < 9; n++) size.ended();
    assert.equal(size.records, 250);
    size.ended();
    assert.equal(size.records, 500);
    for (let n = 0; n < 100; n++) size.ended();
    assert.equal(size.records, 1_000);
  });

  test('never comes to nothing', () => {
    const size = new TransactionSize(1_000);
    for (let n = 0; n < 20; n++) size.failed();
    assert.equal(size.records, 10);
    const one = new TransactionSize(1);
    one.failed();
    assert.equal(one.records, 1);
  });
});

describe('a relay and its target', () => {
  test('a target too slow for a large transaction gets smaller ones: the relay does not try the same for ever', async () => {
    const { source, target, once, copied } = lab();
    await fill(source, numbered('a', 5_000));
    let inTransaction = 0;
    target.faults.delivery = ({ topic }) => {
      inTransaction = topic === 'b' ? inTransaction + 1 : 0;
      return inTransaction > 700 ? late : undefined;
    };
    const outcome = await once({ target: { backoff_min: '1ms', backoff_max: '2ms' } });
    assert.match(outcome.summary, /: 5000 messages/, outcome.text);
    assert.deepEqual(
      await copied(),
      Array.from({ length: 5_000 }, (_, n) => `value${n}`),
    );
  });

  test('a target that stands still is not held against the source', async () => {
    const { source, target, run, copied } = lab();
    await fill(source, numbered('a', 10));
    const started = await run({ source_pool: { healthcheck_interval: '10ms' } });
    await until('the messages', async () => (await copied()).length === 10);
    let looks = 0;
    const ask = source.admin.identity.bind(source.admin);
    source.admin.identity = (names) => {
      looks += 1;
      return ask(names);
    };
    target.faults.stalled = true;
    // Many times as many looks as a source without news would be given, each with a message that is not read.
    for (let n = 10; n < 50; n++) {
      const before = looks;
      source.seed('a', 0, `value${n}`);
      await until('a look', () => looks > before);
    }
    target.unstall();
    await until('the rest', async () => (await copied()).length === 50);
    const metrics = await started.metrics();
    assert.equal(metric(metrics, 'kafka_relay_source_kafka_errors_total', { error: 'fetch_error' }), 0);
    assert.equal(metric(metrics, 'kafka_relay_source_connections_total'), 1);
    await started.stop();
  });

  test('--restart-topic forgets partitions as well that the source has no more', async () => {
    const { source, once, copied } = lab(3);
    await fill(source, numbered('a', 30, { partitions: 3 }));
    await once();
    source.createTopic('a', 1);
    await fill(source, numbered('a', 5, { prefix: 'new' }));
    assert.equal((await once()).failed, 1);
    assert.match((await once({}, { restartTopic: ['a'] })).summary, /: 5 messages/);
    await fill(source, numbered('a', 5, { prefix: 'new', from: 5 }));
    const next = await once();
    assert.match(next.summary, /: 5 messages/, next.text);
    assert.equal((await copied()).length, 40);
  });

  test('a take-over waits while the target cannot be read, and does not take that for missing messages', async (t) => {
    const { source, target, run, copied } = lab();
    await fill(source, numbered('a', 10));
    await fill(target, numbered('b', 5));
    target.faults.stalled = true;
    const started = await run({ target: { session_timeout: '1s' } });
    t.after(() => started.stop());
    await until('a report', () => JSON.stringify(started.lines).includes('b[0]@4: cannot be read'));
    target.unstall();
    await until('the rest', async () => (await copied()).length === 10);
  });

  test('L11: an error while the target is asked for its offsets loses no backlog: it is asked again', async () => {
    const { source, target, once, copied } = lab(2);
    await fill(source, numbered('a', 10, { partitions: 2 }));
    const asked = target.admin.edges.bind(target.admin);
    let refusals = 2;
    target.admin.edges = async (partitions, which) => {
      if (refusals-- > 0)
        throw new KafkaError({ code: 6, message: 'Not leader', fatal: false, retriable: true, abortable: false });
      return asked(partitions, which);
    };
    assert.match((await once()).summary, /: 10 messages/);
    assert.equal((await copied()).length, 10);
  });

  test('L13: finite retries used up: the topic stops with an error, nothing is counted as delivered, a restart copies all', async () => {
    const { source, target, once, copied } = lab();
    await fill(source, numbered('a', 10));
    target.faults.delivery = () => ({
      code: -192,
      message: 'timed out',
      fatal: false,
      retriable: false,
      abortable: true,
    });
    const refused = await once({ target: { max_retries: 2, backoff_min: '1ms', backoff_max: '2ms' } });
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /the target failed 3 times/);
    assert.match(refused.summary, /: 0 messages/);
    target.faults.delivery = undefined;
    assert.match((await once()).summary, /: 10 messages/);
    assert.equal((await copied()).length, 10);
  });

  test('failed deliveries are aborted and sent again, once', async () => {
    const { source, target, once, copied } = lab();
    await fill(source, numbered('a', 100));
    let failures = 3;
    target.faults.delivery = () =>
      failures-- > 0
        ? { code: -192, message: 'timed out', fatal: false, retriable: false, abortable: true }
        : undefined;
    const outcome = await once();
    assert.match(outcome.summary, /: 100 messages/, outcome.text);
    assert.deepEqual(
      await copied(),
      Array.from({ length: 100 }, (_, n) => `value${n}`),
    );
  });

  describe('a message that the brokers refuse', () => {
    const all = Array.from({ length: 1_000 }, (_, n) => `value${n}`);
    /** The broker refuses these; the other records of the batch with them, as librdkafka reports it. */
    function refusing(code: number, refused: (value: string, record: ProducerRecord) => boolean) {
      const stage = lab();
      const fault = (number: number, message: string): KafkaFault => ({
        code: number,
        message,
        fatal: false,
        retriable: false,
        abortable: true,
      });
      stage.target.faults.delivery = (record) =>
        record.topic === 'b' && refused(String(record.value), record)
          ? fault(code, `Broker: no to ${record.value}`)
          : undefined;
      return stage;
    }

    for (const [key, code] of [
      ['oversize', 10],
      ['oversize', 18],
      ['invalid', 87],
      ['invalid', 44],
    ] as const) {
      test(`${key}, code ${code}: it stops its topic where it stands, or is skipped, counted and logged`, async () => {
        const { source, once, copied } = refusing(code, (value) => value === 'value500' || value === 'value700');
        await fill(source, numbered('a', 1_000));
        const stopped = await once();
        assert.equal(stopped.failed, 1);
        assert.match(stopped.text, new RegExp(`a\\[0\\]@500: Broker: no to value500; .*target.${key} = .{1,2}skip`));
        assert.deepEqual(await copied(), all.slice(0, 500), 'what stands before it is copied, once');
        const skipped = await once({ target: { [key]: 'skip', max_retries: 1 } });
        assert.equal(skipped.failed, 0, skipped.text);
        assert.match(skipped.summary, /: 498 messages.* 2 skipped/);
        assert.match(skipped.text, /"at":"a\[0\]@500","why":"Broker: no to value500","msg":"message skipped"/);
        assert.deepEqual(
          await copied(),
          all.filter((value) => value !== 'value500' && value !== 'value700'),
        );
      });
    }

    test('for its time: it is copied without that, which stands in _t', async () => {
      const { source, once, copied } = refusing(
        32,
        (value, { timestamp }) => value === 'value5' && timestamp !== undefined,
      );
      await fill(source, numbered('a', 10));
      const outcome = await once();
      assert.equal(outcome.failed, 0, outcome.text);
      assert.deepEqual(await copied(), all.slice(0, 10));
    });

    test('for its time, whatever it is: then it is invalid', async () => {
      const { source, once } = refusing(32, (value) => value === 'value5');
      await fill(source, numbered('a', 10));
      assert.match((await once()).text, /a\[0\]@5: Broker: no to value5; the target will never take it/);
    });

    test('max_retries counts when it is none of the messages', async () => {
      const { source, target, once } = lab();
      await fill(source, numbered('a', 10));
      const error = { code: 10, message: 'too large', fatal: false, retriable: false, abortable: true };
      let claimed = false;
      target.faults.delivery = ({ topic }) => {
        if (topic === 'b') claimed = true;
        return topic !== 'b' && claimed ? error : undefined;
      };
      const outcome = await once({ target: { max_retries: 3, backoff_min: '1ms', backoff_max: '2ms' } });
      assert.match(outcome.text, /the target failed 4 times: too large/);
    });
  });

  test('a fenced relay stops; the one that shut it out goes on', async () => {
    const { source, run, copied } = lab();
    const first = await run();
    await fill(source, numbered('a', 5));
    await until('the messages', async () => (await copied()).length === 5);
    const second = await run();
    await fill(source, numbered('a', 5, { from: 5 }));
    assert.equal((await ended(first, 20_000)).failed, 1);
    assert.match(JSON.stringify(first.lines), /another relay of this topic has taken over/);
    await first.stop();
    await until('the rest', async () => (await copied()).length === 10);
    await second.stop();
    assert.equal(new Set(await copied()).size, 10);
  });

  test('a checkpoint topic that would lose its records, or has too many partitions, is refused', async () => {
    for (const [partitions, policy, error] of [
      [1, 'delete', /must have cleanup\.policy=compact, not delete/],
      [2, 'compact', /must have 1 partition, not 2/],
    ] as const) {
      const { target, once } = lab();
      target.createTopic('rafka-relay-checkpoints', partitions, { 'cleanup.policy': policy });
      const refused = await once();
      assert.equal(refused.failed, 1);
      assert.match(refused.text, error);
    }
  });

  test('without the right to make the checkpoint topic it says what to do', async () => {
    const { target, once } = lab();
    target.admin.createTopic = async () => {
      throw new KafkaError({
        code: 29,
        message: 'Topic authorization failed',
        fatal: false,
        retriable: false,
        abortable: false,
      });
    };
    const refused = await once();
    assert.match(
      refused.text,
      /no right to make the checkpoint topic .*make it with 1 partition and cleanup\.policy=compact/,
    );
  });
});
