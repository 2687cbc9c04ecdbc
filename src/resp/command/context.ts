// What a command sees of its connection, of the server around it and of Kafka behind it.

import type { LoginGuard } from '../../core/access/login-guard.js';
import type { User } from '../../core/access/user.js';
import type { Users } from '../../core/access/users.js';
import type { Cluster } from '../../core/cluster.js';
import type { ConsumerSession } from '../../core/consume/consumer-session.js';
import type { Memory } from '../../core/memory-budget.js';
import type { Admin, Clock } from '../../core/ports.js';
import type { ProducerSession } from '../../core/produce/producer-session.js';
import type { Stats } from '../../core/stats/stats.js';
import type { TopicCatalog } from '../../core/topics/topic-catalog.js';
import type { Log } from '../../log.js';
import type { KafkaSettings, RespConfig } from '../config.js';
import type { Load } from '../info/status.js';
import type { ConsumeKey, ProduceKey } from '../keys/produce-key.js';
import type { Peers } from '../siblings/siblings.js';
import type { ConnectionStreams } from '../streams/connection-streams.js';
import type { RemoteConnections } from '../streams/remote-connections.js';
import type { Streams } from '../../core/streams/streams.js';
import type { Protocol } from '../wire/encoder.js';
import type { CommandTable } from './command.js';

/** Whoever takes acks: a consumer of this process, or of another one that serves the same port. */
export type Acknowledger = Pick<ConsumerSession, 'ack'>;

/**
 * The Kafka side of one connection: made lazily by its commands, closed with it. A command that still runs then opens nothing any more:
 * what makes something throws `client-gone`.
 */
export interface Sessions {
  /** Reads the key of one RPUSHX; the last one is remembered, as clients name it again and again. @throws GatewayError `produce-shape`. */
  produceKey(bytes: Buffer): ProduceKey;
  /**
   * Reads the keys of one BLPOP; a single one is remembered.
   * @throws GatewayError `topics-unparsable`, `config-unparsable`, `topic-invalid`, `topic-internal`.
   */
  consumeKey(keys: readonly Buffer[]): ConsumeKey;
  /** This connection's producer, made on first use. */
  producer(): ProducerSession;
  /** This connection's producer of messages that are answered when Kafka has them, made on first use. */
  deliveringProducer(): ProducerSession;
  /** DUMP: see there. Returns a promise unless nothing was ever produced. */
  dump(timeoutMs: number): number | Promise<number>;
  /** The client will send no more: from now on its next connection is told of what it has produced. */
  leave(): void;
  /** What it has of streams: subscriptions, popped list elements. */
  readonly streams: ConnectionStreams;
  /** Ends what it has of streams, as when it closes; the next use begins anew. */
  leaveStreams(): void;
  /** Whether it listens to channels or patterns. */
  readonly isSubscribed: boolean;
  /** Whether a consumer is open or opening. */
  readonly isConsuming: boolean;
  /** Says once a connection how BLPOP's time-out was read: the two readings differ by a factor of 1000. */
  noteTimeoutUnit(unit: 's' | 'ms'): void;
  /**
   * This connection's consumer if it is there already.
   * @throws GatewayError `shutting-down`, `not-identified`, `topics-differ`.
   */
  openConsumer(wanted: ConsumeKey): ConsumerSession | undefined;
  /**
   * Makes this connection's consumer, as the owner of its name.
   * @returns undefined when brokers did not answer within timeoutMs.
   * @throws GatewayError `id-taken`, `too-many-consumers`, `consumer-refused`, `group-invalid`, `not-permitted`, `peer-silent`.
   */
  makeConsumer(wanted: ConsumeKey, timeoutMs: number): Promise<ConsumerSession | undefined>;
  /**
   * The consumer that acks of this connection's name go to: its own, or that of another connection of the same name and user.
   * @throws GatewayError `ack-no-consumer`; where another process has it, ack() rejects with that, or `peer-silent`.
   */
  acknowledger(): Acknowledger;
  /** Closes the consumer, if there is one: what was acked is committed. Never rejects. */
  closeConsumer(): Promise<void>;
  /** Closes both sessions, the producer flushed first. @returns messages that were not delivered. Never rejects. */
  close(): Promise<number>;
}

