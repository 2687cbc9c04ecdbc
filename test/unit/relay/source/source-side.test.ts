// The source side in trouble, on Kafka in memory: which source is read on, which is refused, and what is said.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakePartition } from '../../../support/fake/log.js';
import { FakeKafka } from '../../../support/fake-kafka.js';
import { fakeLab as lab } from '../../../support/relay-fake-lab.js';
import { ended, fill, metric, numbered, relayConfig, startRelay, until } from '../../../support/relay-lab.js';

describe('a relay and its sources', () => {
  test('source_pool.max_retries: no source in so many tries stops the topic', async () => {
    const { source, once } = lab();
    source.faults.unreachable = true;
    const refused = await once({ source_pool: { max_retries: 2, backoff_min: '1ms', backoff_max: '2ms' } });
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /no source could be read in 3 tries/);
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

  test('the clients of a source that is left are closed, and all of them at the end', async () => {
    const { sources, target, run, copied } = lab(1, 2);
    for (const kafka of sources) await fill(kafka, numbered('a', 10));
    const started = await run(
      { source_pool: { healthcheck_interval: '10ms', request_timeout: '50ms' } },
      { mode: 'failover' },
    );
    await until('the messages', async () => (await copied()).length === 10);
    for (let n = 10; n < 15; n++) {
      const from = started.lines.findLast(({ msg }) => msg === 'reading')?.server as number;
      const [left, next] = [sources[from]!, sources[1 - from]!];
      left.faults.unreachable = true;
      next.seed('a', 0, `value${n}`);
      await until('the other source', async () => (await copied()).length === n + 1);
      await until('the old client to be closed', () => left.consumers.size === 0);
      assert.equal(next.consumers.size, 1);
      left.faults.unreachable = false;
      left.seed('a', 0, `value${n}`);
    }
    await started.stop();
    assert.deepEqual(
      [...sources, target].map(({ consumers, producers }) => consumers.size + producers.size),
      [0, 0, 0],
    );
  });
});
