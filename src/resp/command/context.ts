// What a command sees of its connection, the server and Kafka.

import type { LoginGuard } from '../../core/access/login-guard.js';
import type { User } from '../../core/access/user.js';
import type { Users } from '../../core/access/users.js';
import type { Cluster } from '../../core/cluster.js';
import type { ConsumerSession } from '../../core/consume/consumer-session.js';
import type { Memory } from '../../core/memory/memory-budget.js';
import type {
  Admin,
  ClientVersions,
  Clock,
  DeliveryReport,
  Message,
  ProducerRecord,
  TopicPartitionOffset,
} from '../../core/ports.js';
import type { ProducerSession } from '../../core/produce/producer-session.js';
import type { TransactionProducers } from '../../core/produce/transaction-producers.js';
import type { Stats } from '../../core/stats/stats.js';
import type { ConnectionCursors } from '../../core/streams/cursors.js';
import type { Pending } from '../../core/streams/group/pending.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import type { GroupPlace } from '../../core/streams/group-leases.js';
import type { Streams } from '../../core/streams/streams.js';
import type { TopicCatalog } from '../../core/topics/topic-catalog.js';
import type { GatewayError } from '../../errors.js';
import type { Log } from '../../log.js';
import type { KafkaSettings, RespConfig } from '../config.js';
import type { ConsumeKey, ProduceKey } from '../keys/produce-key.js';
import type { Load } from '../siblings/load.js';
import type { EntryPlace, GroupCall, PopCall, Siblings } from '../siblings/siblings.js';
import type { Protocol } from '../wire/encoder.js';
import type { Reply } from '../wire/reply.js';
import type { Args } from './args.js';

/** Redis' command flags that mean something here; COMMAND INFO shows them. */
export type Flag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'fast'
  | 'no_auth'
  | 'allow_busy'
  | 'skip_monitor'
  | 'movablekeys'
  | 'no_multi'
  | 'skip_slowlog';

export type Group =
  | 'connection'
  | 'generic'
  | 'list'
  | 'pubsub'
  | 'server'
  | 'stream'
  | 'hash'
  | 'string'
  | 'cluster'
  | 'scripting'
  | 'transactions';

/** One argument for COMMAND DOCS, from which redis-cli draws its hints. */
export interface Argument {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'double' | 'key' | 'pattern' | 'unix-time' | 'pure-token' | 'oneof' | 'block';
  readonly token?: string;
  readonly optional?: boolean;
  readonly multiple?: boolean;
  readonly of?: readonly Argument[];
}

/** A command: one const object `satisfies Command` a file, named as on the wire. */
export interface Command {
  /** Lower case. */
  readonly name: string;
  /** Number of arguments, the name (for a subcommand both names) included; negative: at least. */
  readonly arity: number;
  /** Of the errors that Kafka causes. */
  readonly prefix: 'ERR' | 'CONS' | 'PROD';
  readonly group: Group;
  readonly flags: readonly Flag[];
  readonly summary: string;
  /** Version of this gateway, or of Redis for what is Redis'. */
  readonly since?: string;
  /** First key, last key, step: as in COMMAND INFO; absent: no keys. */
  readonly keys?: readonly [first: number, last: number, step: number];
  readonly args?: readonly Argument[];
  /** Redis' hints for clients and proxies, as COMMAND INFO shows them. */
  readonly tips?: readonly string[];
  /** A container (CLIENT, CONFIG): the first argument chooses; `run` answers only when there is none. */
  readonly subcommands?: readonly Command[];
  /** Commands of this kind behind it are run while its reply is still to come; any other waits for it. */
  readonly pipelined?: boolean | ((ctx: Context) => boolean);
  /** The error for a wrong number of arguments where it isn't Redis' own. @param count arguments after the name. */
  readonly wrongArity?: (count: number) => GatewayError;
  /** Absent only in containers. Expected failures are thrown as GatewayError. */
  readonly run?: (ctx: Context, args: Args) => Reply | Promise<Reply>;
}

/** A command as the table found it. */
export interface Resolved {
  readonly command: Command;
  /** As in Redis' error texts and COMMAND: `ping`, `client|setname`. */
  readonly fullName: string;
  /** Index of the first argument in argv. */
  readonly first: 1 | 2;
}

/** A command between MULTI and EXEC. */
export interface QueuedCommand {
  readonly found: Resolved;
  readonly argv: readonly Buffer[];
}

