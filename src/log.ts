// The log: one pino instance for the process, on stderr, JSON unless that is a terminal; the names of fields that lines carry.
import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';
import { LogSink, toDescriptor } from './log-sink.js';

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  /** Lines for people instead of JSON; absent: on a terminal. */
  readonly pretty?: boolean | undefined;
}

/**
 * Field names, so that an operator's queries work over all lines:
 * `face` (resp, http, grpc, relay, ris), `conn` (connection id), `client` (its name), `cluster`, `topic`, `partition`, `group`, `user`, `err`.
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

/** The line behind those that could not be written. */
function noticeOf(dropped: number): string {
  const msg = 'lines of the log were dropped: they could not be written as fast as they came';
  return `${JSON.stringify({ level: pino.levels.values.warn, time: Date.now(), pid: process.pid, dropped, msg })}\n`;
}

/** Loaded only where somebody wants it. */
function prettyLines(): (line: string) => string | undefined {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return prettyFactory({
    colorize: isatty(stderr),
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
  });
}
