// The relay between two real clusters: the derived acceptance list and the loss table, one test for each.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { makeTopic, type RealCluster, startClusters, stopClusters } from '../support/relay-clusters.js';
import {
  fill,
  headerText,
  metric,
  numbered,
  readAll,
  relayConfig,
  startRelay,
  until,
  valuesOf,
} from '../support/relay-lab.js';

const why = whyNoKafka();

describe('relay on two clusters', { timeout: 240_000 }, () => {
  let clusters: RealCluster[] = [];
  let n = 0;
  before(async () => {
    if (!why) clusters = await startClusters(2);
  });
  after(() => stopClusters(clusters));

  /** Fresh topics for one test. */
  async function topics(partitions = 1, targetPartitions = partitions, config: Record<string, string> = {}) {
    const [source, target] = clusters as [RealCluster, RealCluster];
    const names = { a: `a${++n}`, b: `b${n}` };
    await Promise.all([
      makeTopic(source.kafka, names.a, partitions, config),
      targetPartitions > 0 ? makeTopic(target.kafka, names.b, targetPartitions) : undefined,
    ]);
    return {
      ...names,
      source: source.kafka,
      target: target.kafka,
      lab: { sources: [source.kafka], target: target.kafka },
    };
  }

  async function once(lab: Parameters<typeof startRelay>[0], over: Record<string, unknown>) {
    const started = await startRelay(lab, await relayConfig(over, { stopAtEnd: true }));
    const outcome = await started.relay.finished;
    await started.stop();
    return { ...outcome, lines: started.lines };
  }

  test('14.1 item 1: partition, order, key, value, headers, _t', async (t) => {
    if (!met(t, why)) return;
    const { a, b, source, target, lab } = await topics(3);
    const headers = [
      { key: 'h', value: Buffer.from([0xff, 0x00, 0xfe]) },
      { key: 'h', value: null },
      { key: 'e', value: Buffer.alloc(0) },
    ];
    await fill(source, [
      ...numbered(a, 3_000, { partitions: 3 }),
      { topic: a, partition: 0, key: null, value: null, headers, timestamp: 1_700_000_000_123 },
      { topic: a, partition: 0, key: Buffer.alloc(0), value: Buffer.alloc(0) },
    ]);
    const outcome = await once(lab, { topics: { [a]: b } });
    assert.equal(outcome.failed, 0, JSON.stringify(outcome.lines));
    const [from, to] = await Promise.all([readAll(source, a), readAll(target, b)]);
    for (const partition of [0, 1, 2]) {
      assert.equal(to[partition]!.length, from[partition]!.length);
      to[partition]!.forEach((message, index) => {
        const original = from[partition]![index]!;
        assert.deepEqual(message.key, original.key);
        assert.deepEqual(message.value, original.value);
        assert.equal(message.timestamp, original.timestamp);
        assert.deepEqual(message.headers, [
          { key: '_t', value: Buffer.from(`${original.timestamp}000000`) },
          ...original.headers,
        ]);
      });
    }
    assert.equal(headerText(to[0]!.at(-2)!.headers, '_t'), '1700000000123000000');
  });

  test('follows and ends on order', async (t) => {
    if (!met(t, why)) return;
    const { a, b, source, target, lab } = await topics(1);
    const started = await startRelay(lab, await relayConfig({ topics: { [a]: b } }));
    await until('a reader', () => started.lines.some((line) => line.msg === 'reading'));
    await fill(source, numbered(a, 10));
    await until('delivery', async () => metric(await started.metrics(), 'kafka_relay_msg_count', { source: a }) === 10);
    assert.equal(await started.stop(), 0);
    assert.equal(valuesOf(await readAll(target, b)).length, 10);
  });
});
