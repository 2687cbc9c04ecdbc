// What a relay does when its target, or a part of it, goes away: on real clusters, one of them of three nodes.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { whyNoKafka } from '../support/kafka-server.js';
import { type RealCluster, startClusters, stopClusters } from '../support/relay-clusters.js';
import { ended, fill, metric, numbered, readAll, until } from '../support/relay-lab.js';
import { RelayProcess } from '../support/relay-process.js';
import { relayStages } from '../support/relay-stage.js';

/** How long the target is away under load, s. */
const downSeconds = Number(process.env.RELAY_TARGET_DOWN_SECONDS ?? 8);

describe('a relay whose target goes away', { timeout: 600_000 }, () => {
  const { lab, needs } = relayStages(1);

  test('14.1 item 8: for a while under load: bounded CPU, then on without loss or duplicates', async (t) => {
    if (!needs(t)) return;
    const { source, targetCluster, a, toml, copied } = await lab({ partitions: 2 });
    const relay = await RelayProcess.start(await toml());
    await fill(source, numbered(a, 2_000, { partitions: 2 }));
    await until('some messages', async () => (await copied()).length > 0);
    await targetCluster.server.kill9();
    await fill(source, numbered(a, 20_000, { partitions: 2, from: 2_000 }));
    const cpu = relay.cpuSeconds;
    await new Promise((resolve) => setTimeout(resolve, downSeconds * 1_000));
    const used = relay.cpuSeconds - cpu;
    t.diagnostic(`${used.toFixed(2)} s CPU in ${downSeconds} s without a target`);
    assert.ok(used < downSeconds / 2, `${used} s CPU`);
    assert.ok(relay.line('target not usable'), 'it says so');
    await targetCluster.server.restart();
    await until('all messages', async () => (await copied()).length >= 22_000, 60_000);
    relay.kill('SIGTERM');
    assert.equal(await relay.exited, 0);
    const values = await copied();
    assert.deepEqual([values.length, new Set(values).size], [22_000, 22_000]);
  });

  test('14.1 item 9: SIGTERM with the target up delivers what was read; with it down the process ends within session_timeout', async (t) => {
    if (!needs(t)) return;
    const { source, targetCluster, a, toml: tomlOf, copied } = await lab();
    const toml = await tomlOf({ target: { session_timeout: '2s' } });
    await fill(source, numbered(a, 5_000));
    const up = await RelayProcess.start(toml);
    await until('some messages', async () => (await copied()).length > 0);
    up.kill('SIGTERM');
    assert.equal(await up.exited, 0, up.output);
    const down = await RelayProcess.start(toml);
    await until('a reader', () => down.line('reading') !== undefined);
    await until('the rest', async () => (await copied()).length === 5_000);
    await targetCluster.server.kill9();
    await fill(source, numbered(a, 5_000, { from: 5_000 }));
    await until('the relay to notice', () => down.line('target not usable') !== undefined);
    const told = performance.now();
    down.kill('SIGTERM');
    assert.equal(await down.exited, 0, down.output);
    const took = performance.now() - told;
    t.diagnostic(`ended ${Math.round(took)} ms after the signal, session_timeout 2000`);
    assert.ok(took < 6_000);
    await targetCluster.server.restart();
    const again = await RelayProcess.start(toml, ['--stop-at-end']);
    assert.equal(await again.exited, 0, again.output);
    const values = await copied();
    assert.deepEqual([values.length, new Set(values).size], [10_000, 10_000]);
    assert.match(again.output, /^relayed 1 topic: 5000 messages/m);
  });

  test('L13: finite retries used up: the topic stops with an error, exit code 1, nothing counted as delivered; a restart copies all', async (t) => {
    if (!needs(t)) return;
    const { source, targetCluster, a, toml, copied } = await lab();
    const finite = await toml({ target: { session_timeout: '1s', max_retries: 2 } });
    await fill(source, numbered(a, 100));
    const relay = await RelayProcess.start(finite);
    await until('the messages', async () => (await copied()).length === 100);
    await targetCluster.server.kill9();
    await fill(source, numbered(a, 5_000, { from: 100 }));
    assert.equal(await relay.exited, 1, relay.output);
    assert.match(String(relay.line('topic stopped')?.err), /the target failed 3 times/);
    assert.match(relay.output, /^relayed 1 topic \(1 stopped with an error\): 100 messages/m);
    await targetCluster.server.restart();
    const again = await RelayProcess.start(finite, ['--stop-at-end']);
    assert.equal(await again.exited, 0, again.output);
    const values = await copied();
    assert.deepEqual([values.length, new Set(values).size], [5_100, 5_100]);
  });

  test('a topic with a small max.message.bytes takes ordinary records; what is too large after compression is found', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, run, once, copied, original } = await lab({ targetPartitions: 0 });
    await target.admin.createTopic({ name: b, partitions: 1, config: { 'max.message.bytes': '10000' } });
    const large = (value: Buffer) => ({ topic: a, partition: 0, key: null, value });
    await fill(source, [
      ...numbered(a, 3_000),
      large(Buffer.alloc(20_000, 'compressible')),
      ...numbered(a, 500, { from: 3_000 }),
      large(randomBytes(15_000)),
      ...numbered(a, 3_000, { from: 3_500 }),
    ]);
    const all = await original();
    const started = await run({ target: { compression: 'lz4' } });
    assert.equal((await ended(started)).failed, 1);
    await started.stop();
    assert.match(
      started.text(),
      new RegExp(`${a}\\[0\\]@3501: .*size too large; raise the target's max.message.bytes`),
    );
    assert.deepEqual(await copied(), all.slice(0, 3_501), 'what stands before it is copied, once');
    const outcome = await once({ target: { compression: 'lz4', oversize: 'skip', max_retries: 2 } });
    assert.equal(outcome.failed, 0, outcome.text);
    assert.match(outcome.summary, /: 3000 messages.* 1 skipped/);
    assert.match(outcome.text, new RegExp(`"at":"${a}\\[0\\]@3501","why":"[^"]*size too large"`));
    assert.deepEqual(await copied(), [...all.slice(0, 3_501), ...all.slice(3_502)]);
  });

  test('a record that a compacted target refuses, as it has no key: stop or skip', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, once, copied } = await lab({ targetPartitions: 0 });
    await target.admin.createTopic({ name: b, partitions: 1, config: { 'cleanup.policy': 'compact' } });
    const noKey = { topic: a, partition: 0, key: null, value: Buffer.from('no key') };
    await fill(source, [...numbered(a, 5), noKey, ...numbered(a, 5, { from: 5 })]);
    assert.match((await once()).text, new RegExp(`${a}\\[0\\]@5: it has no key, and the target topic is compacted`));
    const outcome = await once({ target: { invalid: 'skip' } });
    assert.match(outcome.summary, /: 5 messages.* 1 skipped/);
    assert.equal(metric(outcome.metrics, 'kafka_relay_messages_invalid_total', { source_topic: a }), 1);
    assert.deepEqual(
      await copied(),
      Array.from({ length: 10 }, (_, n) => `value${n}`),
    );
  });

  describe('of three nodes', () => {
    let three: RealCluster | undefined;
    before(async () => {
      if (!whyNoKafka()) [three] = await startClusters(1, { nodes: 3 });
    });
    after(() => stopClusters(three ? [three] : []));

    test('L11: a partition without a leader at the start: its backlog is waited for, not lost', async (t) => {
      if (!needs(t) || !three) return;
      const { kafka, server } = three;
      const stage = await lab({ partitions: 3, targetPartitions: 0 }, three);
      const { a, b, source, copied, original } = stage;
      await kafka.admin.createTopic({ name: b, partitions: 3, replicationFactor: 1 });
      const leaders = async () => (await kafka.admin.topics([b]))[0]?.partitions.map(({ leader }) => leader) ?? [];
      await until('leaders', async () => (await leaders()).filter((leader) => leader >= 0).length === 3);
      // As kaf-relay left it: where to go on is asked of the target, partition by partition.
      await fill(source, numbered(a, 30, { partitions: 3 }));
      for (const { partition, key, value, timestamp } of (await readAll(source, a)).flat()) {
        const headers = [{ key: '_t', value: Buffer.from(`${timestamp}000000`) }];
        await fill(kafka, [{ topic: b, partition, key, value, headers }]);
      }
      await fill(source, numbered(a, 300, { partitions: 3, from: 30 }));
      const node = (await leaders())[2]! - 1;
      await server.kill9(node);
      await until('a partition without a leader', async () => (await leaders()).includes(-1));
      const relay = await RelayProcess.start(await stage.toml(), ['--stop-at-end']);
      await until('a report', () => relay.line('target not usable') !== undefined);
      assert.equal(relay.line('reading'), undefined);
      await server.restart(node);
      assert.equal(await relay.exited, 0, relay.output);
      assert.match(relay.output, /^relayed 1 topic: 300 messages/m);
      assert.deepEqual(await copied(), await original());
    });

    test('the leader of the target dies under load: on with another node, without loss or duplicates', async (t) => {
      if (!needs(t) || !three) return;
      const { kafka, server } = three;
      const { a, b, source, toml, copied } = await lab({ partitions: 2 }, three);
      const relay = await RelayProcess.start(await toml());
      await fill(source, numbered(a, 2_000, { partitions: 2 }));
      await until('some messages', async () => (await copied()).length > 0);
      const [topic] = await kafka.admin.topics([b]);
      const node = topic!.partitions[0]!.leader - 1;
      await server.kill9(node);
      await fill(source, numbered(a, 20_000, { partitions: 2, from: 2_000 }));
      await until('all messages', async () => (await copied()).length >= 22_000, 60_000);
      await server.restart(node);
      relay.kill('SIGTERM');
      assert.equal(await relay.exited, 0);
      const values = await copied();
      assert.deepEqual([values.length, new Set(values).size], [22_000, 22_000]);
    });
  });
});
