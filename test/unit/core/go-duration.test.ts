// Go's duration texts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { goDuration } from '../../../src/core/go-duration.js';

describe("Go's durations", () => {
  test('to milliseconds', () => {
    const table: [string, number][] = [
      ['20ms', 20],
      ['1.5s', 1_500],
      ['.5s', 500],
      ['1h2m3.5s', 3_723_500],
      ['-1.5m', -90_000],
      ['+2s', 2_000],
      ['0', 0],
      ['100us', 0.1],
    ];
    for (const [text, ms] of table) assert.equal(goDuration(text), ms, text);
  });

  test("anything else is refused in Go's words", () => {
    const table: [string, RegExp][] = [
      ['', /^Error: time: invalid duration ""$/],
      ['5', /^Error: time: missing unit in duration "5"$/],
      ['1s5', /^Error: time: missing unit in duration "1s5"$/],
      ['5x', /^Error: time: unknown unit "x" in duration "5x"$/],
      ['5 s', /^Error: time: unknown unit " s" in duration "5 s"$/],
      ['s', /^Error: time: invalid duration "s"$/],
      ['2s!', /^Error: time: invalid duration "2s!"$/],
    ];
    for (const [text, error] of table) assert.throws(() => goDuration(text), error, text);
  });
});
