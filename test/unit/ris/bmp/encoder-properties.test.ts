// Whatever the JSON says, the BMP messages say, as read by a reader of the tests' own: built from the JSON, passed through as raw, repaired.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RisEncoder } from '../../../../src/ris/bmp/encoder.js';
import type { BmpRecord } from '../../../../src/ris/bmp/record.js';
import { parseLine } from '../../../../src/ris/feed/message.js';
import { type BgpUpdate, canonical, canonicalPrefix, readBmp, readUpdate } from '../../../support/bmp-reader.js';
import { rawUpdate, risLine, type UpdateData, updateData } from '../../../support/ris-lines.js';

const routeMonitoring = 0;

function encode(line: string, encoder = new RisEncoder()): BmpRecord[] {
  const read = parseLine(line);
  assert.ok(read.kind === 'message', JSON.stringify(read));
  return encoder.encode(read.message);
}

function updatesOf(records: readonly BmpRecord[]): { flags: number; pdu: Buffer; update: BgpUpdate }[] {
  return records
    .map(({ value }) => readBmp(value))
    .filter(({ type }) => type === routeMonitoring)
    .map(({ peer, body }) => {
      const flags = peer!.flags;
      return { flags, pdu: body, update: readUpdate(body, (flags & 0x20) === 0 ? 4 : 2) };
    });
}

/** Everything that the JSON says, and nothing else. */
function assertSays(
  data: UpdateData,
  updates: readonly BgpUpdate[],
  pathOf = (update: BgpUpdate) => update.path,
): void {
  const want = new Map<string, string>();
  for (const { next_hop, prefixes } of data.announcements) {
    const hop = next_hop.split(',').map(canonical).join(',');
    for (const prefix of prefixes) want.set(canonicalPrefix(prefix), hop);
  }
  const sorted = (map: Map<string, string>) => [...map].sort();
  assert.deepEqual(sorted(new Map(updates.flatMap(({ announced }) => [...announced]))), sorted(want));
  const gone = updates.flatMap(({ withdrawn }) => withdrawn);
  assert.deepEqual(gone.sort(), data.withdrawals.map(canonicalPrefix).sort());
  const carriers = updates.filter(({ announced }) => announced.size > 0);
  for (const update of carriers.length > 0 ? carriers : updates) {
    if (data.announcements.length === 0 && data.withdrawals.length > 0) break;
    assert.deepEqual(pathOf(update), data.path);
    assert.equal(update.origin, ['IGP', 'EGP', 'INCOMPLETE'].indexOf(data.origin));
    assert.equal(update.med, data.med);
    assert.deepEqual(update.community ?? [], data.community);
  }
}

