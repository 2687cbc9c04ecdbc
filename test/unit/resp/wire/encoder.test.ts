// The encoder: every kind of reply on both protocol versions, batches in one write, large bulks not copied.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Encoder, type Protocol } from '../../../../src/resp/wire/encoder.js';
import {
  BooleanReply,
  Double,
  Encoded,
  ErrorReply,
  MapReply,
  noReply,
  nullArray,
  OK,
  PushReply,
  type Reply,
  SetReply,
  Simple,
  Verbatim,
} from '../../../../src/resp/wire/reply.js';

/** What was gathered, in pieces. */
function taken(encoder: Encoder): Buffer[] {
  const pieces: Buffer[] = [];
  encoder.moveTo(pieces);
  return pieces;
}

const text = (pieces: readonly Buffer[]): string => Buffer.concat(pieces).toString('latin1');

function encode(reply: Reply, protocol: Protocol): string {
  const encoder = new Encoder();
  encoder.append(reply, protocol);
  const pieces = taken(encoder);
  assert.equal(encoder.size, 0);
  return text(pieces);
}

const cases: readonly (readonly [Reply, resp2: string, resp3: string])[] = [
  [OK, '+OK\r\n', '+OK\r\n'],
  [new Simple('PONG'), '+PONG\r\n', '+PONG\r\n'],
  [new ErrorReply('ERR no'), '-ERR no\r\n', '-ERR no\r\n'],
  [new ErrorReply('ERR two\r\nlines\n'), '-ERR two  lines\r\n', '-ERR two  lines\r\n'],
  [0, ':0\r\n', ':0\r\n'],
  [9, ':9\r\n', ':9\r\n'],
  [10, ':10\r\n', ':10\r\n'],
  [-1, ':-1\r\n', ':-1\r\n'],
  [2 ** 53 - 1, ':9007199254740991\r\n', ':9007199254740991\r\n'],
  ['', '$0\r\n\r\n', '$0\r\n\r\n'],
  ['héé', '$5\r\nh\xc3\xa9\xc3\xa9\r\n', '$5\r\nh\xc3\xa9\xc3\xa9\r\n'],
  [Buffer.from([0, 255, 13, 10]), '$4\r\n\x00\xff\r\n\r\n', '$4\r\n\x00\xff\r\n\r\n'],
  [null, '$-1\r\n', '_\r\n'],
  [nullArray, '*-1\r\n', '_\r\n'],
  [noReply, '', ''],
  [[], '*0\r\n', '*0\r\n'],
  [[1, 'a', null, [OK]], '*4\r\n:1\r\n$1\r\na\r\n$-1\r\n*1\r\n+OK\r\n', '*4\r\n:1\r\n$1\r\na\r\n_\r\n*1\r\n+OK\r\n'],
  [new MapReply(['a', 1]), '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
  [new SetReply(['a']), '*1\r\n$1\r\na\r\n', '~1\r\n$1\r\na\r\n'],
  [new PushReply(['a']), '*1\r\n$1\r\na\r\n', '>1\r\n$1\r\na\r\n'],
  [new Verbatim('hi'), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
  [new Double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
  [new Double(Number.NEGATIVE_INFINITY), '$4\r\n-inf\r\n', ',-inf\r\n'],
  [new BooleanReply(true), ':1\r\n', '#t\r\n'],
  [new BooleanReply(false), ':0\r\n', '#f\r\n'],
  [new Encoded(Buffer.from('+raw\r\n')), '+raw\r\n', '+raw\r\n'],
];

describe('encoder', () => {
  for (const [reply, resp2, resp3] of cases) {
    test(JSON.stringify(resp3), () => {
      assert.equal(encode(reply, 2), resp2);
      assert.equal(encode(reply, 3), resp3);
    });
  }

  test('a batch of small replies is one piece', () => {
    const encoder = new Encoder();
    for (let i = 0; i < 64; i++) encoder.append(1, 2);
    const pieces = taken(encoder);
    assert.equal(pieces.length, 1);
    assert.equal(text(pieces), ':1\r\n'.repeat(64));
  });

  test('a large bulk is passed along, not copied', () => {
    const encoder = new Encoder();
    const large = Buffer.alloc(100_000, 'x');
    encoder.append([1, large, 2], 2);
    assert.equal(encoder.size, 4 + 4 + '$100000\r\n'.length + 100_000 + 2 + 4);
    const pieces = taken(encoder);
    assert.ok(pieces.includes(large));
    assert.equal(text(pieces), `*3\r\n:1\r\n$100000\r\n${large}\r\n:2\r\n`);
  });

  test('bytes that were handed over are not written over before rewind()', () => {
    const reply = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ minLength: 3000, maxLength: 9000 }));
    fc.assert(
      fc.property(fc.array(fc.array(reply, { maxLength: 8 }), { maxLength: 12 }), fc.boolean(), (batches, read) => {
        const encoder = new Encoder();
        let written: Buffer[] = [];
        for (const batch of batches) {
          for (const each of batch) encoder.append(each, 3);
          encoder.moveTo(written);
          if (!read) continue;
          written = [Buffer.concat(written)];
          encoder.rewind();
        }
        const expected = batches.flat().map((each) => `$${Buffer.byteLength(each)}\r\n${each}\r\n`);
        assert.equal(Buffer.concat(written).toString(), expected.join(''));
      }),
    );
  });

  test('rewind() keeps what has not been handed over', () => {
    const encoder = new Encoder();
    encoder.append('first', 2);
    taken(encoder);
    encoder.append('second', 2);
    encoder.rewind();
    assert.equal(text(taken(encoder)), '$6\r\nsecond\r\n');
  });

  test('clear() forgets a batch, and the next one is whole', () => {
    const encoder = new Encoder();
    encoder.append(['lost', Buffer.alloc(5000)], 2);
    encoder.clear();
    assert.equal(encoder.size, 0);
    encoder.append('kept', 2);
    assert.equal(text(taken(encoder)), '$4\r\nkept\r\n');
  });
});
