// The log: one pino instance for the process, JSON on stderr; the names of fields that lines carry.
import { type Logger, pino } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  /** Lines for people instead of JSON. */
  readonly pretty: boolean;
}

/**
 * Field names, so that an operator's queries work over all lines:
 * `face` (resp, http, grpc, relay, ris), `conn` (connection id), `client` (its name), `cluster`, `topic`, `partition`, `group`, `user`, `err`.
 * Payloads, keys and secrets are never logged.
 */
export function createLog(options: LogOptions): Log {
  if (options.pretty) {
    return pino({ level: options.level, transport: { target: 'pino-pretty', options: { destination: 2 } } });
  }
  return pino({ level: options.level, base: { pid: process.pid } }, pino.destination({ dest: 2, sync: false }));
}