/** The commands of a connection between MULTI and EXEC. */
export interface CommandQueue {
  readonly commands: readonly QueuedCommand[];
  /** A command was refused when it came: EXEC runs none. */
  isBroken: boolean;
  /** @returns the reply. @throws GatewayError `memory-limit` */
  add(found: Resolved, argv: readonly Buffer[]): Reply;
  /** The commands have run, or never will. */
  release(): void;
}

/** XACK in an EXEC. */
export interface EntryAcks {
  /** Undefined: not read here. */
  readonly group: StreamGroup | undefined;
  readonly kafkaGroup: string;
  readonly topic: string;
  readonly entries: readonly EntryPlace[];
  /** Without an entry the transaction is refused. */
  readonly needsOne?: boolean;
  /** The same without a transaction: for an EXEC that writes nothing. */
  readonly otherwise: () => number | Promise<number>;
}

/** What the commands of one EXEC write to and acknowledge. */
export interface Transaction {
  /** Adds a record; settles with its report when the transaction is committed, and never where it is not. */
  send(record: ProducerRecord): Promise<DeliveryReport>;
  /** Adds acks of a consumer's messages; settles when the transaction is committed. */
  acknowledge(session: ConsumerSession, acks: readonly TopicPartitionOffset[]): Promise<void>;
  /** Adds acks of entries; settles with how many there were when the transaction is committed. */
  acknowledgeEntries(acks: EntryAcks): Promise<number>;
  /** The command asks for more of what the connection pops: what it popped before EXEC goes with the transaction. */
  pops(): void;
  /** A command took a message of a consumer: it is put back where the transaction is not committed. */
  took(session: ConsumerSession, message: Message): void;
}

/** All commands by name. */
export interface Commands extends Iterable<Command> {
  readonly size: number;
  /** Every command and subcommand. */
  all(): Iterable<Resolved>;
  /** A long reply that only depends on the table: made once for each protocol version. */
  rendered(name: string, protocol: Protocol, make: () => Reply): Reply;
  /** Finds a command by its name in any case, or a subcommand by `container|name`. */
  find(name: Buffer): Resolved | undefined;
  /**
   * The command that argv means, its number of arguments checked.
   * @throws GatewayError with Redis' texts: unknown command or subcommand, wrong number of arguments.
   */
  resolve(argv: readonly Buffer[]): Resolved;
}

/** A recipient of acks: a consumer of this process, or of another one behind the same port. */
export type Acknowledger = Pick<ConsumerSession, 'ack'>;

/**
 * The Kafka side of one connection: created lazily by its commands, closed with it. A command that still runs after that opens nothing:
 * opening throws `client-gone`.
 */
export interface Sessions {
  /** Reads the key of one RPUSHX; the last one is cached, because clients repeat it. @throws GatewayError `produce-shape`. */
  produceKey(bytes: Buffer): ProduceKey;
  /**
   * Reads the keys of one BLPOP; a single one is cached.
   * @throws GatewayError `topics-unparsable`, `config-unparsable`, `topic-invalid`, `topic-internal`.
   */
  consumeKey(keys: readonly Buffer[]): ConsumeKey;
  /** This connection's producer, created on first use. */
  producer(): ProducerSession;
  /** This connection's producer of messages that are answered when Kafka has them, created on first use. */
  deliveringProducer(): ProducerSession;
  /** Messages of its producers that Kafka has not answered yet. */
  readonly inFlight: number;
  /** Waits until nothing that it has queued is in flight. @throws GatewayError `exec-aborted` when that takes longer than timeoutMs */
  settle(timeoutMs: number): Promise<void>;
  /** DUMP: see there. Returns a promise unless nothing was ever produced. */
  dump(timeoutMs: number): number | Promise<number>;
  /** The client sends no more: from now on its next connection counts what this one has produced. */
  leave(): void;
  /** Its state of streams: subscriptions, popped list elements. */
  readonly streams: ConnectionStreams;
  /** Ends its state of streams, as when it closes; the next use starts anew. */
  leaveStreams(): void;
  /** Whether it listens to channels or patterns. */
  readonly isSubscribed: boolean;
  /** Whether a consumer is open or opening. */
  readonly isConsuming: boolean;
  /** Whether its consumer or a channel is one that the user has lost the right to; topics of patterns that the user has lost are left. */
  readonly isForbidden: boolean;
  /** Logs once a connection how BLPOP's time-out was read: the two readings differ by a factor of 1000. */
  noteTimeoutUnit(unit: 's' | 'ms'): void;
  /**
   * This connection's consumer if it exists.
   * @throws GatewayError `shutting-down`, `not-identified`, `topics-differ`.
   */
  openConsumer(wanted: ConsumeKey): ConsumerSession | undefined;
  /**
   * Opens this connection's consumer, as the owner of its name.
   * @returns undefined if brokers did not answer within timeoutMs.
   * @throws GatewayError `id-taken`, `too-many-consumers`, `consumer-refused`, `group-invalid`, `not-permitted`, `peer-silent`.
   */
  makeConsumer(wanted: ConsumeKey, timeoutMs: number): Promise<ConsumerSession | undefined>;
  /**
   * The consumer that receives acks of this connection's name: its own, or that of another connection of the same name and user.
   * @throws GatewayError `ack-no-consumer`; if another process has it, ack() rejects with that, or `peer-silent`.
   */
  acknowledger(): Acknowledger;
  /** Closes the consumer, if any: acknowledged messages are committed. Never rejects. */
  closeConsumer(): Promise<void>;
  /** Closes both sessions, flushing the producer first. @returns messages that were not delivered. Never rejects. */
  close(): Promise<number>;
}

