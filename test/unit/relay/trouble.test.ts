// What goes wrong around a relay, on Kafka in memory: what it does about it, and what it says.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { KafkaError } from '../../../src/core/ports.js';
import { FakePartition } from '../../support/fake/log.js';
import { FakeKafka } from '../../support/fake-kafka.js';
import { fakeLab as lab } from '../../support/relay-fake-lab.js';
import { ended, fill, metric, numbered, relayConfig, startRelay, until } from '../../support/relay-lab.js';

describe('relay in trouble', () => {
  test('L11: an error while the target is asked for its offsets loses no backlog: it is asked again', async () => {
    const { source, target, once, copied } = lab(2);
    await fill(source, numbered('a', 10, { partitions: 2 }));
    const asked = target.admin.watermarks.bind(target.admin);
    let refusals = 2;
    target.admin.watermarks = async (partitions) => {
      if (refusals-- > 0)
        throw new KafkaError({ code: 6, message: 'Not leader', fatal: false, retriable: true, abortable: false });
      return asked(partitions);
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

  test('source_pool.max_retries: no source in so many tries stops the topic', async () => {
    const { source, once } = lab();
    source.faults.unreachable = true;
    const refused = await once({ source_pool: { max_retries: 2, backoff_min: '1ms', backoff_max: '2ms' } });
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /no source could be read in 3 tries/);
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

  test('what the target will never take stops the topic, with the range it lies in', async () => {
    const { source, target, once } = lab();
    await fill(source, numbered('a', 3));
    target.faults.delivery = ({ topic }) =>
      topic === 'b'
        ? { code: 10, message: 'Message size too large', fatal: false, retriable: false, abortable: true }
        : undefined;
    const refused = await once();
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /the target refused messages between the recorded progress and \[0\]@3/);
  });

  test('L7: a source that ends before what was relayed of it is refused', async () => {
    const { source, once } = lab();
    await fill(source, numbered('a', 10));
    await once();
    source.topics.set('a', { ...source.topic('a')!, partitions: [new FakePartition()] });
    await fill(source, numbered('a', 3, { prefix: 'other' }));
    const refused = await once();
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /source partition 0 ends at 3 but was relayed up to 10 \(truncated\?\)/);
  });

  test('L7: one that was truncated and filled again holds another message there: refused', async () => {
    const { source, once } = lab();
    await fill(source, numbered('a', 10));
    await once();
    source.topics.set('a', { ...source.topic('a')!, partitions: [new FakePartition()] });
    await fill(source, numbered('a', 30, { prefix: 'other' }));
    const refused = await once();
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /another message than the one relayed stands at a\[0\]@9/);
  });

  test('L7, L8: a topic that is recreated under way stops the relay of it', async (t) => {
    for (const side of ['source', 'target'] as const) {
      const { source, target, run, copied } = lab();
      await fill(source, numbered('a', 10));
      const started = await run();
      t.after(() => started.stop());
      await until('the messages', async () => (await copied()).length === 10);
      (side === 'source' ? source : target).createTopic(side === 'source' ? 'a' : 'b', 1);
      assert.equal((await ended(started, 20_000)).failed, 1, side);
      assert.match(
        JSON.stringify(started.lines),
        side === 'source' ? /source topic a is not the one that was relayed before/ : /target topic b was recreated/,
      );
      await started.stop();
    }
  });

  test('messages that the source deleted before they were read are counted and said', async () => {
    const { source, once } = lab();
    await fill(source, numbered('a', 10));
    await once();
    await fill(source, numbered('a', 20, { from: 10 }));
    await source.admin.deleteRecords([{ topic: 'a', partition: 0, offset: 15 }]);
    const outcome = await once();
    assert.match(outcome.summary, /: 15 messages/);
    assert.match(outcome.text, /deleted messages before they were read/);
  });

  test('partitions that are added later are picked up from their beginning', async () => {
    const { source, target, run, copied } = lab(1);
    await fill(source, numbered('a', 5));
    const started = await run();
    await until('the messages', async () => (await copied()).length === 5);
    target.topic('b')!.partitions.push(new FakePartition());
    source.topic('a')!.partitions.push(new FakePartition());
    await fill(source, numbered('a', 4, { partitions: 2, from: 5 }));
    await until('the new partition', async () => (await copied()).length === 9);
    await started.stop();
  });

  test('a look at a source does not ask for all topics of its cluster', async () => {
    const { source, run } = lab();
    const asked = { identity: 0, topics: 0 };
    for (const question of ['identity', 'topics'] as const) {
      const ask = source.admin[question].bind(source.admin) as (names?: readonly string[]) => Promise<never>;
      source.admin[question] = (names?: readonly string[]) => {
        asked[question] += 1;
        return ask(names);
      };
    }
    const started = await run({ source_pool: { healthcheck_interval: '5ms' } });
    await until('looks', () => asked.identity > 40);
    await started.stop();
    assert.ok(asked.topics < 10, `${asked.topics} of ${asked.identity}`);
  });

  test('a transaction that hangs in the source is waited for without connecting again and again', async () => {
    const { source, run, copied } = lab();
    await fill(source, numbered('a', 5));
    const writer = await source.producer({
      reports: 'errors',
      onReport: () => {},
      properties: { 'transactional.id': 'hangs' },
    });
    await writer.initTransactions();
    await writer.beginTransaction();
    for (const record of numbered('a', 5, { from: 5 })) writer.produce(record);
    await writer.flush(1_000);
    let looks = 0;
    const ask = source.admin.identity.bind(source.admin);
    source.admin.identity = (names) => {
      looks += 1;
      return ask(names);
    };
    const started = await run({ source_pool: { healthcheck_interval: '5ms' } });
    await until('many looks', () => looks > 150);
    const connections = metric(await started.metrics(), 'kafka_relay_source_connections_total') ?? 0;
    assert.ok(connections > 1 && connections < 10, `${connections} in ${looks} looks`);
    assert.equal((await copied()).length, 5);
    await writer.commitTransaction(1_000);
    await until('the rest', async () => (await copied()).length === 10);
    await started.stop();
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

  test('a single source that is now another cluster is refused; in a list of several it joins', async () => {
    const { source, target, once } = lab();
    await fill(source, numbered('a', 5));
    await once();
    const other = new FakeKafka({ autoCreatePartitions: 0 });
    other.createTopic('a', 1);
    await fill(other, numbered('a', 9));
    const alone = await startRelay({ sources: [other], target }, await relayConfig({}, { stopAtEnd: true }));
    assert.equal((await ended(alone, 20_000)).failed, 1);
    assert.match(JSON.stringify(alone.lines), /the cluster of source topic a is not the one/);
    await alone.stop();
    source.faults.unreachable = true;
    const joined = await startRelay(
      { sources: [source, other], target },
      await relayConfig({}, { stopAtEnd: true, mode: 'failover' }),
    );
    assert.match((await ended(joined, 20_000)).summary, /: 4 messages/);
    await joined.stop();
  });

  describe('filters', () => {
    async function module(t: TestContext, body: string): Promise<string> {
      const dir = await mkdtemp(join(tmpdir(), 'rafka-filter-'));
      t.after(() => rm(dir, { recursive: true }));
      await writeFile(join(dir, 'f.mjs'), `export const create = () => ({ id: 'f', isAllowed(m) { ${body} } });`);
      return join(dir, 'f.mjs');
    }

    test('one that throws stops its topic; what came before is delivered', async (t) => {
      const { source, once, copied } = lab();
      await fill(source, numbered('a', 10));
      const path = await module(t, `if (m.offset === 6) throw new Error('no luck'); return true;`);
      const refused = await once({ filters: { f: { enabled: true, path } } });
      assert.equal(refused.failed, 1);
      assert.match(refused.text, /a\[0\]@6: filter f threw: no luck/);
      assert.equal((await copied()).length, 6);
    });

    test('or skips and counts, when told to; in failover mode as well', async (t) => {
      const { source, sources, run, copied } = lab(1, 2);
      for (const kafka of sources) await fill(kafka, numbered('a', 10));
      const path = await module(t, `if (m.offset === 6) throw new Error('no luck'); return m.offset !== 7;`);
      const started = await run({ filters: { f: { enabled: true, path, on_error: 'skip' } } }, { mode: 'failover' });
      await until('the messages', async () => (await copied()).length === 8);
      const metrics = await started.metrics();
      assert.equal(metric(metrics, 'kafka_relay_filter_errors_total', { filter: 'f' }), 1);
      assert.equal(metric(metrics, 'kafka_relay_messages_filtered_total', { filter: 'f' }), 1);
      await started.stop();
      assert.ok(source);
    });

    test('given by flag', async (t) => {
      const { source, once, copied } = lab();
      await fill(source, numbered('a', 10));
      const path = await module(t, 'return m.offset > 7;');
      assert.match((await once({}, { filter: [path] })).summary, /: 2 messages.* 8 filtered/);
      assert.deepEqual(await copied(), ['value8', 'value9']);
    });
  });

  test('a bar on a terminal', async () => {
    const { source, target } = lab();
    await fill(source, numbered('a', 10));
    let drawn = '';
    const terminal = {
      columns: 60,
      write: (text: string) => {
        drawn += text;
      },
    };
    const started = await startRelay({ sources: [source], target }, await relayConfig({}), { terminal });
    await until('a bar', () => drawn.includes('100%'));
    await started.stop();
    assert.match(drawn, /\r\[=+\] 100% 10 messages/);
  });
});
