// A collector's progress through a compacted topic and back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProducerRecord } from '../../../../src/core/ports.js';
import { createLog } from '../../../../src/log.js';
import { readProgress, type Step, stepRecords, termRecord } from '../../../../src/ris/checkpoint/checkpoint.js';
import { ensureTopic } from '../../../../src/ris/checkpoint/checkpoint-topic.js';
import { Published } from '../../../../src/ris/checkpoint/dedup-index.js';
import { FakeKafka } from '../../../support/fake-kafka.js';

const topic = 'checkpoint';
const log = createLog({ level: 'silent', pretty: false });
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
  await ensureTopic(kafka.admin, topic, undefined, log);
  for (const { key, value, partition } of records) kafka.seed(topic, partition!, value, { key });
  return kafka;
}

const read = (kafka: FakeKafka, term: string, patienceMs = 5_000) =>
  readProgress({ kafka, topic, term, patienceMs, monotonic: () => performance.now() });

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

test('a long read has as much time as it takes, as long as something comes', async () => {
  const kafka = await written(...Array.from({ length: 20 }, (_, n) => termRecord(topic, `${n}`)));
  const open = kafka.consumer.bind(kafka);
  kafka.consumer = async (...given) => {
    const consumer = await open(...given);
    const poll = consumer.poll.bind(consumer);
    consumer.poll = (_most, ms) => poll(1, ms);
    return consumer;
  };
  // Each record comes 100 ms after the one before it.
  let now = 0;
  const monotonic = () => {
    now += 100;
    return now;
  };
  await readProgress({ kafka, topic, term: '19', patienceMs: 300, monotonic });
  assert.ok(now > 1_900);
});

test('the topic is compacted and made once', async () => {
  const kafka = new FakeKafka();
  await ensureTopic(kafka.admin, topic, 1, log);
  await ensureTopic(kafka.admin, topic, 1, log);
  assert.equal(kafka.topic(topic)?.partitions.length, 1);
  assert.equal(kafka.topic(topic)?.config.get('cleanup.policy'), 'compact');
});

/** The whole progress of many peers, as a leader writes it now and then. */
function snapshot(turn: number, peers: number): Step {
  const ids = new Map<string, [number, string][]>();
  const places = new Map<string, [number, number, number, string]>();
  for (let n = 0; n < peers; n++) {
    const key = `rrc13 192.0.2.${n}`;
    places.set(key, [1_700_000_000, turn, 1, `192.0.2.${n}-${turn}`]);
    ids.set(key, [[1_700_000_000_000_000 + turn, `192.0.2.${n}-${turn}`]]);
  }
  const states = new Map([...places.keys()].map((key) => [`${key} 64512`, { status: 'up', open: 'F'.repeat(2_000) }]));
  return { mark: turn, turn, published: { places, ids }, states, isSnapshot: true };
}

test('a read begins with the last snapshot: of a long topic it takes fewer than 10,000 records', async (t) => {
  const kafka = await written();
  const add = (records: readonly ProducerRecord[]) => {
    for (const { key, value, partition } of records) kafka.seed(topic, partition!, value, { key });
  };
  for (let turn = 0; turn < 10_000; turn++) add(stepRecords(topic, step(turn, turn, `old-${turn}`)));
  const whole = stepRecords(topic, snapshot(10_000, 250));
  assert.ok(whole.length > 3, 'it takes several records');
  assert.ok(whole.every(({ value }) => value!.length < 500_000));
  add(whole);
  for (let turn = 10_001; turn < 10_500; turn++)
    add(stepRecords(topic, step(turn, 1_700_000_001_000_000 + turn, `new-${turn}`)));
  add([termRecord(topic, 'mine')]);
  let records = 0;
  const open = kafka.consumer.bind(kafka);
  t.mock.method(kafka, 'consumer', async (...args: Parameters<typeof open>) => {
    const consumer = await open(...args);
    const poll = consumer.poll.bind(consumer);
    consumer.poll = async (max, ms) => {
      const messages = await poll(max, ms);
      records += messages.length;
      return messages;
    };
    return consumer;
  });
  const progress = await read(kafka, 'mine');
  assert.ok(records < 10_000, `${records}`);
  assert.equal(progress.turn, 10_499);
  assert.equal(progress.states.size, 250);
  assert.deepEqual(progress.published.places.get('rrc13 192.0.2.7'), [1_700_000_000, 10_000, 1, '192.0.2.7-10000']);
  assert.deepEqual(progress.published.places.get(peer)?.at(-1), 'new-10499');
  assert.ok(
    progress.published.ids.get(peer)!.some(([, id]) => id === '192.0.2.1-10000'),
    'ids of the snapshot',
  );
  assert.ok(!progress.published.ids.get(peer)!.some(([, id]) => id.startsWith('old-')), 'none from before it');
});

test('without a snapshot among the last records all of them are read', async () => {
  const first = stepRecords(topic, { ...step(1, 1, 'x'), states: new Map([[`${other} 64513`, { status: 'up' }]]) });
  const kafka = await written(...first);
  for (let turn = 2; turn < 3_000; turn++) {
    for (const { key, value, partition } of stepRecords(topic, step(turn, turn, `id-${turn}`)))
      kafka.seed(topic, partition!, value, { key });
  }
  kafka.seed(topic, 0, termRecord(topic, 'mine').value, { key: Buffer.from('term') });
  const progress = await read(kafka, 'mine');
  assert.equal(progress.turn, 2_999);
  assert.deepEqual(progress.states.get(`${other} 64513`), { status: 'up' });
});

test('parts that compaction left of an older snapshot are not taken for one', async () => {
  const [head, ...parts] = stepRecords(topic, snapshot(5, 400));
  assert.ok(parts.length > 2);
  const kafka = await written(parts[1]!, head!, parts[0]!, parts[2]!, ...stepRecords(topic, step(6, 6, 'a')));
  kafka.seed(topic, 0, termRecord(topic, 'mine').value, { key: Buffer.from('term') });
  const progress = await read(kafka, 'mine');
  assert.equal(progress.turn, 6);
  assert.equal(progress.published.places.size, 1);
});

test('what a term knows comes back from its snapshot', () => {
  const options = { windowUs: 500_000, late: 'drop' as const };
  const past = new Published(options, { places: new Map(), ids: new Map() });
  const message = (id: string, micros: number) => ({ peerKey: peer, id, seconds: 1_700_000_000, micros, sequence: 1 });
  past.add(message('a', 100));
  past.add(message('b', 600_100));
  past.takeDelta();
  const next = new Published(options, past.all());
  assert.ok(next.has(message('b', 600_100)));
  assert.ok(!next.has(message('c', 600_100)));
  assert.ok(!next.has(message('d', 700_000)));
  assert.deepEqual([...past.all().ids.get(peer)!], [[1_700_000_000_600_100, 'b']], 'only those of the window');
});

test('a checkpoint topic that is not compacted is reported with what mends it', async () => {
  const kafka = new FakeKafka();
  kafka.createTopic(topic, 1, { 'cleanup.policy': 'delete' });
  const told: { mend?: string }[] = [];
  const loud = { ...log, error: (fields: { mend?: string }) => told.push(fields), debug: () => {} };
  await ensureTopic(kafka.admin, topic, undefined, loud as unknown as typeof log);
  assert.match(told[0]?.mend ?? '', /--entity-name checkpoint --add-config cleanup.policy=compact/);
});
