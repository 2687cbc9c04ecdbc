// One topic of a transaction is refused, and Kafka does not say which: it is found out, and no other is held.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProducerRecord } from '../../../../src/core/ports.js';
import { createLog } from '../../../../src/log.js';
import { TopicGate } from '../../../../src/ris/leadership/topic-gate.js';
import { ManualClock } from '../../../support/clock.js';
import { FakeKafka } from '../../../support/fake-kafka.js';

const denied = { code: 29, message: 'denied', fatal: false, retriable: false, abortable: true };
const records = (...topics: string[]): ProducerRecord[] =>
  topics.map((topic) => ({ topic, key: null, value: Buffer.from(topic) }));

function gateOf(clock = new ManualClock()): { gate: TopicGate; admitted: (topics: string[]) => Promise<string[]> } {
  const kafka = new FakeKafka({ autoCreatePartitions: 1 });
  const gate = new TopicGate({
    admin: kafka.admin,
    clock,
    log: createLog({ level: 'silent', pretty: false }),
    topics: { create: true },
    headers: false,
    compression: 'none',
    onRefused: () => {},
    onMarked: () => {},
  });
  return { gate, admitted: async (topics) => (await gate.admit(records(...topics))).map(({ topic }) => topic) };
}

/** Answers the gate's probes. @returns how many there were */
function probe(gate: TopicGate, refused: readonly string[]): number {
  let probes = 0;
  for (let topics = gate.toProbe; topics; topics = gate.toProbe) {
    gate.probed(topics.some((topic) => refused.includes(topic)));
    probes += 1;
    assert.ok(probes < 20, 'it comes to an end');
  }
  return probes;
}

test('the refused one of many is found, and only it is held', async () => {
  const { gate, admitted } = gateOf();
  const topics = Array.from({ length: 64 }, (_, n) => `t${n}`);
  gate.suspect(records(...topics), denied);
  assert.ok(probe(gate, ['t37']) < 16);
  assert.deepEqual(
    await admitted(topics),
    topics.filter((topic) => topic !== 't37'),
  );
});

test('a topic that never took a record is not blamed for one that is no longer allowed', async () => {
  const { gate, admitted } = gateOf();
  gate.committed(records('old', 'other'));
  gate.suspect(records('old', 'other', 'new'), denied);
  assert.deepEqual(gate.toProbe, ['new'], 'the likely one comes first');
  probe(gate, ['old']);
  assert.deepEqual(await admitted(['old', 'other', 'new']), ['other', 'new']);
});

test('where no probe is refused nothing is held: the batch is tried again', async () => {
  const { gate, admitted } = gateOf();
  gate.suspect(records('a', 'b', 'c'), denied);
  probe(gate, []);
  assert.deepEqual(await admitted(['a', 'b', 'c']), ['a', 'b', 'c']);
});

test('a topic that stays refused is tried again less and less often, once a minute at least', async () => {
  const clock = new ManualClock();
  const { gate, admitted } = gateOf(clock);
  gate.hold('t', denied);
  const waits: number[] = [];
  for (let waited = 0; waits.length < 8; waited += 1_000) {
    assert.ok(waited <= 60_000, 'within a minute');
    const marks = gate.takeMarks();
    if (marks.size > 0) {
      waits.push(waited);
      await gate.admit(records('t'), marks);
      gate.hold('t', denied);
      waited = 0;
    }
    assert.deepEqual(await admitted(['t', 'other']), ['other']);
    await clock.advance(1_000);
  }
  assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('a term that begins after another leader does without what was refused before', async () => {
  const { gate, admitted } = gateOf();
  gate.lead('first');
  gate.hold('t', denied);
  gate.suspect(records('a', 'b'), denied);
  // The terms of one leadership go on without what was refused.
  gate.lead('first');
  assert.deepEqual(await admitted(['t', 'other']), ['other']);
  assert.deepEqual(gate.toProbe, ['a', 'b']);
  gate.lead('second');
  gate.restore([]);
  assert.equal(gate.toProbe, undefined);
  assert.equal(gate.takeMarks().size, 0, 'the other leader marked what was missing');
  assert.deepEqual(await admitted(['t', 'other']), ['t', 'other']);
  assert.deepEqual([...gate.unmarked(new Set())], []);
});

test('topics that lack records are named until the batch with their marks is committed', async () => {
  const { gate } = gateOf();
  gate.restore(['a']);
  const marks = gate.takeMarks();
  assert.deepEqual([...marks], ['a']);
  const none = new Set<string>();
  // The batch before it is committed first: its progress must name the topic still.
  assert.deepEqual([...gate.unmarked(none)], ['a']);
  gate.committed([], none);
  assert.deepEqual([...gate.unmarked(marks)], []);
  gate.committed([], marks);
  assert.deepEqual([...gate.unmarked(none)], []);
  // A batch that is never committed leaves it to what was recorded.
  gate.restore(['b']);
  gate.takeMarks();
  gate.restore(['b']);
  assert.deepEqual([...gate.takeMarks()], ['b']);
});
