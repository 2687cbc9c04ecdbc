// The rows of the benchmarks' table: what a target is about, and when it is met.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowText, tableHead } from '../../bench/yardsticks/table.js';

const cells = (text: string): string[] =>
  text
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

test('with a yardstick the target is about the ratio', () => {
  const figure = { what: 'RPUSHX', ours: 130_000, unit: '/s', yardstick: 100_000, against: 'R' };
  assert.deepEqual(cells(rowText({ ...figure, target: '>= 1.3' })), [
    'RPUSHX',
    '130,000/s',
    'R 100,000/s',
    '**1.30**',
    '>= 1.3',
    'yes',
  ]);
  assert.equal(cells(rowText({ ...figure, target: '>= 1.4' })).at(-1), '**no**');
});

test('without one, or where it is said, the target is about ours', () => {
  assert.deepEqual(cells(rowText({ what: 'p99', ours: 7.5, unit: ' ms', target: '<= 7' })), [
    'p99',
    '7.50 ms',
    '',
    '',
    '<= 7 ms',
    '**no**',
  ]);
  const figure = { what: 'async', ours: 14_000, unit: '/s', yardstick: 18_000, target: '>= 10,000' };
  assert.equal(cells(rowText({ ...figure, targetOf: 'ours' })).at(-1), 'yes');
});

test('a ratio of medians is not computed anew', () => {
  assert.equal(cells(rowText({ what: 'x', ours: 10, yardstick: 10, ratio: 0.9, target: '< 1' })).at(-1), 'yes');
});

test('every row has the columns of the head', () => {
  const [head] = tableHead.split('\n');
  assert.equal(cells(rowText({ what: 'x', ours: 1 })).length, cells(head!).length);
});

test('a target that cannot be read is a mistake, not a target that is missed', () => {
  assert.throws(() => rowText({ what: 'x', ours: 1, target: 'equal' }), /operator and a number/);
});
