// What app/ starts and stops: a listener (RESP, HTTP, gRPC, ops) or a worker (ris, relay).

import type { Renewal } from './renewal.js';

/**
 * Phases of a shutdown, in the order of the methods below; each runs for every listener before the next begins.
 * Every method has its own deadline and does not reject for an ordinary failure: it logs.
 */
export interface Listener {
  readonly name: string;
  /** Its address as a user would type it: `127.0.0.1:6380`, or a path. Empty before it listens. */
  readonly addresses?: readonly string[];
  /** Resolves when the listener serves; rejects if it never will (port in use, bad certificate). */
  start(): Promise<void>;
  /** Reads its files again (certificates, passwords); open connections stay. @throws Error when one can't be used: what was read before holds on. */
  reload?(renewal: Renewal): void | Promise<void>;
  /** Why it does not do its work now, one line each, for /readyz; empty: it does. */
  problems?(): readonly string[];
  /** 1. No new consuming; callers that wait for a message are answered. Workers stop reading. Acks and producing continue. */
  drain(): Promise<void>;
  /** 2. Consumers close and acknowledged messages are committed. */
  closeConsumers(): Promise<void>;
  /** 3. No new connections. */
  stopListening(): Promise<void>;
  /** 4. Producers are flushed, everything is closed. @returns messages that were not delivered. */
  close(): Promise<number>;
  /** Undelivered messages so far, before close() has counted them; an upper bound. For a process that ends at once. */
  undelivered?(): Promise<number>;
}
