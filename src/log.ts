// The log: one pino instance for the process, on stderr, JSON unless that is a terminal; the names of fields that lines carry.
import { write as writeTo } from 'node:fs';
import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  /** Lines for people instead of JSON; absent: on a terminal. */
  readonly pretty?: boolean | undefined;
}

/**
 * Field names, so that an operator's queries work over all lines:
 * `component` (resp, http, grpc, ops, relay, ris), `conn` (connection id), `client` (its name), `cluster`, `topic`, `partition`, `group`, `user`, `err`.
 * Payloads, keys and secrets are never logged.
 */
export function createLog(options: LogOptions): Log {
  const { level, pretty = isatty(stderr) } = options;
  const sink = new LogSink({ write: toDescriptor(stderr), noticeOf });
  if (!pretty) return pino({ level, base: { pid: process.pid } }, sink);
  const readable: (line: string) => string | undefined = prettyLines();
  const write = (line: string): void => sink.write(readable(line) ?? line);
  return pino({ level }, { write, flush: (done: () => void) => sink.flush(done) } as DestinationStream);
}

const stderr = 2;

/** The notice after lines that could not be written. */
function noticeOf(dropped: number): string {
  const msg = 'lines of the log were dropped: they could not be written as fast as they came';
  return `${JSON.stringify({ level: pino.levels.values.warn, time: Date.now(), pid: process.pid, dropped, msg })}\n`;
}

/** Loaded only if needed. */
function prettyLines(): (line: string) => string | undefined {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return prettyFactory({
    colorize: isatty(stderr),
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
  });
}

/** Writes some of the bytes; they must not change before it is done. */
export type WriteSome = (bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void) => void;

export interface LogSinkOptions {
  readonly write: WriteSome;
  /** The line that reports how many were dropped, with its line end. */
  readonly noticeOf: (dropped: number) => string;
  /** Maximum waiting bytes; further lines are dropped. */
  readonly limitBytes?: number;
  /** Pause before a failed write is tried again, ms. */
  readonly retryMs?: number;
}

/** Enough for minutes of errors, and small beside a gateway's memory. */
const limitBytes = 16 * 1024 * 1024;
const retryMs = 1_000;
/** The same where a non-blocking pipe is full, ms. */
const busyMs = 50;
/** Maximum bytes of one write, but at least a line: Docker reads its pipes in as much. */
const chunkBytes = 16 * 1024;

/** Writes to a file descriptor in libuv's pool. */
export const toDescriptor =
  (fd: number): WriteSome =>
  (bytes, done) =>
    writeTo(fd, bytes, 0, bytes.length, null, done);

/** Lines of the log on their way to a file descriptor. A full disk or a reader that has stalled costs lines, counted, and nothing else. */
export class LogSink {
  readonly #options: LogSinkOptions;
  readonly #limitBytes: number;
  readonly #lines: string[] = [];
  /** The first line that has not been taken. */
  #head = 0;
  #waitingBytes = 0;
  /** Being written, without what is written already. */
  #writing: Buffer | undefined;
  #dropped = 0;
  /** Once full, lines are dropped until half of it is written: one notice reports all of them. */
  #isFull = false;
  #flushes: (() => void)[] = [];

  constructor(options: LogSinkOptions) {
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? limitBytes;
  }

  /** Dropped lines that are not reported yet. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes one line with its end. Never throws, never waits. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#isFull && this.#heldBytes <= this.#limitBytes / 2) this.#tellDropped();
    if (this.#isFull || this.#heldBytes + bytes > this.#limitBytes) {
      this.#isFull = true;
      this.#dropped++;
      return;
    }
    this.#add(line, bytes);
    if (this.#writing === undefined) this.#next();
  }

  /** Calls back when everything is written: never while writing is impossible. */
  flush(done: () => void): void {
    if (this.#writing === undefined) done();
    else this.#flushes.push(done);
  }

  get #heldBytes(): number {
    return this.#waitingBytes + (this.#writing?.length ?? 0);
  }

  #add(line: string, bytes: number): void {
    this.#lines.push(line);
    this.#waitingBytes += bytes;
  }

  #tellDropped(): void {
    const notice = this.#options.noticeOf(this.#dropped);
    this.#isFull = false;
    this.#dropped = 0;
    this.#add(notice, Buffer.byteLength(notice));
  }

  /** Takes the next lines and writes them. */
  #next(): void {
    if (this.#head === this.#lines.length && this.#isFull) this.#tellDropped();
    if (this.#head === this.#lines.length) {
      const flushes = this.#flushes;
      this.#flushes = [];
      for (const done of flushes) done();
      return;
    }
    let text = '';
    while (this.#head < this.#lines.length && text.length < chunkBytes) text += this.#lines[this.#head++];
    if (this.#head === this.#lines.length || this.#head > 1_024) {
      this.#lines.splice(0, this.#head);
      this.#head = 0;
    }
    const chunk = Buffer.from(text);
    this.#waitingBytes -= chunk.length;
    this.#write(chunk);
  }

  #write(bytes: Buffer): void {
    this.#writing = bytes;
    this.#options.write(bytes, (error, written) => {
      if (error) {
        const ms = error.code === 'EAGAIN' ? busyMs : (this.#options.retryMs ?? retryMs);
        setTimeout(() => this.#write(bytes), ms).unref();
        return;
      }
      this.#writing = undefined;
      if (written < bytes.length) this.#write(bytes.subarray(written));
      else this.#next();
    });
  }
}
