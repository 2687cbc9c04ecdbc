// A collector's progress through a compacted topic and back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProducerRecord } from '../../../../src/core/ports.js';
import { ensureTopic, readProgress, stepRecords, termRecord } from '../../../../src/ris/leadership/checkpoint.js';
import { FakeKafka } from '../../../support/fake-kafka.js';

const topic = 'checkpoint';
const peer = 'rrc13 192.0.2.1';
const other = 'rrc13 2001:db8::1';

const step = (turn: number, time: number, id: string) => ({
  mark: time,
  turn,
  published: {
    places: new Map([[peer, [Math.floor(time / 1e6), time % 1e6, 1, id] as const]]),
    ids: new Map([[peer, [[time, id] as const]]]),
  },
  states: new Map<string, unknown>([[`${peer} 64512`, { status: 'up' }]]),
});

async function written(...records: readonly ProducerRecord[]): Promise<FakeKafka> {
  const kafka = new FakeKafka();
  await ensureTopic(kafka.admin, topic, undefined);
  for (const { key, value, partition } of records) kafka.seed(topic, partition!, value, { key });
  return kafka;
}

const read = (kafka: FakeKafka, term: string, timeoutMs = 5_000) =>
  readProgress(kafka, topic, term, timeoutMs, () => performance.now());

test('an empty topic means that nothing was ever published', async () => {
  const kafka = await written(termRecord(topic, 'first'));
  const progress = await read(kafka, 'first');
  assert.equal(progress.mark, null);
  assert.equal(progress.published.places.size, 0);
});

test('the last of each peer, all ids and the states come back; ids are written short', async () => {
  const first = stepRecords(topic, step(1, 1_700_000_000_000_000, '192.0.2.1-018bcfe568000001'));
  const second = stepRecords(topic, {
    ...step(2, 1_700_000_000_500_000, '21-594-37970252'),
    states: new Map([[`${other} 64513`, { status: 'down' }]]),
  });
  const kafka = await written(termRecord(topic, 'a'), ...first, ...second, termRecord(topic, 'b'));
  const progress = await read(kafka, 'b');
  assert.equal(progress.mark, 1_700_000_000_500_000);
  assert.equal(progress.turn, 2);
  assert.deepEqual(progress.published.places.get(peer), [1_700_000_000, 500_000, 1, '21-594-37970252']);
  assert.deepEqual(progress.published.ids.get(peer), [
    [1_700_000_000_000_000, '192.0.2.1-018bcfe568000001'],
    [1_700_000_000_500_000, '21-594-37970252'],
  ]);
  assert.deepEqual(
    [...progress.states],
    [
      [`${peer} 64512`, { status: 'up' }],
      [`${other} 64513`, { status: 'down' }],
    ],
  );
  assert.ok(!first.some(({ value }) => String(value).includes('"192.0.2.1-')));
});

test('keys are bounded: a hundred thousand transactions leave as many as two hundred do', async () => {
  const keys = (turns: number): number => {
    const all = new Set<string>();
    for (let turn = 0; turn < turns; turn++) {
      for (const { key } of stepRecords(topic, step(turn, turn, `id-${turn}`))) all.add(String(key));
    }
    return all.size;
  };
  assert.equal(keys(200), keys(100_000));
});

test('what is not there in time is an error, not a shorter progress', async () => {
  const kafka = await written(termRecord(topic, 'other'));
  await assert.rejects(read(kafka, 'mine', 300), /could not be read to its end/);
});

test('the topic is compacted and made once', async () => {
  const kafka = new FakeKafka();
  await ensureTopic(kafka.admin, topic, 1);
  await ensureTopic(kafka.admin, topic, 1);
  assert.equal(kafka.topic(topic)?.partitions.length, 1);
  assert.equal(kafka.topic(topic)?.config.get('cleanup.policy'), 'compact');
});
