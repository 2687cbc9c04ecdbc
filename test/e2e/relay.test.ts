// The relay between two real clusters: the acceptance list of copying, stopping and going on, one test for each.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addPartitions, inTransaction, makeTopic } from '../support/relay-clusters.js';
import { ended, fill, headerText, metric, numbered, readAll, until } from '../support/relay-lab.js';
import { relayStages } from '../support/relay-stage.js';

describe('relay between two clusters', { timeout: 600_000 }, () => {
  const { lab, needs } = relayStages(1);

  describe('what becomes of a message', () => {
    test('14.1 item 1: partition, order, key, value (null and empty), headers of any bytes, _t in nanoseconds', async (t) => {
      if (!needs(t)) return;
      const { a, b, source, target, once } = await lab({ partitions: 3 });
      const headers = [
        { key: 'h', value: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
        { key: 'h', value: null },
        { key: 'e', value: Buffer.alloc(0) },
        { key: '_t', value: Buffer.from('from before') },
      ];
      await fill(source, [
        ...numbered(a, 3_000, { partitions: 3 }),
        { topic: a, partition: 0, key: null, value: null, headers, timestamp: 1_700_000_000_123 },
        { topic: a, partition: 0, key: Buffer.alloc(0), value: Buffer.alloc(0) },
      ]);
      const outcome = await once();
      assert.equal(outcome.failed, 0, outcome.text);
      const [from, to] = await Promise.all([readAll(source, a), readAll(target, b)]);
      for (const partition of [0, 1, 2]) {
        assert.equal(to[partition]!.length, from[partition]!.length);
        to[partition]!.forEach((message, index) => {
          const was = from[partition]![index]!;
          assert.deepEqual([message.key, message.value, message.timestamp], [was.key, was.value, was.timestamp]);
          assert.deepEqual(message.headers, [
            { key: '_t', value: Buffer.from(`${was.timestamp}000000`) },
            ...was.headers,
          ]);
        });
      }
      assert.equal(headerText(to[0]!.at(-2)!.headers, '_t'), '1700000000123000000');
    });

    test('14.1 item 2: a pin sends everything to one partition; a missing partition or topic is reported and tried again', async (t) => {
      if (!needs(t)) return;
      const { a, b, source, target, run, copied } = await lab({ partitions: 2, targetPartitions: 0 });
      await fill(source, numbered(a, 20, { partitions: 2 }));
      const started = await run({ topics: { [a]: `${b}:1` } });
      await until('a report of the missing topic', () => started.text().includes(`target topic ${b} does not exist`));
      await makeTopic(target, b, 1);
      await until('a report of the missing partition', () =>
        started.text().includes(`partition 1 not found for topic ${b}`),
      );
      await target.admin.deleteTopic(b);
      await makeTopic(target, b, 2);
      await until('delivery', async () => (await copied()).length === 20);
      await started.stop();
      const [first, second] = await readAll(target, b);
      assert.deepEqual([first!.length, second!.length], [0, 20]);
    });

    test('create_topics makes a missing target topic with the partitions of the source', async (t) => {
      if (!needs(t)) return;
      const { a, b, source, target, once, assertCopied } = await lab({ partitions: 3, targetPartitions: 0 });
      await fill(source, numbered(a, 30, { partitions: 3 }));
      const outcome = await once({ target: { create_topics: true } });
      assert.equal(outcome.failed, 0, outcome.text);
      assert.equal((await target.admin.topics([b]))[0]?.partitions.length, 3);
      await assertCopied();
    });

    test('partitions that are added later are picked up from their beginning', async (t) => {
      if (!needs(t)) return;
      const { a, b, sources, targetCluster, source, run, copied, assertCopied } = await lab();
      await fill(source, numbered(a, 10));
      const started = await run();
      await until('the messages', async () => (await copied()).length === 10);
      await addPartitions(targetCluster, b, 3);
      await addPartitions(sources[0]!, a, 3);
      await fill(source, numbered(a, 30, { partitions: 3, from: 10 }));
      await until('the new partitions', async () => (await copied()).length === 40);
      await started.stop();
      await assertCopied();
    });

    test('14.1 item 12, L10: more source than target partitions is refused', async (t) => {
      if (!needs(t)) return;
      const { once } = await lab({ partitions: 3, targetPartitions: 2 });
      const outcome = await once();
      assert.equal(outcome.failed, 1);
      assert.match(outcome.text, /the source has 3 partitions, the target only 2/);
    });

    test('a time that the target refuses stands in _t only, and is counted', async (t) => {
      if (!needs(t)) return;
      const { a, b, source, target, once } = await lab({
        config: {
          'message.timestamp.after.max.ms': '9223372036854775807',
        },
      });
      const ahead = Date.now() + 7_200_000;
      await fill(source, [
        ...numbered(a, 1),
        { topic: a, partition: 0, key: null, value: Buffer.from('ahead'), timestamp: ahead },
      ]);
      const outcome = await once();
      assert.equal(outcome.failed, 0, outcome.text);
      const message = (await readAll(target, b))[0]![1]!;
      assert.equal(headerText(message.headers, '_t'), `${ahead}000000`);
      assert.ok(message.timestamp < ahead - 3_600_000);
      assert.equal(metric(outcome.metrics, 'kafka_relay_timestamps_dropped_total', { source_topic: a }), 1);
    });

    test('a message too large for the target stops its topic with its coordinates, or is skipped and counted', async (t) => {
      if (!needs(t)) return;
      const { a, b, source, target, run, once, copied } = await lab({ targetPartitions: 0 });
      await target.admin.createTopic({ name: b, partitions: 1, config: { 'max.message.bytes': '10000' } });
      await fill(source, [
        ...numbered(a, 5),
        { topic: a, partition: 0, key: null, value: Buffer.alloc(20_000, 'x') },
        ...numbered(a, 5, { from: 5 }),
      ]);
      const started = await run();
      assert.equal((await ended(started)).failed, 1);
      await started.stop();
      assert.match(started.text(), new RegExp(`${a}\\[0\\]@5: too large for the target`));
      assert.equal((await copied()).length, 5, 'what comes before it is delivered');
      const outcome = await once({ target: { oversize: 'skip' } });
      assert.equal(outcome.failed, 0, outcome.text);
      assert.match(outcome.summary, /5 messages.* 1 skipped/);
      assert.equal(new Set(await copied()).size, 10);
    });
  });

  describe('where it left off', () => {
    test('14.1 item 3: restarts in mid-stream lose and repeat nothing', async (t) => {
      if (!needs(t)) return;
      const { a, source, run, copied, assertCopied } = await lab({ partitions: 2 });
      let filled = 0;
      for (let round = 0; round < 4; round++) {
        const started = await run();
        await fill(source, numbered(a, 2_000, { partitions: 2, from: filled }));
        filled += 2_000;
        await until(
          'some delivery',
          async () => (metric(await started.metrics(), 'kafka_relay_msg_count', { source: a }) ?? 0) > 0,
        );
        assert.equal(await started.stop(), 0);
      }
      const last = await run();
      await until('all delivered', async () => (await copied()).length >= filled);
      await last.stop();
      await assertCopied();
    });

    test('14.1 item 4: booted in sync and idle it connects at once and takes the next message', async (t) => {
      if (!needs(t)) return;
      const { a, source, run, once, copied } = await lab();
      await fill(source, numbered(a, 5));
      await once();
      const started = await run();
      await until('a reader', () => started.lines.some((line) => line.msg === 'reading'));
      await fill(source, numbered(a, 1, { from: 5 }));
      await until('the next message', async () => (await copied()).length === 6);
      await started.stop();
    });

    test('14.1 item 10: stop-at-end: fresh, partly done, already done, empty', async (t) => {
      if (!needs(t)) return;
      const { a, source, once, assertCopied } = await lab({ partitions: 2 });
      for (const count of [0, 30, 0, 20]) {
        await fill(source, numbered(a, count, { partitions: 2, prefix: `${count}-` }));
        const outcome = await once();
        assert.equal(outcome.failed, 0, outcome.text);
        assert.match(outcome.summary, new RegExp(`: ${count} messages`));
      }
      await assertCopied();
    });

    test('14.1 item 10, L6: stop-at-end on a trimmed source; a restart repeats nothing', async (t) => {
      if (!needs(t)) return;
      const { a, source, once, copied } = await lab();
      await fill(source, numbered(a, 50));
      await source.admin.deleteRecords([{ topic: a, partition: 0, offset: 20 }]);
      assert.match((await once()).summary, /: 30 messages/);
      assert.match((await once()).summary, /: 0 messages/);
      assert.equal((await copied()).length, 30);
    });

    test('14.1 item 10, L6: stop-at-end on a compacted source; a restart repeats nothing', async (t) => {
      if (!needs(t)) return;
      const { a, source, once, original, assertCopied } = await lab({
        config: {
          'cleanup.policy': 'compact',
          'segment.ms': '100',
          'min.cleanable.dirty.ratio': '0.01',
        },
      });
      for (let round = 0; round < 4; round++) {
        await fill(source, numbered(a, 20, { prefix: `${round}-` }));
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
      await until('the cleaner', async () => (await original()).length < 80);
      assert.equal((await once()).failed, 0);
      await assertCopied();
      assert.match((await once()).summary, /: 0 messages/);
    });

    test('14.1 item 10, L6, L16: stop-at-end on a transactional source: markers end nothing early, aborted data stays out', async (t) => {
      if (!needs(t)) return;
      const { a, source, once, copied } = await lab();
      await inTransaction(source, 'commit', numbered(a, 10, { prefix: 'yes' }));
      await inTransaction(source, 'abort', numbered(a, 10, { prefix: 'no' }));
      assert.match((await once()).summary, /: 10 messages/);
      await inTransaction(source, 'commit', numbered(a, 10, { prefix: 'yes', from: 10 }));
      await inTransaction(source, 'abort', numbered(a, 10, { prefix: 'no' }));
      assert.match((await once()).summary, /: 10 messages/);
      assert.match((await once()).summary, /: 0 messages/);
      assert.deepEqual(
        await copied(),
        Array.from({ length: 20 }, (_, index) => `yes${index}`),
      );
    });

    test('14.1 item 11, L5: what a filter drops is counted and does not come again', async (t) => {
      if (!needs(t)) return;
      const { a, source, once, copied } = await lab();
      const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
      const { tmpdir } = await import('node:os');
      const dir = await mkdtemp(`${tmpdir()}/rafka-filter-`);
      t.after(() => rm(dir, { recursive: true }));
      await writeFile(
        `${dir}/even.mjs`,
        `export const create = () => ({ id: 'even', isAllowed: (m) => Number(m.key.toString().slice(3)) % 2 === 0 });`,
      );
      const filters = { even: { enabled: true, path: `${dir}/even.mjs` } };
      await fill(source, numbered(a, 20));
      const first = await once({ filters });
      assert.match(first.summary, /: 10 messages.* 10 filtered/);
      assert.equal(metric(first.metrics, 'kafka_relay_messages_filtered_total', { filter: 'even' }), 10);
      await fill(source, numbered(a, 1, { from: 21 }));
      assert.match((await once({ filters })).summary, /: 0 messages.* 1 filtered/);
      assert.match((await once({ filters })).summary, /: 0 messages.* 0 filtered/);
      assert.equal((await copied()).length, 10);
    });

    test('without exactly_once nothing is skipped and a stop repeats nothing', async (t) => {
      if (!needs(t)) return;
      const { a, source, once, assertCopied } = await lab({ partitions: 2 });
      for (const target of [
        { exactly_once: false },
        { enable_idempotency: false },
        { enable_idempotency: false, commit_ack_type: 'leader' },
      ]) {
        await fill(source, numbered(a, 3_000, { partitions: 2, prefix: JSON.stringify(target) }));
        const outcome = await once({ target });
        assert.equal(outcome.failed, 0, outcome.text);
      }
      await assertCopied();
    });
  });

  describe('topics of one process', () => {
    test('14.1 item 14: one with a missing target does not stop the other; it is ready when it comes', async (t) => {
      if (!needs(t)) return;
      const good = await lab();
      const bad = await lab({ targetPartitions: 0 });
      await fill(good.source, numbered(good.a, 10));
      await fill(bad.source, numbered(bad.a, 10));
      const started = await good.run({ topics: { [bad.a]: bad.b, [good.a]: good.b } });
      await until('the good topic', async () => (await good.copied()).length === 10);
      const ready = async () => (await fetch(`http://127.0.0.1:${started.relay.metricsPort}/readyz`)).status;
      assert.equal(await ready(), 503);
      await makeTopic(bad.target, bad.b, 1);
      await until('the other topic', async () => (await bad.copied()).length === 10);
      await until('readiness', async () => (await ready()) === 200);
      assert.equal((await fetch(`http://127.0.0.1:${started.relay.metricsPort}/healthz`)).status, 200);
      assert.equal((await fetch(`http://127.0.0.1:${started.relay.metricsPort}/nothing`)).status, 404);
      await started.stop();
    });

    test('two sources into one target topic, each with its own progress', async (t) => {
      if (!needs(t)) return;
      const one = await lab();
      const two = await lab({ targetPartitions: 0 });
      await fill(one.source, numbered(one.a, 10, { prefix: 'one' }));
      await fill(two.source, numbered(two.a, 10, { prefix: 'two' }));
      const over = { topics: { [one.a]: one.b, [two.a]: one.b } };
      assert.match((await one.once(over)).summary, /: 20 messages/);
      await fill(two.source, numbered(two.a, 5, { prefix: 'more' }));
      assert.match((await one.once(over)).summary, /: 5 messages/);
      assert.equal(new Set(await one.copied()).size, 25);
    });

    test('14.1 item 13: metrics by name and label', async (t) => {
      if (!needs(t)) return;
      const { a, b, source, once } = await lab();
      await fill(source, numbered(a, 10));
      const { metrics } = await once();
      const expected: [string, Record<string, string>, number][] = [
        ['source_errors_total', { node_id: '0', error: 'connection_failed' }, 0],
        ['source_kafka_errors_total', { node_id: '0', error: 'client_closed' }, 0],
        ['source_kafka_errors_total', { node_id: '0', error: 'fetch_error' }, 0],
        ['source_unhealthy_total', { source_topic: a }, 0],
        ['source_highwatermark', { node_id: '0' }, 10],
        ['source_connections_total', { node_id: '0' }, 1],
        ['source_candidate_switches_total', { source_topic: a }, 1],
        ['source_lag_threshold_exceeded_total', { node_id: '0' }, 0],
        ['target_errors_total', { error: 'client_creation_failed' }, 0],
        ['target_errors_total', { error: 'connection_failed' }, 0],
        ['target_kafka_errors_total', { error: 'tls_config_error' }, 0],
        ['target_kafka_errors_total', { error: 'produce_failed' }, 0],
        ['target_kafka_errors_total', { error: 'produce_retries_exhausted' }, 0],
        [
          'messages_relayed_total',
          { source_topic: a, source_partition: '0', target_topic: b, target_partition: '0' },
          10,
        ],
        [
          'messages_delivered_total',
          { source_topic: a, source_partition: '0', target_topic: b, target_partition: '0' },
          10,
        ],
        ['msg_count', { source: a, destination: b, partition: '0' }, 10],
        ['target_inlet_blocks_total', {}, 0],
        ['target_flush_retries_total', {}, 0],
        ['target_flush_batch_size_bucket', { le: '+Inf' }, 1],
        ['target_flush_batch_size_sum', {}, 10],
        ['target_flush_batch_size_count', {}, 1],
      ];
      for (const [name, labels, value] of expected) {
        assert.equal(metric(metrics, `kafka_relay_${name}`, labels), value, `${name} ${JSON.stringify(labels)}`);
      }
      assert.ok(metric(metrics, 'kafka_relay_target_flush_duration_seconds_bucket', { le: '+Inf' }));
    });
  });
});
