// Topics, keys, the OpenBMP wrapper, and single UPDATEs whose form is worth pinning.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RisEncoder } from '../../../../src/ris/bmp/encoder.js';
import { unwrapObmp } from '../../../../src/ris/bmp/obmp.js';
import type { EncoderOptions } from '../../../../src/ris/bmp/record.js';
import { topicNamer } from '../../../../src/ris/bmp/topic.js';
import { parseLine } from '../../../../src/ris/feed/message.js';
import { readBmp, readUpdate } from '../../../support/bmp-reader.js';
import { risLine } from '../../../support/ris-lines.js';

const base = { peer: '2001:7f8::1', peer_asn: '64500', path: [64_500, 1], origin: 'igp' };
const announce = (next_hop: string, ...prefixes: string[]) => ({ next_hop, prefixes });

function encode(data: object, options: Partial<EncoderOptions> = {}) {
  const encoder = new RisEncoder(options);
  const read = parseLine(risLine({ ...base, ...data }, '1700000000.123456'));
  assert.ok(read.kind === 'message');
  return { records: encoder.encode(read.message), counts: encoder.counts };
}

const updates = (data: object) =>
  encode(data)
    .records.filter(({ value }) => value[5] === 0)
    .map(({ value }) => readUpdate(readBmp(value).body, 4));

