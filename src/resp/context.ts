// What a command sees of its connection, of the server around it and of Kafka behind it.
import type { Stats } from '../core/stats.js';
import type { Log } from '../log.js';
import type { CommandTable } from './command.js';
import type { Protocol } from './encoder.js';

/** The Kafka side of one connection: made lazily by its commands, closed with it. */
export interface Sessions {
  /** Closes the consumer, if there is one: what was acked is committed. Never rejects. */
  closeConsumer(): Promise<void>;
  /** Closes both sessions, the producer flushed first. @returns messages that were not delivered. Never rejects. */
  close(): Promise<number>;
}

/** Makes the Kafka side of connections; the server's only way to Kafka, given to it by app.ts. */
export interface Gateway {
  open(connection: Context): Sessions;
  /** Fields of INFO's `# Kafka` section. */
  info(): Readonly<Record<string, string | number>>;
}

export type ReplyMode = 'on' | 'off' | 'skip';

/** One connection as its commands see it. */
export interface Context {
  readonly id: number;
  /** The peer's host:port, or the unix socket's path with `:0`. */
  readonly address: string;
  readonly localAddress: string;
  /** As set by CLIENT SETNAME; empty before. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly sessions: Sessions;
  readonly server: ServerView;
  readonly stats: Stats;
  readonly log: Log;
  /**
   * Aborted when the client is gone or must wait no longer. The reason is the error to be answered:
   * `shutting-down` when the server drains.
   */
  readonly signal: AbortSignal;

  /** @throws GatewayError when the name is refused (spec: identity). */
  setName(name: string): void;
  setProtocol(protocol: Protocol): void;
  setReplyMode(mode: ReplyMode): void;
  /** Closes the connection once what was answered so far is written. */
  closeAfterReply(): void;
}

/** The server as commands see it. */
export interface ServerView {
  readonly commands: CommandTable;
  readonly gateway: Gateway;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  clients(): Iterable<Context>;
}
