import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AckedRanges } from '../../../../src/core/group/acked-ranges.js';
import { decodeRanges, encodeRanges, type Range } from '../../../../src/core/group/out-of-order-acks.js';

const max = 2n ** 63n - 1n;

describe('sparse acks', () => {
  const known: [Range[], string][] = [
    [[[1n, 2n]], 'BB'],
    [
      [
        [1n, 2n],
        [9n, 11n],
      ],
      'BBHC',
    ],
    [
      [
        [1n, 2n],
        [3n, 5n],
        [6n, 7n],
        [9n, 11n],
      ],
      'BBBCBBCC',
    ],
    [
      [
        [86n, 88n],
        [4184n, 4185n],
      ],
      '2CCggEB',
    ],
    [[], ''],
  ];
  for (const [ranges, text] of known) {
    it(`writes and reads ${JSON.stringify(text)}`, () => {
      assert.equal(encodeRanges(ranges), text);
      assert.deepEqual(decodeRanges(text), ranges);
    });
  }

  for (const value of [1n, 31n, 32n, 1023n, 1024n, 2n ** 31n, 2n ** 53n, 2n ** 62n, max - 1n]) {
    it(`reads back a gap of ${value}`, () => {
      const ranges: Range[] = [[value, value + 1n]];
      assert.deepEqual(decodeRanges(encodeRanges(ranges)), ranges);
    });
  }

  it('reads back a range up to 2^63-1', () => {
    const ranges: Range[] = [[1n, max]];
    assert.deepEqual(decodeRanges(encodeRanges(ranges)), ranges);
  });

  const bad: [string, RegExp][] = [
    ['AA', /bad range/],
    ['BA', /bad range/],
    ['BBAB', /bad range/],
    ['B', /unfinished/],
    ['Bg', /unfinished/],
    ['BBg', /unfinished/],
    ['@', /bad character/],
    ['B=', /bad character/],
    ['gggggggggggggBB', /overflow/],
    ['//////////////', /overflow/],
    ['////////////fB', /overflow/],
  ];
  for (const [text, error] of bad) {
    it(`refuses ${text}`, () => assert.throws(() => decodeRanges(text), error));
  }

  it('leaves out the ranges that exceed the limit', () => {
    const ranges: Range[] = [
      [1n, 2n],
      [9n, 11n],
    ];
    assert.equal(encodeRanges(ranges, 3), 'BB');
  });
});

describe('acked ranges', () => {
  it('follows a sequence of acks', () => {
    const top = Number.MAX_SAFE_INTEGER - 1;
    const table: [ack: number, base: number, ranges: string][] = [
      [299, 300, ''],
      [300, 301, ''],
      [302, 301, '1-2'],
      [310, 301, '1-2,9-10'],
      [311, 301, '1-2,9-11'],
      [307, 301, '1-2,6-7,9-11'],
      [305, 301, '1-2,4-5,6-7,9-11'],
      [304, 301, '1-2,3-5,6-7,9-11'],
      [305, 301, '1-2,3-5,6-7,9-11'],
      [308, 301, '1-2,3-5,6-8,9-11'],
      [303, 301, '1-5,6-8,9-11'],
      [309, 301, '1-5,6-11'],
      [306, 301, '1-11'],
      [301, 312, ''],
      [398, 312, '86-87'],
      [399, 312, '86-88'],
      [4496, 312, '86-88,4184-4185'],
      [top, 312, `86-88,4184-4185,${top - 312}-${top - 311}`],
    ];
    const acked = new AckedRanges(300);
    for (const [ack, base, ranges] of table) {
      acked.add(ack);
      assert.equal(acked.base, base, `base after ${ack}`);
      assert.equal(acked.toString(), ranges, `ranges after ${ack}`);
      assert.equal(AckedRanges.decode(base, acked.encode()).toString(), ranges, `read back after ${ack}`);
    }
  });

  it('says whether an ack was new', () => {
    const acked = AckedRanges.decode(301, 'BBHC');
    assert.deepEqual(
      [300, 301, 301, 302, 303, 310, 311].map((offset) => acked.add(offset)),
      [false, true, false, false, true, false, false],
    );
  });

  it('raises the base into and over ranges', () => {
    const table: [to: number, base: number, ranges: string][] = [
      [0, 300, '1-3,5-8,10-11'],
      [299, 300, '1-3,5-8,10-11'],
      [300, 300, '1-3,5-8,10-11'],
      [301, 303, '2-5,7-8'],
      [302, 303, '2-5,7-8'],
      [303, 303, '2-5,7-8'],
      [304, 304, '1-4,6-7'],
      [305, 308, '2-3'],
      [306, 308, '2-3'],
      [307, 308, '2-3'],
      [308, 308, '2-3'],
      [309, 309, '1-2'],
      [310, 311, ''],
      [311, 311, ''],
      [312, 312, ''],
      [400, 400, ''],
      [4496, 4496, ''],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, ''],
    ];
    for (const [to, base, ranges] of table) {
      const acked = new AckedRanges(300);
      for (const offset of [301, 302, 305, 306, 307, 310]) acked.add(offset);
      acked.raise(to);
      assert.equal(acked.base, base, `base at ${to}`);
      assert.equal(acked.toString(), ranges, `ranges at ${to}`);
    }
  });

  it('names the next offset that is not acked', () => {
    const acked = new AckedRanges(300);
    for (const offset of [301, 302, 305]) acked.add(offset);
    const table: [number, number][] = [
      [0, 300],
      [299, 300],
      [300, 300],
      [301, 303],
      [302, 303],
      [303, 303],
      [304, 304],
      [305, 306],
      [306, 306],
    ];
    for (const [offset, next] of table) {
      assert.equal(acked.nextOpen(offset), next);
      assert.equal(acked.has(offset), next !== offset);
    }
  });

  it('refuses metadata that speaks of offsets which do not exist', () => {
    assert.throws(() => AckedRanges.decode(300, 'abra1234+/P', 500));
    assert.throws(() => AckedRanges.decode(300, 'BBHC', 310), /ends at 311/);
    assert.equal(AckedRanges.decode(300, 'BBHC', 311).toString(), '1-2,9-11');
  });

  it('keeps its metadata within what a broker takes', () => {
    const acked = new AckedRanges(0);
    for (let offset = 1; offset < 9000; offset += 2) acked.add(offset);
    const metadata = acked.encode();
    assert.ok(metadata.length <= 4096);
    assert.ok(AckedRanges.decode(0, metadata).has(1));
  });

  it('agrees with a plain set, whatever the order', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let round = 0; round < 50; round++) {
      const acked = new AckedRanges(10);
      const model = new Set<number>();
      for (let step = 0; step < 60; step++) {
        const offset = 10 + random(40);
        if (step % 5 === 4) {
          const to = offset + random(6);
          acked.addAll(offset, to);
          for (let each = offset; each < to; each++) model.add(each);
        } else assert.equal(acked.add(offset), !model.has(offset));
        if (step % 5 !== 4) model.add(offset);
        let base = 10;
        while (model.has(base)) base++;
        assert.equal(acked.base, base);
        for (let each = base; each < 55; each++) assert.equal(acked.has(each), model.has(each));
      }
    }
  });
});