/** What a connection popped before an EXEC. */
export interface SetAside {
  readonly popped: readonly { readonly group: StreamGroup; readonly entries: readonly Pending[] }[];
  /** Of a list that another process reads. */
  readonly elsewhere: GroupPlace | undefined;
  /** Of the last pair reply. */
  readonly paired: TopicPartitionOffset | undefined;
  /** `committed`: it is acknowledged. `aborted`: what was popped since is given back. `unknown`: what Kafka has counts. */
  end(how: 'committed' | 'aborted' | 'unknown'): void;
}

/** What one connection has of streams. */
export interface ConnectionStreams {
  readonly subscriptions: Subscriptions;
  /** Where its XREADs have come to. */
  readonly cursors: ConnectionCursors;
  /** Other processes, or parts of this one, have run commands for this connection: they hear of its end. */
  isKnownElsewhere: boolean;
  /** Elements were popped: they are acknowledged when the next ones are asked for. @throws GatewayError `client-gone`: they are the caller's to give back */
  popped(group: StreamGroup, entries: readonly Pending[]): void;
  /** The same, in the process that reads the list. */
  poppedElsewhere(place: GroupPlace): void;
  /** Elements popped of a list did not reach the client: the next caller gets them. */
  giveBack(place: GroupPlace): void;
  /** A pair reply gave something out: how it is acknowledged. */
  paired(message: Message, acknowledge: () => Promise<void>): void;
  /** EXEC pops: what was popped before is set aside until its transaction has ended. */
  setAside(): SetAside;
  /** The connection asks for more, or has ended in good order: what it popped before is done. */
  acknowledge(): void;
  /** The connection has gone: the next caller gets what it popped. */
  close(): void;
}

/** The channels and patterns that one connection listens to. */
export interface Subscriptions {
  readonly count: number;
  readonly channels: Iterable<string>;
  readonly patterns: Iterable<string>;
  /** @returns when everything from then on is heard. @throws GatewayError `stream-name`, `not-permitted`, `too-many-consumers`; KafkaError when Kafka does not permit it. */
  subscribe(channel: string): Promise<unknown>;
  /** Topics that come later are found within seconds. @throws KafkaError, GatewayError `too-many-consumers`. */
  psubscribe(pattern: string): Promise<unknown>;
  /** Messages wait until a confirmation is written. @returns a function to call when it is about to be */
  maxMessages(): () => void;
  /** @returns whether it was subscribed. */
  unsubscribe(channel: string): boolean;
  punsubscribe(pattern: string): boolean;
  /** The user's rights have changed: leaves topics of patterns that are none of the user's now. @throws GatewayError `not-permitted` for a channel */
  recheck(): void;
}

/** Connections of other workers, for which commands on groups are run that are read here. */
export interface Remotes {
  /** Runs a command. @returns its reply in base64; null when the group is not read here. */
  run(call: GroupCall): Promise<string | null>;
  /** Pops elements of a list. @returns in base64, none when nothing came; null when the list is not read here. */
  pop(call: PopCall): Promise<string[] | null>;
  /** Its client waits no longer. */
  cancel(conn: number): void;
  /** What it popped is done. */
  acknowledge(conn: number): void;
  /** What it popped of a list last does not reach its client. */
  giveBack(conn: number, place: GroupPlace): void;
  /** Connections whose numbers are from `from` up to, not including, `to` are closed. */
  gone(from: number, to: number): void;
}

