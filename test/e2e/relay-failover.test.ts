// Failover over two identical sources to one target, on three real clusters.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RealCluster } from '../support/relay-clusters.js';
import { ended, fill, metric, numbered, until } from '../support/relay-lab.js';
import { relayStages } from '../support/relay-stage.js';

describe('relay with failover', { timeout: 600_000 }, () => {
  const { lab, needs } = relayStages(2);

  test('14.1 item 5: the active source is killed while idle and in sync: the next message arrives, once', async (t) => {
    if (!needs(t)) return;
    const { sources, a, run, fillAll, copied } = await lab({ partitions: 2 });
    const [one, two] = sources as [RealCluster, RealCluster];
    await fillAll(20, { partitions: 2 });
    const started = await run();
    await until('the first messages', async () => (await copied()).length === 20);
    const first = started.reading();
    const [dead, other] = first === 0 ? [one, two] : [two, one];
    const killed = performance.now();
    await dead.server.kill9();
    await until('the other source', () => started.reading() !== first);
    t.diagnostic(`replaced after ${Math.round(performance.now() - killed)} ms (interval 200 ms + request 500 ms)`);
    await fill(other.kafka, numbered(a, 10, { partitions: 2, from: 20 }));
    await until('the next messages', async () => (await copied()).length === 30);
    await dead.server.restart();
    await until(
      'the old source to be seen',
      async () =>
        (metric(await started.metrics(), 'kafka_relay_source_highwatermark', { node_id: String(first) }) ?? -1) >= 0,
    );
    assert.notEqual(started.reading(), first, 'no switch back');
    await started.stop();
    assert.equal(new Set(await copied()).size, 30);
  });

  test('14.1 item 5: an active source that hangs is replaced; what it says when it wakes up comes to nothing', async (t) => {
    if (!needs(t)) return;
    const { sources, a, run, fillAll, copied } = await lab({ partitions: 2 });
    await fillAll(20, { partitions: 2 });
    const started = await run();
    await until('the first messages', async () => (await copied()).length === 20);
    const first = Number(started.reading());
    const [hung, other] = [sources[first]!, sources[1 - first]!];
    hung.server.pause();
    try {
      const paused = performance.now();
      await until('the other source', () => started.reading() !== first);
      t.diagnostic(`replaced after ${Math.round(performance.now() - paused)} ms (interval 200 ms + request 500 ms)`);
      await fill(other.kafka, numbered(a, 10, { partitions: 2, from: 20 }));
      await until('the next messages', async () => (await copied()).length === 30);
    } finally {
      hung.server.resume();
    }
    await fill(hung.kafka, numbered(a, 10, { partitions: 2, from: 20 }));
    await fillAll(10, { partitions: 2, from: 30 });
    await until('the rest', async () => (await copied()).length === 40);
    await started.stop();
    assert.equal(new Set(await copied()).size, 40);
  });

  test('14.1 item 6: more than the threshold behind switches, exactly the threshold does not', async (t) => {
    if (!needs(t)) return;
    const { sources, a, run, fillAll, copied } = await lab();
    const [one, two] = sources as [RealCluster, RealCluster];
    await fillAll(10);
    const started = await run({ source_pool: { offset_lag_threshold: 100 } });
    await until('the first messages', async () => (await copied()).length === 10);
    const first = started.reading();
    const ahead = first === 0 ? two : one;
    await fill(ahead.kafka, numbered(a, 100, { from: 10 }));
    const looked = async () =>
      metric(await started.metrics(), 'kafka_relay_source_highwatermark', {
        node_id: first === 0 ? '1' : '0',
        source_topic: a,
      });
    await until('a look at the source ahead', async () => (await looked()) === 110);
    assert.equal(started.reading(), first);
    await fill(ahead.kafka, numbered(a, 1, { from: 110 }));
    await until('the source ahead', () => started.reading() !== first);
    await until('its messages', async () => (await copied()).length === 111);
    assert.equal(
      metric(await started.metrics(), 'kafka_relay_source_lag_threshold_exceeded_total', {
        node_id: String(first),
        source_topic: a,
      }),
      1,
    );
    await started.stop();
    assert.equal(new Set(await copied()).size, 111);
  });

  test('14.1 item 7: both sources down, then one back', async (t) => {
    if (!needs(t)) return;
    const { sources, a, run, fillAll, copied } = await lab();
    const [one, two] = sources as [RealCluster, RealCluster];
    await fillAll(10);
    const started = await run();
    await until('the first messages', async () => (await copied()).length === 10);
    await Promise.all([one.server.kill9(), two.server.kill9()]);
    await until('a report', () => started.text().includes('no healthy source'));
    await two.server.restart();
    await fill(two.kafka, numbered(a, 10, { from: 10 }));
    await until('the next messages', async () => (await copied()).length === 20);
    await one.server.restart();
    await started.stop();
  });

  test('L15: no switch to a source that leads in sum but is behind in a partition', async (t) => {
    if (!needs(t)) return;
    const { sources, a, run, fillAll, copied } = await lab({ partitions: 2 });
    const [one, two] = sources as [RealCluster, RealCluster];
    await fillAll(20, { partitions: 2 });
    const started = await run({ source_pool: { offset_lag_threshold: 100 } });
    await until('the first messages', async () => (await copied()).length === 20);
    const first = started.reading();
    const [active, other] = first === 0 ? [one, two] : [two, one];
    await fill(active.kafka, numbered(a, 20, { partitions: 2, from: 20 }));
    await until('its messages', async () => (await copied()).length === 40);
    const onlyFirst = [...numbered(a, 800, { partitions: 2, from: 20 })].filter(({ partition }) => partition === 0);
    await fill(other.kafka, onlyFirst);
    const weight = async () =>
      metric(await started.metrics(), 'kafka_relay_source_highwatermark', { node_id: first === 0 ? '1' : '0' });
    await until('a look at the other source', async () => (await weight()) === 420);
    assert.equal(started.reading(), first);
    await active.server.kill9();
    await until('a report', () => started.text().includes('no healthy source'));
    await active.server.restart();
    await until('the first source again', () => started.lines.filter(({ msg }) => msg === 'reading').length >= 2);
    assert.equal(started.reading(), first);
    await started.stop();
    assert.equal((await copied()).length, 40);
  });

  test('L9: a source with other messages under the same numbers is left, and said to be none of the identical ones', async (t) => {
    if (!needs(t)) return;
    const { sources, a, run, copied } = await lab();
    const [one, two] = sources as [RealCluster, RealCluster];
    await fill(one.kafka, numbered(a, 20, { prefix: 'one' }));
    await fill(two.kafka, numbered(a, 20, { prefix: 'two' }));
    const started = await run();
    await until('the first messages', async () => (await copied()).length === 20);
    const [active, other, prefix] = started.reading() === 0 ? [one, two, 'one'] : [two, one, 'two'];
    await fill(other.kafka, numbered(a, 10, { from: 20, prefix: 'wrong' }));
    await active.server.kill9();
    await until('a report', () => started.text().includes('the source is not identical'));
    await active.server.restart();
    await fill(active.kafka, numbered(a, 5, { from: 20, prefix }));
    await until('the next messages', async () => (await copied()).length === 25);
    await started.stop();
    assert.ok((await copied()).every((value) => value.startsWith(prefix)));
  });

  test('stop-at-end in failover mode', async (t) => {
    if (!needs(t)) return;
    const { run, fillAll, copied } = await lab({ partitions: 2 });
    await fillAll(40, { partitions: 2 });
    const started = await run({}, { stopAtEnd: true });
    assert.equal((await ended(started)).failed, 0);
    await started.stop();
    assert.equal((await copied()).length, 40);
  });
});
