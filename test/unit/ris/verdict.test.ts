// The verdict of the reliability campaign: it must see a loss, a repeat and a wrong order, or it proves nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/core/ports.js';
import { initiation, peerDown, peerTemplate } from '../../../src/ris/bmp/bmp.js';
import { judge } from '../../campaign/ris-verdict.js';
import { Generator } from '../../support/ris-live.js';

const windowMs = 500;
const peer = '192.0.2.0';

/** Six messages of one peer, and the records that a worker without fault makes of them. */
function played() {
  const generator = new Generator({ host: 'rrc13', peers: 1, rate: 1 });
  const sent = Array.from({ length: 6 }, (_, i) => ({ ...generator.next(1_700_000_000_000 + i), delayMs: 0 }));
  return { sent, records: sent.map(({ id }) => record(id)) };
}

function record(id: string | null, value: Buffer = Buffer.from([3, 0, 0, 0, 6, 0])): Message {
  const headers = id === null ? [] : [{ key: 'ris-id', value: Buffer.from(id) }];
  return { topic: 'rrc13.64512.bmp_raw', partition: 0, offset: 0, timestamp: 0, key: null, value, headers };
}

const faults = ({ lost, tooLate, duplicated, misordered }: ReturnType<typeof judge>) => [
  lost,
  tooLate,
  duplicated,
  misordered,
];

test('nothing is held against a worker without fault; another peer may come in between', () => {
  const { sent, records } = played();
  const other = record('192.0.2.1-000000000000ffff');
  assert.deepEqual(
    faults(judge(sent, [record(null), ...records.slice(0, 3), other, ...records.slice(3)], windowMs)),
    [0, 0, 0, 0],
  );
});

test('a message that is missing is lost, unless it was sent later than the window allows', () => {
  const { sent, records } = played();
  const withoutThird = records.toSpliced(2, 1);
  const verdict = judge(sent, withoutThird, windowMs);
  assert.deepEqual(faults(verdict), [1, 0, 0, 0]);
  assert.deepEqual(verdict.examples, [`lost ${sent[2]!.id}`]);
  for (const [delayMs, expected] of [
    [windowMs - 1, [1, 0, 0, 0]],
    [windowMs, [0, 1, 0, 0]],
  ] as const) {
    sent[2]!.delayMs = delayMs;
    assert.deepEqual(faults(judge(sent, withoutThird, windowMs)), expected);
  }
});

test('a message that is there twice is a duplicate, wherever it stands', () => {
  const { sent, records } = played();
  assert.deepEqual(faults(judge(sent, [...records, records[5]!], windowMs)), [0, 0, 1, 0]);
  assert.deepEqual(faults(judge(sent, [...records, records[0]!], windowMs)), [0, 0, 1, 1]);
});

test('two messages of a peer the wrong way round are out of order', () => {
  const { sent, records } = played();
  const [first, second, ...rest] = records;
  assert.deepEqual(faults(judge(sent, [second!, first!, ...rest], windowMs)), [0, 0, 0, 1]);
});

test('what Kafka refused needs a mark: of a topic before it goes on, of a record soon after', () => {
  const { sent } = played();
  const stamp = { seconds: 0, micros: 0, twoByteAs: false };
  const down = peerDown(peerTemplate(peer, 64_512, new Uint8Array(4)), stamp, { kind: 'local', event: 0 });
  const records = sent.map(({ id }) => ({ ...record(id), key: Buffer.from(peer) }));
  const mark = { ...record(null, down), key: Buffer.from(peer) };
  const [first, , third, ...rest] = records as [Message, Message, ...Message[]];
  for (const [refusal, found, expected] of [
    ['topic', [first, mark, third, ...rest], [1, 0, 1]],
    ['topic', [first, third, mark, ...rest], [1, 1, 1]],
    ['record', [first, third, mark, ...rest], [1, 0, 1]],
    ['record', [first, third, ...rest], [1, 1, 0]],
  ] as ['topic' | 'record', Message[], number[]][]) {
    const refused = { refusal: ({ id }: { id: string }) => (id === sent[1]!.id ? refusal : undefined) };
    const verdict = judge(sent, found, windowMs, { ...refused, ahead: new Set() });
    assert.deepEqual([verdict.refused, verdict.unmarked, verdict.marks], expected);
    assert.deepEqual([verdict.lost, verdict.syntheticPeerDowns], [0, 0]);
  }
});

test('messages of the future stand where they arrived', () => {
  const { sent, records } = played();
  const moved = [records[5]!, ...records.slice(0, 5)];
  const exceptions = { refusal: () => undefined, ahead: new Set([sent[5]!.id]) };
  assert.deepEqual(faults(judge(sent, moved, windowMs, exceptions)), [0, 0, 0, 0]);
});

test('holes are counted by the Peer Downs that no message asked for', () => {
  const { sent, records } = played();
  const stamp = { seconds: 0, micros: 0, twoByteAs: false };
  const down = peerDown(peerTemplate(peer, 64_512, new Uint8Array(4)), stamp, { kind: 'local', event: 0 });
  const made = [record(null, initiation('rrc13', 'test')), record(null, down), record(sent[5]!.id, down)];
  const { initiations, syntheticPeerDowns } = judge(sent, [...made, ...records.slice(0, 5)], windowMs);
  assert.deepEqual([initiations, syntheticPeerDowns], [1, 1]);
});
