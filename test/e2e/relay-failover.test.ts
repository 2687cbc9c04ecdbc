// Failover over two identical sources to one target, on three real clusters; and what a target that goes away does.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { makeTopic, type RealCluster, startClusters, stopClusters } from '../support/relay-clusters.js';
import {
  ended,
  fill,
  metric,
  numbered,
  readAll,
  relayConfig,
  startRelay,
  until,
  valuesOf,
} from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';

const why = whyNoKafka();

describe('relay with failover', { timeout: 600_000 }, () => {
  let clusters: RealCluster[] = [];
  let n = 0;
  before(async () => {
    if (!why) clusters = await startClusters(3);
  });
  after(() => stopClusters(clusters));

  async function lab(partitions = 1) {
    const [one, two, target] = clusters as [RealCluster, RealCluster, RealCluster];
    const [a, b] = [`a${++n}`, `b${n}`];
    await Promise.all([
      makeTopic(one.kafka, a, partitions),
      makeTopic(two.kafka, a, partitions),
      makeTopic(target.kafka, b, partitions),
    ]);
    const run = async (over: Record<string, unknown> = {}, flags = {}) => {
      const config = await relayConfig({ topics: { [a]: b }, ...over }, { mode: 'failover', ...flags });
      const started = await startRelay({ sources: [one.kafka, two.kafka], target: target.kafka }, config);
      /** The source being read, by number. */
      const reading = () => started.lines.findLast(({ msg }) => msg === 'reading')?.server;
      return {
        ...started,
        reading,
        text: () => JSON.stringify(started.lines.filter(({ level }) => Number(level) >= 40)),
      };
    };
    /** Both sources get the same. */
    const fillBoth = async (count: number, from: number) => {
      for (const { kafka } of [one, two]) await fill(kafka, numbered(a, count, { partitions, from }));
    };
    const copied = async () => valuesOf(await readAll(target.kafka, b));
    return { a, b, one, two, target, run, fillBoth, copied };
  }
  const needs = (t: TestContext) => met(t, why);

  test('14.1 item 5: the active source is killed while idle and in sync: the next message arrives, once', async (t) => {
    if (!needs(t)) return;
    const { one, two, a, run, fillBoth, copied } = await lab(2);
    await fillBoth(20, 0);
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

  test('14.1 item 6: more than the threshold behind switches, exactly the threshold does not', async (t) => {
    if (!needs(t)) return;
    const { one, two, a, run, fillBoth, copied } = await lab();
    await fillBoth(10, 0);
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
    const { one, two, run, fillBoth, copied } = await lab();
    await fillBoth(10, 0);
    const started = await run();
    await until('the first messages', async () => (await copied()).length === 10);
    await Promise.all([one.server.kill9(), two.server.kill9()]);
    await until('a report', () => started.text().includes('no healthy source'));
    await two.server.restart();
    await fill(two.kafka, numbered(started ? `a${n}` : '', 10, { from: 10 }));
    await until('the next messages', async () => (await copied()).length === 20);
    await one.server.restart();
    await started.stop();
  });

  test('L15: no switch to a source that leads in sum but is behind in a partition', async (t) => {
    if (!needs(t)) return;
    const { one, two, a, run, fillBoth, copied } = await lab(2);
    await fillBoth(20, 0);
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
    const { one, two, a, run, copied } = await lab();
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
    const { run, fillBoth, copied } = await lab(2);
    await fillBoth(40, 0);
    const started = await run({}, { stopAtEnd: true });
    assert.equal((await ended(started)).failed, 0);
    await started.stop();
    assert.equal((await copied()).length, 40);
  });

  test('14.1 item 8: a target that is down for a while under load: bounded CPU, then on without loss or duplicates', async (t) => {
    if (!needs(t)) return;
    const { one, two, target, a, b, copied } = await lab(2);
    const toml = await relayToml([one.server.brokers, two.server.brokers], target.server.brokers, {
      topics: { [a]: b },
    });
    const relay = await RelayProcess.start(toml, ['--mode', 'single']);
    await fill(one.kafka, numbered(a, 2_000, { partitions: 2 }));
    await until('some messages', async () => (await copied()).length > 0);
    await target.server.kill9();
    await fill(one.kafka, numbered(a, 20_000, { partitions: 2, from: 2_000 }));
    const cpu = relay.cpuSeconds;
    const seconds = process.env.RELAY_TARGET_DOWN_SECONDS ? Number(process.env.RELAY_TARGET_DOWN_SECONDS) : 8;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const used = relay.cpuSeconds - cpu;
    t.diagnostic(`${used.toFixed(2)} s CPU in ${seconds} s without a target`);
    assert.ok(used < seconds / 2, `${used} s CPU`);
    await target.server.restart();
    await until('all messages', async () => (await copied()).length >= 22_000, 60_000);
    relay.kill('SIGTERM');
    assert.equal(await relay.exited, 0);
    const values = await copied();
    assert.deepEqual([values.length, new Set(values).size], [22_000, 22_000]);
  });

  test('14.1 item 9: SIGTERM with the target up delivers what was read; with it down the process ends within session_timeout', async (t) => {
    if (!needs(t)) return;
    const { one, target, a, b, copied } = await lab();
    const toml = await relayToml([one.server.brokers], target.server.brokers, {
      topics: { [a]: b },
      target: { session_timeout: '2s' },
    });
    await fill(one.kafka, numbered(a, 5_000));
    const up = await RelayProcess.start(toml);
    await until('some messages', async () => (await copied()).length > 0);
    up.kill('SIGTERM');
    assert.equal(await up.exited, 0, up.output);
    const down = await RelayProcess.start(toml);
    await until('a reader', () => down.line('reading') !== undefined);
    await until('the rest', async () => (await copied()).length === 5_000);
    await target.server.kill9();
    await fill(one.kafka, numbered(a, 5_000, { from: 5_000 }));
    await until('the relay to notice', () => down.line('target not usable') !== undefined, 30_000);
    const told = performance.now();
    down.kill('SIGTERM');
    assert.equal(await down.exited, 0, down.output);
    const took = performance.now() - told;
    t.diagnostic(`ended ${Math.round(took)} ms after the signal, session_timeout 2000`);
    assert.ok(took < 8_000);
    await target.server.restart();
    const again = await RelayProcess.start(toml, ['--stop-at-end']);
    assert.equal(await again.exited, 0, again.output);
    const values = await copied();
    assert.deepEqual([values.length, new Set(values).size], [10_000, 10_000]);
    assert.match(again.output, /^relayed 1 topic: 5000 messages/m);
  });
});
