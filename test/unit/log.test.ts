// The log's way out: a disk that is full, a reader that does not read.
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, test } from 'node:test';
import { LogSink, toDescriptor, type WriteSome } from '../../src/log.js';
import { eventually } from '../support/eventually.js';

const noticeOf = (dropped: number): string => `${dropped} dropped\n`;

/** A descriptor that takes nothing until it is told to, or fails. */
class Outlet {
  written = '';
  error: NodeJS.ErrnoException | null = null;
  failures = 0;
  #stalled: (() => void) | undefined;
  #isOpen: boolean;
  readonly #mostBytes: number;

  constructor(isOpen: boolean, mostBytes = Number.POSITIVE_INFINITY) {
    this.#isOpen = isOpen;
    this.#mostBytes = mostBytes;
  }

  readonly write: WriteSome = (bytes, done) => {
    const finish = (): void => {
      if (this.error) {
        this.failures++;
        done(this.error, 0);
        return;
      }
      const some = bytes.subarray(0, this.#mostBytes);
      this.written += some.toString();
      done(null, some.length);
    };
    if (this.#isOpen) setImmediate(finish);
    else this.#stalled = finish;
  };

  open(): void {
    this.#isOpen = true;
    this.#stalled?.();
  }
}

const full = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });
const lines = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`);
const flushed = (sink: LogSink): Promise<void> => new Promise((resolve) => sink.flush(resolve));

describe('the log', () => {
  test('lines come out whole and in order, however little a write takes', async () => {
    const outlet = new Outlet(true, 7);
    const sink = new LogSink({ write: outlet.write, noticeOf });
    for (const line of lines(0, 3_000)) sink.write(line);
    await flushed(sink);
    assert.equal(outlet.written, lines(0, 3_000).join(''));
  });

  test('a full disk ends nothing: what does not fit in memory is dropped, counted and told once when writing works again', async () => {
    const outlet = new Outlet(true);
    outlet.error = full('ENOSPC');
    const sink = new LogSink({ write: outlet.write, noticeOf, limitBytes: 1_000, retryMs: 1 });
    for (const line of lines(1_000, 2_000)) sink.write(line);
    await eventually(5_000, () => outlet.failures > 3);
    assert.equal(sink.dropped, 900);
    outlet.error = null;
    await flushed(sink);
    assert.equal(outlet.written, `${lines(1_000, 1_100).join('')}900 dropped\n`);
    sink.write('after\n');
    await flushed(sink);
    assert.ok(outlet.written.endsWith('900 dropped\nafter\n'));
    assert.equal(sink.dropped, 0);
  });

  test('a reader that stalls is waited for with a bounded number of lines', async () => {
    const outlet = new Outlet(false);
    const sink = new LogSink({ write: outlet.write, noticeOf, limitBytes: 100 });
    for (const line of lines(10, 60)) sink.write(line);
    assert.equal(sink.dropped, 38);
    let isFlushed = false;
    sink.flush(() => {
      isFlushed = true;
    });
    outlet.open();
    await eventually(5_000, () => isFlushed);
    assert.equal(outlet.written, `${lines(10, 22).join('')}38 dropped\n`);
  });

  test('/dev/full, as the system answers', async () => {
    const fd = openSync('/dev/full', 'w');
    try {
      let failures = 0;
      const toFull = toDescriptor(fd);
      const write: WriteSome = (bytes, done) =>
        toFull(bytes, (error, written) => {
          if (error) failures++;
          done(error, written);
        });
      const sink = new LogSink({ write, noticeOf, limitBytes: 10, retryMs: 1 });
      for (const line of lines(0, 10)) sink.write(line);
      await eventually(5_000, () => failures > 1);
      assert.equal(sink.dropped, 9);
    } finally {
      closeSync(fd);
    }
  });
});
