// The cursor over arguments, inline splitting and globs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { globMatcher } from '../../../../src/core/access/glob.js';
import { GatewayError } from '../../../../src/errors.js';
import { Args, parseInteger } from '../../../../src/resp/command/args.js';
import { splitInline } from '../../../../src/resp/wire/inline.js';

const args = (...words: string[]): Args => new Args(['CMD', ...words].map((word) => Buffer.from(word)));
const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;

describe('args', () => {
  test('reads in order, options in any case, and refuses what is left over', () => {
    const read = args('key', 'count', '-12', 'x', 'y');
    assert.equal(read.text(), 'key');
    assert.equal(read.option('MATCH'), false);
    assert.equal(read.option('COUNT'), true);
    assert.equal(read.integer(), -12);
    assert.equal(read.left, 2);
    assert.throws(() => read.finish(), code('syntax'));
    assert.deepEqual(read.rest().map(String), ['x', 'y']);
    read.finish();
    assert.throws(() => read.bytes(), code('syntax'));
  });

  test('integers as Redis reads them', () => {
    for (const [text, value] of [
      ['0', 0],
      ['-1', -1],
      ['9007199254740991', 9007199254740991],
    ] as const) {
      assert.equal(parseInteger(Buffer.from(text)), value);
    }
    for (const text of ['', '-', '-0', '+1', '01', ' 1', '1 ', '1.0', '1e3', '0x1', '9007199254740993', 'a']) {
      assert.equal(parseInteger(Buffer.from(text)), undefined, text);
    }
    assert.throws(() => args('x').integer(), code('not-integer'));
  });
});

describe('inline', () => {
  const split = (line: string, maxArgs = 100_000, maxArgBytes = 100_000): string[] | string => {
    const found = splitInline(Buffer.from(line, 'latin1'), { maxArgs, maxArgBytes });
    return typeof found === 'string' ? found : found.map((arg) => arg.toString('latin1'));
  };

  test('words, quotes and escapes', () => {
    assert.deepEqual(split('  set  key\tvalue '), ['set', 'key', 'value']);
    assert.deepEqual(split('"a b" \'c d\' ""'), ['a b', 'c d', '']);
    assert.deepEqual(split('"\\x00\\xfF\\n\\"\\\\" \'\\\'\\n\''), ['\0\xff\n"\\', "'\\n"]);
    assert.deepEqual(split('a"b c"'), ['ab c']);
    assert.deepEqual(split(''), []);
  });

  test('unbalanced quotes', () => {
    for (const line of ['"a', "'a", '"a"b', "'a'b", '"a\\"', '"\\']) assert.equal(split(line), 'unbalanced', line);
  });

  test('64 KB of one-letter words take the memory of one line, not of one line a word', () => {
    const found = splitInline(Buffer.from('a '.repeat(32_768)), { maxArgs: 100_000, maxArgBytes: 100 }) as Buffer[];
    assert.equal(found.length, 32_768);
    const memory = new Set(found.map(({ buffer }) => buffer));
    const bytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
    assert.ok(bytes <= 65_536, `${bytes} bytes`);
  });

  test('too many words, and one that is too long', () => {
    assert.deepEqual(split('a b c', 3), ['a', 'b', 'c']);
    assert.equal(split('a b c d', 3), 'too-many');
    assert.deepEqual(split('"\\x61\\x62" c', 3, 2), ['ab', 'c']);
    assert.equal(split('ab abc', 3, 2), 'too-long');
  });
});

describe('glob', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', '', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abbcd', false],
    ['?', '', false],
    ['h?llo', 'hello', true],
    ['h[ae]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['h[a-c]llo', 'hbllo', true],
    ['h[c-a]llo', 'hbllo', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['[\\]]', ']', true],
    ['a.b', 'axb', false],
    ['topics:*', 'topics:a\nb', true],
    ['[', 'x', false],
  ];
  for (const [pattern, text, expected] of cases) {
    test(`${pattern} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      assert.equal(globMatcher(pattern)(text), expected);
    });
  }

  test('many stars cost no more than their number times the text', () => {
    assert.equal(globMatcher(`${'*a'.repeat(100)}*b`)('a'.repeat(249)), false);
  });

  test('a pattern of megabytes is refused before it is taken apart', () => {
    assert.throws(() => globMatcher('['.repeat(1_000_000)), code('pattern-too-long'));
  });

  test('case may be ignored', () => {
    assert.equal(globMatcher('MAX*', { ignoreCase: true })('maxclients'), true);
  });
});