describe('framing', () => {
  test('topics are made of a template, lower case; an impossible template is refused', () => {
    assert.equal(topicNamer('<collector>.<peer_asn>.bmp_raw')('rrc13', 2854), 'rrc13.2854.bmp_raw');
    assert.equal(topicNamer('<collector>.<peer_asn>.bmp_raw')('rrc13', 'meta'), 'rrc13.meta.bmp_raw');
    assert.equal(topicNamer('Routeviews.<collector>')('rrc13', 1), 'routeviews.rrc13');
    for (const bad of ['', '<host>', 'a b', 'a/<collector>']) assert.throws(() => topicNamer(bad), /topic template/);
  });

  test('keys', () => {
    const keyed = (key: EncoderOptions['key']) => encode({}, { key }).records.at(-1)!.key;
    assert.deepEqual((['peer', 'peer_asn', 'collector', 'id', 'none'] as const).map(keyed), [
      '2001:7f8::1',
      '64500',
      'rrc01',
      'x-01a089e0bb060000',
      null,
    ]);
  });

  test('OpenBMP 1.7: a header whose lengths and times are those of the BMP message behind it', () => {
    const { records } = encode({}, { framing: 'obmp' });
    for (const { value } of records) {
      assert.equal(value.toString('latin1', 0, 4), 'OBMP');
      assert.deepEqual([value[4], value[5], value.readUInt16BE(6)], [1, 7, 78 + 5 + 5]);
      const bmp = unwrapObmp(value)!;
      assert.equal(value.readUInt32BE(8), bmp.length);
      assert.deepEqual([value[12], value[13]], [0x80, 12]);
      assert.deepEqual([value.readUInt32BE(14), value.readUInt32BE(18)], [1_700_000_000, 123_456]);
      assert.equal(value.readUInt16BE(38), 5);
      assert.equal(value.toString('utf8', 40, 45), 'rrc01');
      assert.equal(value.readUInt16BE(77), 5);
      assert.equal(value.toString('utf8', 79, 84), 'rrc01');
      assert.equal(value.readUInt32BE(84), 1);
      readBmp(bmp);
    }
    const bare = Buffer.from('0300000006ff', 'hex');
    assert.equal(unwrapObmp(bare), bare);
    assert.equal(unwrapObmp(Buffer.from('4f424d500107ffff', 'hex')), null);
  });

  test('the two next hops of an old feed’s two entries make one announcement, the global one first', () => {
    const global = announce('2001:7f8::1', '2001:db8::/32', '2001:db9::/32');
    const local = announce('fe80::1', '2001:db8::/32', '2001:db9::/32');
    for (const announcements of [
      [global, local],
      [local, global],
      [announce('fe80::1,2001:7f8::1', ...global.prefixes)],
    ]) {
      const [update, ...rest] = updates({ announcements });
      assert.equal(rest.length, 0);
      assert.deepEqual(new Set(update!.announced.values()), new Set(['2001:7f8:0:0:0:0:0:1,fe80:0:0:0:0:0:0:1']));
    }
  });

  test('one UPDATE for each next hop and family; withdrawals first and bare', () => {
    const all = updates({
      withdrawals: ['192.0.2.0/24', '2001:db8:0:0:0:0:0:0/48'],
      announcements: [announce('192.0.2.1', '10.0.0.0/8'), announce('2001:7f8::1', '11.0.0.0/8', '2001:db8::/32')],
    });
    assert.deepEqual(
      all.map(({ withdrawn, announced }) => [withdrawn, [...announced]]),
      [
        [['192.0.2.0/24'], []],
        [['2001:db8:0:0:0:0:0:0/48'], []],
        [[], [['10.0.0.0/8', '192.0.2.1']]],
        [[], [['11.0.0.0/8', '2001:7f8:0:0:0:0:0:1']]],
        [[], [['2001:db8:0:0:0:0:0:0/32', '2001:7f8:0:0:0:0:0:1']]],
      ],
    );
    assert.deepEqual(all[0]!.attributes, []);
    assert.deepEqual(all[1]!.attributes, [15]);
  });

  test('IPv6 with an IPv4 next hop', () => {
    const [update] = updates({ announcements: [announce('192.0.2.1', '2001:db8::/32')] });
    assert.deepEqual([...update!.announced.values()], ['0:0:0:0:0:ffff:c000:201']);
  });

  test('no prefixes: attributes alone, or End-of-RIB of the peer’s family', () => {
    assert.deepEqual(updates({})[0]!.attributes, [1, 2]);
    assert.deepEqual(updates({ path: [], origin: undefined, withdrawals: ['eor'] })[0]!.attributes, [15]);
    assert.deepEqual(
      updates({ path: [], origin: undefined, withdrawals: ['eor'], peer: '192.0.2.1' })[0]!.attributes,
      [],
    );
  });

  test('nothing is published where no prefix is shown and nothing says that it is End-of-RIB', () => {
    const marker = 'FF'.repeat(16);
    const bare = { path: [], origin: undefined };
    for (const data of [
      // A withdrawal of another kind than unicast, without raw.
      bare,
      { ...bare, announcements: [], withdrawals: [] },
      // A PDU that fails its check, with attributes in the JSON or none.
      { ...bare, raw: `${marker}001702000000` },
      { raw: 'FF' },
    ]) {
      const { records, counts } = encode(data);
      assert.deepEqual([records.length, counts.malformed], [0, { 'no-prefix': 1 }], JSON.stringify(data));
    }
    for (const raw of [`${marker}00170200000000`, `${marker}001d0200000006800f03000201`]) {
      assert.equal(encode({ ...bare, raw }).counts.routeMonitoring, 1, raw);
    }
  });

  test('attributes too long for 4096 octets make an extended message; beyond 65535 the message is refused', () => {
    const community = Array.from({ length: 2_000 }, (_, i) => [1, i]);
    const announcements = [announce('192.0.2.1', '10.0.0.0/8', '11.0.0.0/8')];
    const all = updates({ community, announcements });
    assert.deepEqual(
      all.map(({ announced }) => [...announced.keys()]),
      [['10.0.0.0/8'], ['11.0.0.0/8']],
    );
    assert.equal(all[0]!.community!.length, 2_000);
    const huge = encode({ community: Array.from({ length: 20_000 }, () => [1, 1]), announcements });
    assert.deepEqual([huge.records.length, huge.counts.malformed], [0, { length: 1 }]);
  });

  test('texts that are no addresses refuse the message, with raw or without', () => {
    for (const [data, reason] of [
      [{ announcements: [announce('{bad}', '10.0.0.0/8')] }, 'next-hop'],
      [{ announcements: [announce('2001:db8::1,fe80::1,fe80::2', '2001:db8::/32')] }, 'next-hop'],
      [{ announcements: [announce('192.0.2.1', '10.0.0.0/33')] }, 'prefix'],
      [{ withdrawals: ['not a prefix'] }, 'prefix'],
      [{ withdrawals: ['not a prefix'], raw: 'FF' }, 'prefix'],
      [{ origin: 'unknown' }, 'origin'],
      [{ aggregator: '65000-8.42.232.1', announcements: [announce('192.0.2.1', '10.0.0.0/8')] }, 'aggregator'],
    ] as const) {
      const { records, counts } = encode(data);
      assert.deepEqual([records.length, counts.malformed], [0, { [reason]: 1 }], JSON.stringify(data));
    }
  });

  test('raw alone, in a line without path and prefixes, is published when it is sound', () => {
    const raw = `${'FF'.repeat(16)}002C02 0000 0013 400101 00 400206 0201 0000FBF4 400304C0000201 080A`.replaceAll(
      ' ',
      '',
    );
    const fixed = raw.replace('002C02', '002D02').replace('00000013', '00000014');
    const bare = { path: undefined, origin: undefined, raw: fixed };
    const { records, counts } = encode(bare);
    assert.equal(counts.raw, 1, JSON.stringify(counts));
    assert.deepEqual([...readUpdate(readBmp(records.at(-1)!.value).body, 4).announced], [['10.0.0.0/8', '192.0.2.1']]);
  });

  test('a valid raw is enough: what is odd or missing in the JSON is counted, and never drops the line', () => {
    const raw = `${'FF'.repeat(16)}002D02 0000 0014 400101 00 400206 0201 0000FBF4 400304C0000201 080A`.replaceAll(
      ' ',
      '',
    );
    const good = { path: [64_500], announcements: [announce('192.0.2.1', '10.0.0.0/8')], raw };
    for (const [odd, reasons] of [
      [{ med: null }, { med: 1 }],
      [{ community: ['64500:1'] }, { community: 1 }],
      [{ community: [[64_500, 1, 2]] }, { community: 1 }],
      [
        { community: null, origin: 7 },
        { community: 1, origin: 1 },
      ],
      [{ announcements: [{ prefixes: ['10.0.0.0/8'] }] }, { 'next-hop': 1 }],
      [{ announcements: null }, { announcements: 1 }],
      [{ announcements: [announce('192.0.2.1', '10.0.0.0')] }, { prefix: 1 }],
      [{ withdrawals: null }, { withdrawals: 1 }],
      [{ aggregator: 5 }, { aggregator: 1 }],
      [{ path: null }, { path: 1 }],
      [{ path: undefined }, {}],
      [{ origin: 'iGp' }, {}],
    ] as const) {
      const { records, counts } = encode({ ...good, ...odd });
      assert.deepEqual([counts.raw, counts.malformed, counts.jsonOdd], [1, {}, reasons], JSON.stringify(odd));
      const { announced } = readUpdate(readBmp(records.at(-1)!.value).body, 4);
      assert.deepEqual([...announced], [['10.0.0.0/8', '192.0.2.1']]);
    }
    // What the rest of the JSON contradicts, or is not to be used, is still refused.
    const other = [announce('192.0.2.1', '11.0.0.0/8')];
    for (const [data, options] of [
      [{ announcements: other }, {}],
      [{ path: [64_501] }, {}],
      [{ raw: raw.slice(2) }, {}],
      [{}, { useRaw: false }],
    ] as const) {
      const { records, counts } = encode({ ...good, med: null, ...data }, options);
      assert.deepEqual([records.length, counts.malformed, counts.jsonOdd], [0, { med: 1 }, {}], JSON.stringify(data));
    }
  });

  test('a withdrawal whose PDU carries attributes that the JSON leaves out is published as it came', () => {
    const attributes = '400101 00 400206 0201 0000FBF4'.replaceAll(' ', '');
    const raw = `${'FF'.repeat(16)}002602 0002 080A 000D ${attributes}`.replaceAll(' ', '');
    const { records, counts } = encode({ path: [], origin: undefined, withdrawals: ['10.0.0.0/8'], raw });
    assert.deepEqual([counts.raw, counts.rawMismatch], [1, 0]);
    assert.deepEqual(readUpdate(readBmp(records.at(-1)!.value).body, 4).withdrawn, ['10.0.0.0/8']);
    const announced = encode({ path: [], announcements: [announce('192.0.2.1', '10.0.0.0/8')], raw });
    assert.equal(announced.counts.rawMismatch, 1);
  });
});
