// What a topic takes at most is read beforehand, so that nothing that cannot fit is produced.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { KafkaError, type ProducerRecord } from '../../../../src/core/ports.js';
import { createLog } from '../../../../src/log.js';
import { leastBatchBytes } from '../../../../src/ris/leadership/least-bytes.js';
import { TopicLimits } from '../../../../src/ris/leadership/topic-limits.js';
import { ManualClock } from '../../../support/clock.js';
import { FakeKafka } from '../../../support/fake-kafka.js';

const record = (topic: string, bytes: number): ProducerRecord => ({ topic, key: null, value: randomBytes(bytes) });
const denied = { code: 29, message: 'denied', fatal: false, retriable: false, abortable: true };

function scene() {
  const kafka = new FakeKafka({ autoCreatePartitions: 1 });
  const clock = new ManualClock();
  /** The topics of each request. */
  const asked: string[][] = [];
  const refused = new Set<string>();
  const admin = {
    topicConfigs: async (names: readonly string[]) => {
      asked.push([...names]);
      if (names.some((name) => refused.has(name))) throw new KafkaError(denied);
      return kafka.admin.topicConfigs(names);
    },
  };
  const limits = new TopicLimits({ admin, clock, log: createLog({ level: 'silent' }), compression: 'lz4' });
  const make = (name: string, bytes: number) => kafka.createTopic(name, 1, { 'max.message.bytes': String(bytes) });
  return { kafka, clock, asked, refused, admin, limits, make };
}

test('a record that cannot fit is known, and batches are no larger than the smallest limit', async () => {
  const { limits, make, kafka } = scene();
  make('small', 500);
  make('usual', 1_048_588);
  kafka.createTopic('unknown', 1);
  assert.equal(limits.batchBytes, undefined);
  await limits.learn(['small', 'usual', 'unknown']);
  assert.equal(limits.batchBytes, 500);
  assert.equal(limits.cannotFit(record('small', 430)), false);
  assert.equal(limits.cannotFit(record('small', 600)), true);
  assert.equal(limits.cannotFit({ ...record('small', 0), value: Buffer.alloc(600) }), false, 'it may be compressed');
  for (const topic of ['usual', 'unknown', 'never seen']) assert.equal(limits.cannotFit(record(topic, 60_000)), false);
});

test('one topic that may not be read hides no other, and requests are bounded', async () => {
  const { limits, make, refused, asked } = scene();
  const topics = Array.from({ length: 150 }, (_, n) => `t${n}`);
  for (const topic of topics) make(topic, 500);
  refused.add('t77');
  await limits.learn(topics);
  assert.deepEqual(
    topics.filter((topic) => !limits.cannotFit(record(topic, 600))),
    ['t77'],
  );
  for (const topic of topics) refused.add(topic);
  asked.length = 0;
  await limits.learn(topics);
  assert.ok(asked.length <= 32, `${asked.length}`);
});

test('limits are read again: after five minutes, sooner where one is not known', async () => {
  const { limits, make, refused, clock } = scene();
  make('a', 500);
  await limits.learn(['a']);
  make('a', 5_000);
  await clock.advance(299_000);
  limits.refresh();
  await clock.advance(0);
  assert.equal(limits.cannotFit(record('a', 600)), true);
  await clock.advance(1_000);
  limits.refresh();
  await clock.advance(0);
  assert.equal(limits.cannotFit(record('a', 600)), false);
  make('b', 500);
  refused.add('b');
  await limits.learn(['b']);
  refused.clear();
  await clock.advance(60_000);
  limits.refresh();
  await clock.advance(0);
  assert.equal(limits.cannotFit(record('b', 600)), true);
});

test('a broker that does not answer holds a batch up for a second, no longer', async () => {
  const { limits, admin, clock } = scene();
  admin.topicConfigs = () => new Promise(() => {});
  let isOver = false;
  const learning = limits.learn(['a']).then(() => {
    isOver = true;
  });
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);
  await learning;
  assert.equal(limits.cannotFit(record('a', 60_000)), false);
});

test('the bound is never above what a compression reaches', () => {
  const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer };
  const texts = [
    randomBytes(3_000),
    Buffer.alloc(3_000),
    Buffer.from('ab12'.repeat(500)),
    // Prefixes of one /16: half of each is the same.
    Buffer.concat(Array.from({ length: 900 }, () => Buffer.concat([Buffer.from([24, 10]), randomBytes(2)]))),
  ];
  for (const value of texts) {
    const of = (compression: string) => leastBatchBytes({ topic: 't', key: null, value }, compression);
    assert.ok(of('gzip') <= 61 + zlib.gzipSync(value).length);
    if (zstdCompressSync) assert.ok(of('zstd') <= 61 + zstdCompressSync(value).length);
  }
  const lz4 = (value: Buffer) => leastBatchBytes({ topic: 't', key: null, value }, 'lz4');
  // What has no repetition stays as it is; the rest may be next to nothing.
  assert.ok(lz4(texts[0]!) > 3_000 && lz4(texts[3]!) > 3_300, `${lz4(texts[0]!)} ${lz4(texts[3]!)}`);
  assert.ok(lz4(texts[1]!) < 80 && lz4(texts[2]!) < 80);
});