/** Makes the Kafka side of connections; the server's only way to Kafka, given to it by app/. */
export interface Gateway {
  readonly settings: KafkaSettings;
  readonly catalog: TopicCatalog;
  readonly admin: Admin;
  /** What connections share of Redis Streams. */
  readonly streams: Streams;
  open(connection: Context): Sessions;
  readonly cluster: Cluster;
  load(): Pick<Load, 'producers' | 'spareProducers' | 'consumers' | 'inFlight'>;
  /** Messages of all connections that Kafka does not have yet, looked at once more: an upper bound. */
  inFlight(): Promise<number>;
}

/** What CLIENT TRACKING has set. It is shown, and has no other effect. */
export interface Tracking {
  /** A connection's id; 0: none. */
  readonly redirect: number;
  readonly prefixes: readonly Buffer[];
  readonly bcast: boolean;
  readonly optin: boolean;
  readonly optout: boolean;
  readonly noloop: boolean;
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
  /** Whom the connection speaks for. */
  readonly user: User;
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
  /** Where a command accounts for what it reads and answers, before it does; given back when it has answered. */
  readonly memory: Memory;
  /** CLIENT TRACKING; undefined: it is off. */
  tracking: Tracking | undefined;
  /** What CLIENT INFO and CLIENT LIST show of it. */
  readonly facts: ConnectionFacts;

  /** Returns a promise only where other processes are asked. @throws GatewayError (or rejects with one) when the name is refused. */
  setName(name: string): undefined | Promise<void>;
  setProtocol(protocol: Protocol): void;
  setReplyMode(mode: ReplyMode): void;
  /** CLIENT SETINFO: what the client library says of itself. */
  setLibrary(part: 'name' | 'version', value: string): void;
  /** False while a password is set and AUTH has not succeeded. */
  readonly isAuthenticated: boolean;
  /**
   * The connection speaks for this user from now on. What another one had on it ends at once: name, consumer, producer, subscriptions,
   * MONITOR. Returns a promise where something has to be closed.
   */
  authenticate(user: User): undefined | Promise<void>;
  /** The connection gets every command of the server as a line, from now on or when the promise resolves. */
  monitor(): undefined | Promise<void>;
  /** Back to how it was when it was accepted; its consumer is closed. */
  reset(): Promise<void>;
  /** Ends what waits on it as after its time-out, or with an error. @returns false when nothing waits that can be ended. */
  unblock(how: 'timeout' | 'error'): boolean;
  /** Closes the connection once what was answered so far is written. */
  closeAfterReply(): void;
  /** Writes what is no answer: pushes. Whole replies only; a client that does not read them is closed. */
  writeAside(bytes: Buffer): void;
  /** Closes the connection now. */
  destroy(): void;
}

/** Times are milliseconds since the epoch, about a second coarse. */
export interface ConnectionFacts {
  readonly createdAt: number;
  readonly activeAt: number;
  readonly lastCommand: string;
  readonly queryBytes: number;
  readonly outputBytes: number;
  readonly libraryName: string;
  readonly libraryVersion: string;
  readonly isMonitor: boolean;
  /** A command of it waits (BLPOP, DUMP, a full queue). */
  readonly isWaiting: boolean;
}

/** The server as commands see it. */
export interface ServerView {
  readonly commands: CommandTable;
  readonly gateway: Gateway;
  readonly users: Users;
  /** Slows down who tries passwords, and tells of who is refused. */
  readonly logins: LoginGuard;
  readonly settings: RespConfig;
  /** Version of this gateway. */
  readonly version: string;
  readonly stats: Stats;
  readonly clock: Clock;
  /** The other processes that serve the same port. */
  readonly peers: Peers;
  /** Connections of other processes, as far as commands run for them here. */
  readonly remotes: RemoteConnections;
  /** The port listened on; 0 when there is only the unix socket. */
  readonly port: number;
  readonly clientCount: number;
  nowMicros(): number;
  /** Logs once that a database other than 0 was selected: it is no other keyspace. */
  noteDatabase(index: number): void;
  clients(): Iterable<Context>;
  client(id: number): Context | undefined;
}