describe('RIS UPDATEs to BMP', () => {
  test('built from the JSON: split, and every part says its share', () => {
    fc.assert(
      fc.property(updateData(4, 900), (data) => {
        const encoder = new RisEncoder();
        const updates = updatesOf(encode(risLine(data), encoder));
        assertSays(
          data,
          updates.map(({ update }) => update),
        );
        for (const { pdu, update, flags } of updates) {
          assert.ok(pdu.length <= 4096, `${pdu.length} octets`);
          assert.ok(update.segments.every((count) => count <= 255));
          assert.equal(flags & 0x20, 0);
          if (update.announced.size > 0) assert.equal(update.aggregator, data.aggregator);
        }
        assert.equal(encoder.counts.built, 1);
      }),
      { numRuns: 150 },
    );
  });

  test('raw is passed on untouched, with the A flag where its AS numbers have two bytes', () => {
    const any = fc
      .constantFrom(2 as const, 4 as const)
      .chain((width) => fc.record({ width: fc.constant(width), reversed: fc.boolean(), data: updateData(width) }));
    fc.assert(
      fc.property(any, ({ width, reversed, data }) => {
        const raw = rawUpdate(data, { width, reversed });
        fc.pre(raw !== null && raw.length <= 2 * 65_535);
        const encoder = new RisEncoder();
        const updates = updatesOf(encode(risLine({ ...data, raw }), encoder));
        assert.equal(updates.length, 1);
        assert.equal(updates[0]!.pdu.toString('hex').toUpperCase(), raw);
        assertSays(data, [updates[0]!.update]);
        assert.equal(encoder.counts.rawMismatch, 0);
      }),
      { numRuns: 200 },
    );
  });

  test('raw with AS_TRANS and AS4_PATH is a two-byte session', () => {
    fc.assert(
      fc.property(updateData(4, 5), (data) => {
        fc.pre(data.path.some((one) => typeof one === 'number' && one > 65_535));
        const raw = rawUpdate(data, { width: 2, as4Path: true });
        fc.pre(raw !== null);
        const updates = updatesOf(encode(risLine({ ...data, raw })));
        assert.equal(updates[0]!.flags & 0x20, 0x20);
        assertSays(data, [updates[0]!.update], ({ as4Path }) => as4Path);
      }),
      { numRuns: 50 },
    );
  });

  test('path identifiers are taken out, family by family', () => {
    const any = fc.record({
      addPath4: fc.boolean(),
      addPath6: fc.boolean(),
      reversed: fc.boolean(),
      data: updateData(4),
    });
    fc.assert(
      fc.property(any, ({ data, ...options }) => {
        const raw = rawUpdate(data, { width: 4, ...options });
        fc.pre(raw !== null && raw.length <= 2 * 65_535);
        const encoder = new RisEncoder();
        const updates = updatesOf(encode(risLine({ ...data, raw }), encoder));
        assert.equal(encoder.counts.raw, 1);
        assertSays(data, [updates[0]!.update]);
      }),
      { numRuns: 150 },
    );
  });

  test('a raw PDU that was damaged never makes the message say something else', () => {
    const any = fc.record({ data: updateData(4, 8), at: fc.nat(), bit: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(any, ({ data, at, bit }) => {
        const raw = rawUpdate(data, { width: 4 });
        fc.pre(raw !== null);
        const digit = at % raw.length;
        const other = (Number.parseInt(raw[digit]!, 16) ^ (1 << bit)).toString(16);
        const damaged = raw.slice(0, digit) + other + raw.slice(digit + 1);
        const records = encode(risLine({ ...data, raw: damaged }));
        const updates = records.map(({ value }) => readBmp(value)).filter(({ type }) => type === routeMonitoring);
        const prefixes = new Set<string>();
        for (const { peer, body } of updates) {
          // Flags and attributes that the JSON does not show may be the damaged ones; routes and path may not.
          const read = tryRead(body, (peer!.flags & 0x20) === 0 ? 4 : 2);
          if (read === null) return;
          for (const prefix of read.announced.keys()) prefixes.add(prefix);
          if (read.announced.size > 0) assert.deepEqual(read.path, data.path);
        }
        const want = data.announcements.flatMap((one) => one.prefixes.map(canonicalPrefix));
        assert.deepEqual([...prefixes].sort(), [...new Set(want)].sort());
      }),
      { numRuns: 300 },
    );
  });

  test('lines of any kind are messages, control messages or malformed, and never throw', () => {
    const encoder = new RisEncoder();
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ type: fc.constant('ris_message'), data: fc.anything() }).map((value) => JSON.stringify(value) ?? ''),
      fc
        .record({
          peer: fc.oneof(fc.constant('192.0.2.1'), fc.anything()),
          peer_asn: fc.oneof(fc.constant('64500'), fc.anything()),
          type: fc.constantFrom('UPDATE', 'OPEN', 'NOTIFICATION', 'STATE', 'KEEPALIVE', 'X'),
          raw: fc.oneof(fc.constant('FF'), fc.string()),
          path: fc.anything(),
          announcements: fc.anything(),
          withdrawals: fc.oneof(fc.array(fc.string()), fc.anything()),
          community: fc.anything(),
        })
        .map((data) => risLine(data)),
    );
    fc.assert(
      fc.property(line, (text) => {
        const read = parseLine(text);
        if (read.kind === 'message') encoder.encode(read.message);
      }),
      { numRuns: 2000 },
    );
  });
});

/** null where the reader refuses what was damaged outside of what the JSON shows (attribute flags). */
function tryRead(body: Buffer, width: 2 | 4): BgpUpdate | null {
  try {
    return readUpdate(body, width);
  } catch {
    return null;
  }
}
