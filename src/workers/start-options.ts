// What the primary gives a worker to begin with, and what comes back; what a process looks like from the other side.
import type { ConnectionHandle, ServerIdentity } from '../resp/siblings/siblings.js';

/** Everything that a worker needs to serve: it reads no configuration of its own. */
export interface StartOrder {
  /** The checked configuration. */
  readonly config: unknown;
  /** Counts the workers of a run from 0; a replacement has a new one. */
  readonly worker: number;
  readonly server: ServerIdentity;
  /** host:port of the Kafka that runs in the primary. */
  readonly embeddedBrokers?: string;
}

/** How starting went. The code is of a system error or of the error table; without one it is a bug, and in the worker's log. */
export type Started = { readonly port: number } | { readonly failed: string; readonly code?: string | number };

export type Phase = 'drain' | 'closeConsumers' | 'stopListening' | 'close';

/** One end of the channel between the primary and a worker. */
export interface Channel {
  /** Tells when it has left, or never will. */
  send(messages: readonly object[], left: () => void): void;
  onMessages(listener: (messages: readonly object[]) => void): void;
  /** Gives a connection to the other side; it is closed when that one dies meanwhile. @returns false when it is gone already: the connection stays. */
  pass(handle: ConnectionHandle): boolean;
  onPassed(listener: (handle: ConnectionHandle) => void): void;
  /** The other side has died or hung up. */
  onGone(listener: (how: string) => void): void;
}

/** A worker as the primary sees it; onGone tells of its death. */
export interface WorkerProcess extends Channel {
  readonly pid: number;
  /** Hangs up: a worker that was told to stop ends then. */
  disconnect(): void;
  kill(): void;
}
