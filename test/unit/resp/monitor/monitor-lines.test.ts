// Lines for MONITOR: whole for what people type, bounded for what programs send.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MonitorLines } from '../../../../src/resp/monitor/monitor-lines.js';

const nothing = { from: 0, to: 0 };

function lineOf(argv: readonly (string | Buffer)[], hidden = nothing): string {
  const lines = new MonitorLines();
  lines.add(
    '1.2.3.4:5',
    argv.map((arg) => (typeof arg === 'string' ? Buffer.from(arg) : arg)),
    hidden,
    1_700_000_000_000_042,
  );
  return lines.take().toString('latin1');
}

describe('a line of MONITOR', () => {
  test('shows every byte as Redis does', () => {
    const line = lineOf(['PING', 'a"\\\n\r\t\x07\b\0é']);
    assert.equal(line, '+1700000000.000042 [0 1.2.3.4:5] "PING" "a\\"\\\\\\n\\r\\t\\a\\b\\x00\\xc3\\xa9"\r\n');
  });

  test('leaves out what is hidden', () => {
    assert.match(lineOf(['AUTH', 'u', 'p'], { from: 1, to: 3 }), / "AUTH" "\(redacted\)" "\(redacted\)"\r\n$/);
  });

  test('a large argument is cut, and the rest counted', () => {
    const line = lineOf(['SET', Buffer.alloc(32_000_000, 'x'), 'y']);
    assert.match(line, / "SET" "x{4096}\.\.\. \(31995904 more bytes\)" "y"\r\n$/);
  });

  test('a thousand arguments of 4 KB, or a million small ones, make one line of some kilobytes', () => {
    const large = lineOf(Array.from({ length: 1_000 }, () => Buffer.alloc(4_000, 'x')));
    assert.match(
      large,
      /^\S+ \[0 \S+\]( "x{4000}"){4} "x{384}\.\.\. \(3616 more bytes\)" "\.\.\. \(995 more arguments\)"\r\n$/,
    );
    const small = lineOf(Array.from({ length: 1_000_000 }, () => Buffer.from('x')));
    assert.match(small, /^\S+ \[0 \S+\]( "x"){128} "\.\.\. \(999872 more arguments\)"\r\n$/);
  });

  test('as many of the longest lines as are gathered fit', () => {
    const lines = new MonitorLines();
    const argv = Array.from({ length: 200 }, () => Buffer.alloc(128));
    while (!lines.isFull) lines.add('/'.repeat(1_000), argv, nothing, 0);
    assert.ok(lines.take().toString('latin1').endsWith(' "... (72 more arguments)"\r\n'));
    assert.ok(lines.isEmpty);
  });
});
