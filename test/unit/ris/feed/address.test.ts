// Addresses and prefixes, against what Node and ipaddr.js read.
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import {
  addressBytes,
  addressLength,
  addressText,
  canonicalAddress,
  parsePrefix,
} from '../../../../src/ris/feed/address.js';

const family = { 0: 0, 4: 4, 16: 6 } as const;
const address = fc.oneof(fc.ipV4(), fc.ipV6());
/** Near misses: an address with one character put in, taken out or changed. */
const damaged = fc.tuple(address, fc.nat(), fc.constantFrom(...':.0fFg/ -%1:', '')).map(([text, at, put]) => {
  const place = at % (text.length + 1);
  return text.slice(0, place) + put + text.slice(place + (at % 2));
});

describe('addresses', () => {
  test('are what Node takes for addresses, and no others', () => {
    fc.assert(
      fc.property(fc.oneof(address, damaged, fc.string({ maxLength: 20 })), (text) => {
        // A zone is of no use in BGP.
        fc.pre(!text.includes('%'));
        assert.equal(family[addressLength(text)], isIP(text), text);
      }),
      { numRuns: 5000 },
    );
  });

  test('have the bytes that ipaddr.js reads, and a text that reads back', () => {
    fc.assert(
      fc.property(address, (text) => {
        const bytes = addressBytes(text)!;
        // ipaddr.js takes ::a.b.c.d for ::ffff:a.b.c.d.
        fc.pre(!text.includes(':') || !text.includes('.'));
        assert.deepEqual([...bytes], ipaddr.parse(text).toByteArray());
        assert.deepEqual(addressBytes(addressText(bytes)), bytes);
      }),
      { numRuns: 1000 },
    );
  });

  test('are written in the form of RFC 5952', () => {
    for (const [long, short] of [
      ['2a12:ca42:0:0:0:0:0:0', '2a12:ca42::'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
      ['2001:DB8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['10:0:0:5:6:7:8:9', '10::5:6:7:8:9'],
      ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ]) {
      assert.equal(addressText(addressBytes(long!)!), short);
    }
  });

  test('a prefix has as many octets as its length needs, and the rest of the last one is zero', () => {
    const out = new Uint8Array(17);
    const octets = (text: string): number[] => [...out.subarray(0, parsePrefix(text, out, 0))];
    assert.deepEqual(octets('0.0.0.0/0'), [0]);
    assert.deepEqual(octets('192.0.2.255/25'), [25, 192, 0, 2, 128]);
    assert.deepEqual(octets('2804:7f5:ffff::/33'), [33, 0x28, 0x04, 0x07, 0xf5, 0x80]);
    assert.deepEqual(octets('2605:de00:bb:0:0:0:0:0/48'), [48, 0x26, 0x05, 0xde, 0, 0, 0xbb]);
    for (const bad of [
      '',
      '/',
      '10.0.0.0',
      '10.0.0.0/',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '::/129',
      '10.0.0/8',
      'x/8',
      '::/1x',
    ])
      assert.equal(parsePrefix(bad, out, 0), 0, bad);
  });

  test('have one spelling, whatever they are written like; other text stays', () => {
    fc.assert(
      fc.property(fc.oneof(address, damaged), fc.boolean(), (text, isUpper) => {
        const bytes = addressBytes(text);
        const spelled = isUpper ? text.toUpperCase() : text;
        assert.equal(canonicalAddress(spelled), bytes === null ? spelled : addressText(bytes));
      }),
    );
    for (const other of ['2001:DB8::1', '2001:db8:0:0:0:0:0:1', '2001:0db8::1', '2001:db8::0.0.0.1'])
      assert.equal(canonicalAddress(other), '2001:db8::1');
    assert.equal(canonicalAddress('1:2:3:4:5:6::8'), '1:2:3:4:5:6:0:8');
  });
});
