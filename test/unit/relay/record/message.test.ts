// What becomes of a message, what the checkpoint keeps, and progress in words.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CheckpointReader, claimRecord, progressRecord } from '../../../../src/relay/checkpoint/checkpoint.js';
import { exactBytes, nanoseconds, recordBytes, Translator } from '../../../../src/relay/record/translate.js';
import {
  formatBytes,
  formatSeconds,
  progressBar,
  progressLine,
  summaryLine,
} from '../../../../src/relay/report/progress.js';
import { message } from '../../../support/relay-message.js';

const limits = {
  maxRecordBytes: 1_000,
  maxBatchBytes: 1_000,
  needsKey: false,
  retentionMs: 86_400_000,
  timestampBeforeMs: Number.MAX_SAFE_INTEGER,
  timestampAheadMs: 3_600_000,
};
const now = 1_700_000_100_000;

describe('translation', () => {
  test('_t comes first, in nanoseconds, before the headers as they were', () => {
    const headers = [
      { key: '_t', value: Buffer.from('1') },
      { key: 'h', value: null },
      { key: 'h', value: Buffer.alloc(0) },
    ];
    const record = new Translator({ source: 'a', target: 'b' }, true, limits).translate(message({ headers }), now);
    assert.deepEqual(record.headers, [{ key: '_t', value: Buffer.from('1700000000123000000') }, ...headers]);
    assert.equal(record.topic, 'b');
    assert.equal(record.partition, 3);
    assert.equal(record.timestamp, 1_700_000_000_123);
  });

  test('nanoseconds are exact for every time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        (ms) => nanoseconds(ms) === String(BigInt(ms) * 1_000_000n),
      ),
    );
    assert.equal(nanoseconds(0), '0');
  });

  test('neighbours with different times get their own _t', () => {
    const translator = new Translator({ source: 'a', target: 'b' }, true, limits);
    const times = [5, 5, 6, 5].map((timestamp) =>
      translator.translate(message({ timestamp }), now).headers?.[0]?.value?.toString(),
    );
    assert.deepEqual(times, ['5000000', '5000000', '6000000', '5000000']);
  });

  test('a message without a time gets none', () => {
    const record = new Translator({ source: 'a', target: 'b' }, true, limits).translate(
      message({ timestamp: -1 }),
      now,
    );
    assert.deepEqual(record.headers, []);
    assert.equal(record.timestamp, undefined);
  });

  test('a pin', () => {
    const record = new Translator({ source: 'a', target: 'b', pin: 1 }, true, limits).translate(message(), now);
    assert.equal(record.partition, 1);
  });

  test('a time that the target would refuse stands in _t only', () => {
    const translator = new Translator({ source: 'a', target: 'b' }, true, { ...limits, timestampBeforeMs: 86_400_000 });
    const ahead = translator.translate(message({ timestamp: now + 3_600_000 }), now);
    assert.equal(translator.timesDropped, 1);
    assert.equal(ahead.timestamp, undefined);
    assert.equal(ahead.headers?.[0]?.value?.toString(), `${now + 3_600_000}000000`);
    assert.equal(translator.translate(message({ timestamp: now - 90_000_000 }), now).timestamp, undefined);
    assert.equal(translator.translate(message({ timestamp: now + 60_000 }), now).timestamp, now + 60_000);
    assert.equal(translator.timesDropped, 2);
  });

  test('preserve_timestamp = false leaves the time to the producer', () => {
    const translator = new Translator({ source: 'a', target: 'b' }, false, limits);
    assert.equal(translator.translate(message(), now).timestamp, undefined);
    assert.equal(translator.timesDropped, 0);
  });

  test('size counts key, value, headers and overhead', () => {
    const translator = new Translator({ source: 'a', target: 'b' }, true, limits);
    const record = translator.translate(message({ value: Buffer.alloc(1_000) }), now);
    assert.ok(recordBytes(record) > 1_020);
    assert.deepEqual(translator.refusal(record), {
      kind: 'oversize',
      reason: `too large for the target (${exactBytes(record)} bytes)`,
    });
    assert.equal(translator.refusal(translator.translate(message(), now)), undefined);
  });

  test('the exact size is that of the batch on the wire', () => {
    const bytes = (value: number) => exactBytes({ key: null, value: Buffer.alloc(value) });
    // Header 61, length 1 or 2, attributes, time and offset 3, key 1, length of the value, headers 1.
    assert.deepEqual([bytes(0), bytes(50), bytes(57), bytes(64)], [68, 118, 125, 134]);
    const headers = [{ key: 'é', value: null }];
    assert.equal(exactBytes({ key: Buffer.from('k'), value: null, headers }), 68 + 1 + 1 + 1 + 2);
  });

  test('a compacted target takes no record without a key', () => {
    const translator = new Translator({ source: 'a', target: 'b' }, true, { ...limits, needsKey: true });
    assert.equal(translator.refusal(translator.translate(message({ key: null }), now))?.kind, 'invalid');
    assert.equal(translator.refusal(translator.translate(message(), now)), undefined);
  });
});

describe('checkpoint', () => {
  const mapping = { source: 'a', target: 'b' };
  const claim = { owner: 'me', sources: { c1: 't1' }, target: { cluster: 'c2', topic: 't2' } };

  test('the last record of each key counts, and only of this mapping', () => {
    const reader = new CheckpointReader(mapping);
    const other = { source: 'a', target: 'c' };
    for (const { key, value } of [
      claimRecord('x', mapping, claim),
      progressRecord('x', mapping, 0, { next: 5, from: 'c1' }),
      progressRecord('x', other, 0, { next: 99, from: 'c1' }),
      progressRecord('x', mapping, 1, { next: 6, from: 'c1' }),
      progressRecord('x', mapping, 0, { next: 7, from: 'c3' }),
    ])
      reader.add({ key, value });
    reader.add({ key: Buffer.from('not json'), value: null });
    assert.deepEqual(reader.checkpoint.claim, claim);
    assert.deepEqual(
      [...reader.checkpoint.progress],
      [
        [0, { next: 7, from: 'c3' }],
        [1, { next: 6, from: 'c1' }],
      ],
    );
  });
});

describe('progress', () => {
  const state = {
    messages: 750,
    bytes: 75_000,
    filtered: 0,
    skipped: 0,
    remaining: 250,
    seconds: 3,
    rate: 250,
    hidden: [],
  };
  test('a line with rate and remaining', () => {
    assert.equal(progressLine(state), '750 messages, 73.2 KiB, 250/s, 250 to go, 1s left');
    assert.match(progressLine({ ...state, remaining: undefined }), /waiting for a source/);
    assert.match(progressLine({ ...state, hidden: ['a[0]@10'] }), /, waits for an open transaction at a\[0\]@10$/);
  });
  test('a bar on a terminal, never wider than it', () => {
    assert.match(progressBar(state, 200), /^\[={18} {6}\] {2}75% 750 messages/);
    assert.ok(progressBar(state, 40).length < 40);
    assert.match(progressBar({ ...state, messages: 0, remaining: 0 }, 200), /100%/);
  });
  test('a summary', () => {
    assert.equal(
      summaryLine(2, 1, state),
      'relayed 2 topics (1 stopped with an error): 750 messages, 75000 bytes in 3.0 s, 0 skipped, 0 filtered',
    );
  });
  test('sizes and times', () => {
    assert.deepEqual(
      [formatBytes(999), formatBytes(2_048), formatSeconds(59), formatSeconds(61), formatSeconds(7_300)],
      ['999 B', '2.0 KiB', '59s', '1m01s', '2h01m'],
    );
  });
});
