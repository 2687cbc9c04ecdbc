// The decoder: whatever the pieces a stream comes in, the same commands; nothing held that was not sent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Decoder, ProtocolFault, refusedBySize } from '../../../../src/resp/wire/decoder.js';
import type { FrameLimits } from '../../../../src/resp/wire/frame-guard.js';
import { encodeCommand } from '../../../support/resp-pair.js';

const limits: FrameLimits = { maxBulkBytes: 100_000, maxArgs: 1000, refuseBulkBytes: 50_000 };

/** Feeds the pieces and returns all that was decoded, arguments as latin1. */
function decodeAll(pieces: readonly Buffer[], decoder = new Decoder(limits)): unknown[] {
  const found: unknown[] = [];
  for (const piece of pieces) {
    // As from a socket: the memory is the stream's, and it is not the test's to change.
    decoder.push(Buffer.from(piece));
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
      if (next instanceof ProtocolFault) return [...found, next.text];
      found.push(next === refusedBySize ? 'refused' : next.map((arg) => arg.toString('latin1')));
    }
  }
  return found;
}

const split = (bytes: Buffer, sizes: readonly number[]): Buffer[] => {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= bytes.length) break;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at));
  return pieces;
};

const argument = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const commandList = fc.array(fc.array(argument, { minLength: 1, maxLength: 5 }), { maxLength: 20 });

