// What a collector's input logs: late messages, a full buffer, and each only now and then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../../../src/log.js';
import { envelopeOf, type LineEnvelope } from '../../../../src/ris/feed/envelope.js';
import { IngestLog } from '../../../../src/ris/feed/ingest-log.js';
import { ManualClock } from '../../../support/clock.js';
import { Generator } from '../../../support/ris-live.js';

function logged(clock: ManualClock) {
  const lines: Record<string, unknown>[] = [];
  const keep = (fields: object, msg: string) => lines.push({ ...fields, msg });
  return { lines, log: new IngestLog(clock, { warn: keep, error: keep } as unknown as Log) };
}

const line = envelopeOf(
  new Generator({ host: 'rrc13', peers: 1, rate: 1 }).next(1_700_000_000_000).line,
) as LineEnvelope;

test('late messages have a line a minute, with how many there were', async () => {
  const clock = new ManualClock();
  const { lines, log } = logged(clock);
  for (let n = 0; n < 5; n++) log.late(line, 2_500_000, true);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.behindMs, 2_500);
  assert.match(String(lines[0]?.msg), /were dropped/);
  await clock.advance(60_000);
  log.late(line, 1_000_000, true);
  assert.deepEqual(
    lines.map(({ late }) => late),
    [1, 5],
  );
});

test('odd JSON has a sample a minute, shortened', async () => {
  const clock = new ManualClock();
  const { lines, log } = logged(clock);
  for (let n = 0; n < 5; n++) log.odd(['med'], `{"n":${n},${'x'.repeat(10_000)}`);
  await clock.advance(60_000);
  log.odd(['path'], 'short');
  assert.deepEqual(
    lines.map(({ reasons, line: sample }) => [reasons, String(sample).slice(0, 6), String(sample).length <= 500]),
    [
      [['med'], '{"n":0', true],
      [['path'], 'short', true],
    ],
  );
});

test('a full buffer has a line a second at most, and every drop is in one of them', async () => {
  const clock = new ManualClock();
  const { lines, log } = logged(clock);
  for (let n = 0; n < 100; n++) {
    log.full(10, 1_000_000);
    await clock.advance(20);
  }
  await clock.advance(1_000);
  log.full(0, 1_000_000);
  log.full(0, 1_000_000);
  assert.ok(lines.length <= 4, `${lines.length}`);
  assert.equal(
    lines.reduce((sum, { dropped }) => sum + Number(dropped), 0),
    1_000,
  );
});
