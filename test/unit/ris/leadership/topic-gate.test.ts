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

function gateOf(): { gate: TopicGate; admitted: (topics: string[]) => Promise<string[]> } {
  const kafka = new FakeKafka({ autoCreatePartitions: 1 });
  const gate = new TopicGate({
    admin: kafka.admin,
    clock: new ManualClock(),
    log: createLog({ level: 'silent', pretty: false }),
    topics: { create: true },
    headers: false,
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
