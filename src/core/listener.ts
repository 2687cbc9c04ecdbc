// What app/ starts and stops: a face (RESP, HTTP, gRPC, ops) or a worker (ris, relay).

/**
 * Phases of a shutdown, in the order of the methods below; each runs for every face before the next begins.
 * Every method has a deadline of its own and never rejects for what merely failed: it logs.
 */
export interface Face {
  readonly name: string;
  /** Where it listens, as one would type it: `127.0.0.1:6380`, or a path. Empty until it does. */
  readonly addresses?: readonly string[];
  /** Resolves when the face serves; rejects when it never will (port in use, bad certificate). */
  start(): Promise<void>;
  /** 1. No new consuming; whoever waits for a message is told. Workers stop reading. Acks and producing go on. */
  drain(): Promise<void>;
  /** 2. Consumers are closed and what was acked is committed. */
  closeConsumers(): Promise<void>;
  /** 3. No new connections. */
  stopListening(): Promise<void>;
  /** 4. Producers are flushed, everything is closed. @returns messages that were not delivered. */
  close(): Promise<number>;
  /** Messages that are not delivered so far, before close() has said so; an upper bound. For a process that ends at once. */
  undelivered?(): Promise<number>;
}
