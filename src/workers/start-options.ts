// What the primary sends a worker at its start, and the worker's answer; a process as the other side sees it.
import type { ConnectionHandle, ServerIdentity } from '../resp/siblings/siblings.js';

/** Everything that a worker needs to serve: it reads no configuration. */
export interface StartOrder {
  /** The checked configuration. */
  readonly config: unknown;
  /** Counts the workers of a run from 0; a replacement has a new one. */
  readonly worker: number;
  readonly server: ServerIdentity;
  /** host:port of the Kafka that runs in the primary. */
  readonly embeddedBrokers?: string;
}

/** The result of the start. The code is a system error's or the error table's; without one it is a defect, and in the worker's log. */
export type Started = { readonly port: number } | { readonly failed: string; readonly code?: string | number };

export type Phase = 'drain' | 'closeConsumers' | 'stopListening' | 'close';

/** One end of the channel between the primary and a worker. */
export interface Channel {
  /** Calls back when it has left, or never will. */
  send(messages: readonly object[], left: () => void): void;
  onMessages(listener: (messages: readonly object[]) => void): void;
  /** Gives a connection to the other side; it is closed if that side dies meanwhile. @returns false if it is gone already: the connection stays. */
  pass(handle: ConnectionHandle): boolean;
  onPassed(listener: (handle: ConnectionHandle) => void): void;
  /** The other side has died or disconnected. */
  onGone(listener: (how: string) => void): void;
}

/** A worker as the primary sees it; onGone reports its death. */
export interface WorkerProcess extends Channel {
  readonly pid: number;
  /** Disconnects the channel; a stopping worker exits. */
  disconnect(): void;
  kill(): void;
}