/** Creates the Kafka side of connections; the server's only way to Kafka, passed in by app/. */
export interface Gateway {
  readonly settings: KafkaSettings;
  readonly catalog: TopicCatalog;
  readonly admin: Admin;
  /** For transactions of EXEC; undefined where there are none. */
  readonly transactions: Pick<TransactionProducers, 'run'> | undefined;
  /** State of Redis Streams that connections share. */
  readonly streams: Streams;
  open(connection: Context): Sessions;
  readonly cluster: Cluster;
  load(): Pick<Load, 'producers' | 'spareProducers' | 'consumers' | 'inFlight'>;
  /** Undelivered messages of all connections, counted anew: an upper bound. */
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
  /** The connection's user. */
  readonly user: User;
  readonly protocol: Protocol;
  /** Keeps the last error that was answered, for the console; absent where nobody looks. */
  noteError?(text: string): void;
  readonly sessions: Sessions;
  readonly server: ServerView;
  readonly stats: Stats;
  readonly log: Log;
  /**
   * Aborted when the client is gone or must not wait any longer. The reason is the error to answer:
   * `shutting-down` when the server drains.
   */
  readonly signal: AbortSignal;
  /** Where a command reserves memory for what it reads and answers; released when it has answered. */
  readonly memory: Memory;
  /** What was kept since MULTI; undefined: there was none. */
  readonly queue: CommandQueue | undefined;
  beginQueue(): void;
  /** The queue is over: by EXEC, DISCARD or RESET. */
  endQueue(): void;
  /** Commands of an EXEC run: none of them waits. */
  isInExec: boolean;
  /** Where they write to and acknowledge; undefined: as if there was no EXEC. */
  transaction: Transaction | undefined;
  /** CLIENT TRACKING; undefined: it is off. */
  tracking: Tracking | undefined;
  /** What CLIENT INFO and CLIENT LIST show of it. */
  readonly status: ConnectionStatus;

  /** Returns a promise only if other processes are asked. @throws GatewayError (or rejects with one) if the name is refused. */
  setName(name: string): undefined | Promise<void>;
  setProtocol(protocol: Protocol): void;
  setReplyMode(mode: ReplyMode): void;
  /** CLIENT SETINFO: what the client library reports about itself. */
  setLibrary(part: 'name' | 'version', value: string): void;
  /** False while a password is set and AUTH has not succeeded. */
  readonly isAuthenticated: boolean;
  /** Whether the connection is subscribed to channels or patterns. */
  readonly isSubscribed: boolean;
  /**
   * Changes the connection's user. State of the previous user ends at once: name, consumer, producer, subscriptions,
   * MONITOR. Returns a promise if something has to be closed.
   */
  authenticate(user: User): undefined | Promise<void>;
  /** The connection gets every command of the server as a line, from now on or when the promise resolves. */
  monitor(): undefined | Promise<void>;
  /** Restores the state of a new connection; its consumer is closed. */
  reset(): Promise<void>;
  /** Ends a waiting command as after its time-out, or with an error. @returns false if no such command waits. */
  unblock(how: 'timeout' | 'error'): boolean;
  /** Closes the connection once pending replies are written. */
  closeAfterReply(): void;
  /** Writes pushes, which answer no command. Whole replies only; a client that does not read them is closed. */
  writeAside(bytes: Buffer): void;
  /** Closes the connection now. */
  destroy(): void;
}

/** Times are milliseconds since the epoch, about a second coarse. */
export interface ConnectionStatus {
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
  readonly commands: Commands;
  readonly gateway: Gateway;
  readonly users: Users;
  /** Slows down password guessing, and logs refusals. */
  readonly logins: LoginGuard;
  readonly settings: RespConfig;
  /** Version of this gateway. */
  readonly version: string;
  readonly clientVersions: ClientVersions;
  readonly stats: Stats;
  readonly clock: Clock;
  /** The other processes behind the same port. */
  readonly siblings: Siblings;
  /** Connections of other processes for which commands run here. */
  readonly remotes: Remotes;
  /** The listening port; 0 if there is only the unix socket. */
  readonly port: number;
  readonly clientCount: number;
  nowMicros(): number;
  /** Logs once that a database other than 0 was selected: it is the same keyspace. */
  noteDatabase(index: number): void;
  clients(): Iterable<Context>;
  client(id: number): Context | undefined;
}
