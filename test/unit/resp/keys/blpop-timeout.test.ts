import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../../src/errors.js';
import { parseBlpopTimeout, type TimeoutUnit } from '../../../../src/resp/keys/blpop-timeout.js';

const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;

const cases: readonly [text: string, unit: TimeoutUnit, ms: number, read: 's' | 'ms'][] = [
  ['5', 'auto', 5_000, 's'],
  ['999', 'auto', 999_000, 's'],
  ['1000', 'auto', 1_000, 'ms'],
  ['30000', 'auto', 30_000, 'ms'],
  ['1000.5', 'auto', 1_000_500, 's'],
  ['0.01', 'auto', 10, 's'],
  ['0', 'auto', Number.POSITIVE_INFINITY, 's'],
  ['1000', 's', 1_000_000, 's'],
  ['5', 'ms', 5, 'ms'],
  ['0', 'ms', Number.POSITIVE_INFINITY, 'ms'],
];

for (const [text, unit, ms, read] of cases) {
  test(`${text} with unit ${unit} is ${ms} ms`, () => {
    assert.deepEqual(parseBlpopTimeout(Buffer.from(text), unit), { ms, unit: read });
  });
}

for (const text of ['', ' 1', 'soon', 'inf', 'NaN', '1e400']) {
  test(`${JSON.stringify(text)} is no time-out`, () => {
    assert.throws(() => parseBlpopTimeout(Buffer.from(text), 'auto'), code('consumer-timeout-invalid'));
  });
}

test('a time-out is not negative', () => {
  assert.throws(() => parseBlpopTimeout(Buffer.from('-1'), 'auto'), code('consumer-timeout-negative'));
});