describe('decoder', () => {
  test('commands come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(commandList, fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 100 }), (commands, sizes) => {
        const bytes = Buffer.concat(commands.map(encodeCommand));
        const expected = commands.map((argv) => argv.map((arg) => arg.toString('latin1')));
        assert.deepEqual(decodeAll(split(bytes, sizes)), expected);
      }),
    );
  });

  test('byte by byte, arrays, inline commands and empty ones mixed', () => {
    const bytes = Buffer.from(
      '*1\r\n$4\r\nPING\r\n\r\necho "a b"\r\n*0\r\n*-1\r\n*2\r\n$0\r\n\r\n$2\r\n\r\n\r\nlast\n',
    );
    const expected = [['PING'], ['echo', 'a b'], ['', '\r\n'], ['last']];
    assert.deepEqual(decodeAll([...bytes].map((byte) => Buffer.of(byte))), expected);
    assert.deepEqual(decodeAll([bytes]), expected);
  });

  test('nothing throws and nothing hangs on random bytes; a fault is the last thing', () => {
    const token = fc.constantFrom(
      '*',
      '$',
      '\r\n',
      '\n',
      '\r',
      '0',
      '1',
      '3',
      '-1',
      '999999999',
      ' ',
      '"',
      "'",
      'PING',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(token, fc.string({ maxLength: 5 })), { maxLength: 60 }), (parts) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        const whole = decodeAll([bytes]);
        assert.deepEqual(decodeAll([...bytes].map((byte) => Buffer.of(byte))), whole);
      }),
      { numRuns: 500 },
    );
  });

  test('a header alone takes no memory', () => {
    const decoder = new Decoder({ ...limits, maxArgs: 1024 * 1024, maxBulkBytes: 512 * 1024 * 1024 });
    decoder.push(Buffer.from('*1048576\r\n$49000\r\n'));
    assert.equal(decoder.next(), undefined);
    assert.ok(decoder.heldBytes < 100, `holds ${decoder.heldBytes} bytes`);
  });

  test('what is left of a large chunk does not keep the chunk', () => {
    const decoder = new Decoder(limits);
    const command = encodeCommand(['PING']);
    decoder.push(Buffer.concat([...Array(4000).fill(command), command.subarray(0, 5)]));
    let commands = 0;
    while (decoder.next() !== undefined) commands++;
    assert.equal(commands, 4000);
    assert.ok(decoder.heldBytes <= 16, `holds ${decoder.heldBytes} bytes`);
  });

  test('a bulk that no broker would take is thrown away as it comes; its command is told and the next one runs', () => {
    const decoder = new Decoder(limits);
    const bytes = Buffer.concat([encodeCommand(['SET', 'k', 'x'.repeat(60_000), 'y']), encodeCommand(['PING'])]);
    const found: unknown[] = [];
    let most = 0;
    for (const piece of split(bytes, Array(100).fill(1000))) {
      decoder.push(Buffer.from(piece));
      for (let next = decoder.next(); next !== undefined; next = decoder.next()) found.push(next);
      most = Math.max(most, decoder.heldBytes);
    }
    assert.equal(found[0], refusedBySize);
    assert.deepEqual(found.slice(1).map(String), ['PING']);
    assert.ok(most < 3000, `held ${most} bytes`);
  });

  test('before AUTH: 10 arguments, 16 KB an argument; after it the usual limits', () => {
    const before = (bytes: Buffer): unknown[] => {
      const decoder = new Decoder(limits);
      decoder.authenticated = false;
      return decodeAll([bytes], decoder);
    };
    assert.deepEqual(before(encodeCommand(Array(11).fill('a'))), ['unauthenticated multibulk length']);
    assert.deepEqual(before(encodeCommand(['AUTH', 'x'.repeat(16_385)])), ['unauthenticated bulk length']);
    assert.equal(before(encodeCommand(Array(10).fill('a'))).length, 1);

    const decoder = new Decoder(limits);
    decoder.authenticated = false;
    decoder.push(Buffer.concat([encodeCommand(['AUTH', 'x']), encodeCommand(Array(11).fill('a'))]));
    assert.deepEqual((decoder.next() as Buffer[]).map(String), ['AUTH', 'x']);
    decoder.authenticated = true;
    assert.equal((decoder.next() as Buffer[]).length, 11);
  });

  test('commands that come together are all run before what is wrong behind them, once', () => {
    const good = Array.from({ length: 20 }, (_, index) => ['ECHO', String(index)]);
    const bytes = Buffer.concat(good.map(encodeCommand));
    const refused = encodeCommand(['SET', 'k', 'x'.repeat(60_000)]);
    const whole = Buffer.concat([bytes, refused, bytes, refused, refused, Buffer.from('PING\r\n'), bytes]);
    const expected = [...good, 'refused', ...good, 'refused', 'refused', ['PING'], ...good];
    for (const [fault, text] of [
      ['*01\r\n$4\r\nPING\r\n', 'invalid multibulk length'],
      ['*1\r\n$-7\r\n', 'invalid bulk length'],
      ['*1\r\n+PING\r\n', "expected '$', got '+'"],
    ] as const) {
      const stream = Buffer.concat([whole, Buffer.from(fault)]);
      assert.deepEqual(decodeAll([stream]), [...expected, text]);
      assert.deepEqual(decodeAll(split(stream, Array(1000).fill(777))), [...expected, text]);
    }
  });

  test('commands that wait to be run are counted until the last is given out', () => {
    const decoder = new Decoder(limits);
    decoder.push(Buffer.concat(Array(3).fill(encodeCommand(['PING']))));
    for (const held of [42, 42, 0]) {
      assert.ok(decoder.next());
      assert.equal(decoder.heldBytes, held);
    }
  });

  test('a large command behind another is counted, whatever comes behind it', () => {
    const decoder = new Decoder({ ...limits, refuseBulkBytes: 100_000 });
    const [ping, large] = [encodeCommand(['PING']), encodeCommand(['ECHO', 'x'.repeat(90_000)])];
    decoder.push(Buffer.concat([ping, ping, large]));
    assert.ok(decoder.next());
    decoder.push(Buffer.from('*'));
    assert.ok(decoder.heldBytes > 90_000, `holds ${decoder.heldBytes} bytes`);
    assert.ok(decoder.next());
    assert.equal((decoder.next() as Buffer[])[1]?.length, 90_000);
    assert.equal(decoder.next(), undefined);
    assert.ok(decoder.heldBytes <= 16, `holds ${decoder.heldBytes} bytes`);
  });

  test('limits of size and count', () => {
    assert.deepEqual(decodeAll([Buffer.from('*1\r\n$100001\r\n')]), ['invalid bulk length']);
    assert.deepEqual(decodeAll([Buffer.from('*1001\r\n')]), ['invalid multibulk length']);
    assert.deepEqual(decodeAll([Buffer.alloc(65_537, 'a')]), ['too big inline request']);
    assert.deepEqual(decodeAll(Array(70).fill(Buffer.alloc(1000, 'a'))), ['too big inline request']);
    assert.deepEqual(decodeAll([Buffer.from(`${'a'.repeat(65_537)}\n`)]), ['too big inline request']);
    assert.deepEqual(decodeAll([Buffer.from(`${'a '.repeat(1001)}\n`)]), ['invalid multibulk length']);
    assert.deepEqual(decodeAll([Buffer.from(`*${'1'.repeat(40)}`)]), ['invalid multibulk length']);
  });

  test('before AUTH an inline command has ten words of 16 KB at most, as an array has', () => {
    const beforeAuth = (line: string): unknown[] => {
      const decoder = new Decoder(limits);
      decoder.authenticated = false;
      return decodeAll([Buffer.from(`${line}\r\n`)], decoder);
    };
    assert.deepEqual(beforeAuth('a b c d e f g h i j'), ['abcdefghij'.split('')]);
    assert.deepEqual(beforeAuth('a '.repeat(32_000)), ['unauthenticated multibulk length']);
    assert.deepEqual(beforeAuth(`AUTH ${'x'.repeat(16_385)}`), ['unauthenticated bulk length']);
    assert.deepEqual(beforeAuth('*11'), ['unauthenticated multibulk length']);
  });
});

test('arguments are Buffers like any other', () => {
  const decoder = new Decoder(limits);
  decoder.push(Buffer.from('*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n'));
  const [name, word] = decoder.next() as readonly Buffer[];
  assert.deepEqual([name, word], [Buffer.from('ECHO'), Buffer.from('hello')]);
  assert.equal(Object.getPrototypeOf(word), Buffer.prototype);
  assert.equal(word!.subarray(1, 3).toString('latin1'), 'el');
  assert.deepEqual(word!.slice(-2), Buffer.from('lo'));
});
