// The other processes that serve the same port (--workers): what each can be asked, and how. A process of its own has none.
import { randomBytes } from 'node:crypto';
import type { Left } from '../../core/produce/left-records.js';
import type { GroupPlace } from '../../core/streams/group-leases.js';
import type { Protocol } from '../wire/encoder.js';
import type { ClientFilter } from './client-test.js';
import type { Facts } from './load.js';
import type { OpenGroup } from './open-group.js';

/** What Node has of an open connection beneath its socket; it can be given to another process. */
export interface ConnectionHandle {
  close(): void;
}

/** A connection as CLIENT LIST shows it. */
export interface ClientLine {
  readonly id: number;
  readonly line: string;
}

/** What a process does for the others. Arguments and answers cross processes: plain data only. */
export interface Peer {
  /** CLIENT LIST. */
  clients(filter: ClientFilter): readonly ClientLine[];
  /** CLIENT KILL. @returns how many connections were closed. */
  kill(filter: ClientFilter): number;
  /** CLIENT UNBLOCK. */
  unblock(id: number, how: 'timeout' | 'error'): boolean;
  /** Whether a connection of this process still has what was claimed, once it has heard of those that are gone. */
  holds(key: string): boolean | Promise<boolean>;
  /** An ack for the consumer that owns this identity. @returns false when it has none. @throws GatewayError, KafkaError as ConsumerSession.ack() */
  ack(key: string, topic: string, partition: number, offset: number): boolean | Promise<boolean>;
  /** XACK. @returns how many of these entries were pending here and are acknowledged now. @throws GatewayError */
  ackEntries(group: string, topic: string, entries: readonly EntryPlace[]): number | Promise<number>;
  /** A stream was deleted, or one group of it destroyed: they end here. Never rejects. */
  endGroups(topic: string, kafkaGroup?: string): Promise<void>;
  /** The groups of a stream that are read here, with so many pending entries of each. */
  openGroups(topic: string, maxEntries: number): readonly OpenGroup[];
  /** Runs a command on a group that is claimed here, for a connection of the process that asks. @returns its reply in base64; null: the group is elsewhere by now. */
  groupCommand(call: GroupCall): Promise<string | null>;
  /** Pops elements of a list that is claimed here. @returns in base64, none: nothing came; null: the list is elsewhere by now. @throws GatewayError */
  popElements(call: PopCall): Promise<string[] | null>;
  /** The client of a connection of another process waits no longer. */
  cancelRemote(conn: number): void;
  /** What it popped here is done. */
  acknowledgeRemote(conn: number): void;
  /** What it popped here of this list did not reach it. */
  giveBackRemote(conn: number, place: GroupPlace): void;
  /** Connections from number `from` up to, not including, `to` are closed. */
  remoteGone(from: number, to: number): void;
  /** Where an XREAD came to here whose last id this was: the next offsets by partition; undefined when there was none. */
  answeredUpTo(topic: string, id: string): readonly (readonly [partition: number, offset: number])[] | undefined;
  /** Topics were made, or this one was deleted. */
  forgetTopics(deleted?: string): void;
  /** What connections of this owner that have closed here still hold or have lost. */
  leftRecords(owner: string): readonly Left[];
  /** The process that says so has something of this owner's. */
  noteLeftRecords(owner: string): void;
  facts(): Facts;
  resetStats(): void;
  /** Its metrics in prom-client's JSON; none when nobody can ask for them. */
  metrics(): Promise<readonly object[]>;
  /** Whether the commands run here are to be shown to monitors elsewhere. */
  feedMonitors(on: boolean): void;
  /** Lines for its own monitors; one character a byte. */
  showMonitors(lines: string): void;
  /** How many connections the others have. */
  connectionsElsewhere(count: number): void;
}

/** A command of a connection that is open in another process. */
export interface GroupCall {
  readonly conn: number;
  /** As set by CLIENT SETNAME. */
  readonly name: string;
  readonly protocol: Protocol;
  /** One character a byte. */
  readonly argv: readonly string[];
  /** How long it may wait. */
  readonly waitMs: number;
}

export interface PopCall {
  readonly conn: number;
  readonly name: string;
  /** One character a byte. */
  readonly key: string;
  readonly max: number;
  /** Null: it doesn't wait. */
  readonly waitMs: number | null;
}

export interface EntryPlace {
  readonly partition: number;
  readonly offset: number;
}

export type Question = keyof Peer;
export type Answer<Q extends Question> = Awaited<ReturnType<Peer[Q]>>;

/** What is one for all processes of a server. */
export interface ServerIdentity {
  /** 40 hex digits, another one each run. */
  readonly runId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Of the process that users started. */
  readonly processId: number;
  /** Of the first connection of this process; each later one has the next number. */
  readonly firstConnectionId: number;
}

/** Every question has a deadline. */
export interface Peers {
  readonly server: ServerIdentity;
  /** False in a process of its own: nothing below is asked then, and commands answer without waiting. */
  readonly exist: boolean;
  /**
   * Claims a name for this process: one at a time in the whole server. Frees itself when the process dies.
   * @returns false when another process has it. @throws GatewayError `peer-silent`
   */
  claim(key: string): Promise<boolean>;
  release(key: string): void;
  /** @returns undefined when no process has claimed this. @throws GatewayError `peer-silent`, and what the question throws there. */
  askHolder<Q extends Question>(key: string, question: Q, ...args: Parameters<Peer[Q]>): Promise<Answer<Q> | undefined>;
  /** The answers of all others; those that do not answer in time are left out. */
  askAll<Q extends Question>(question: Q, ...args: Parameters<Peer[Q]>): Promise<Answer<Q>[]>;
  /** How many connections this process has. */
  connections(count: number): void;
  /** Gives a connection that was accepted here to the process that has the fewest. @returns false when that is not possible: it stays. */
  passOn(connection: ConnectionHandle): boolean;
  /** MONITOR: resolves when all others send their commands here, or do no more. @throws GatewayError `peer-silent` */
  watch(on: boolean): Promise<void>;
  /** Lines for the monitors of the others. @returns bytes that have not left yet. */
  show(lines: string): void;
  /** Bytes of lines that have not left yet. */
  readonly unsentBytes: number;
}

/** The peers of a process of its own. @param now milliseconds since the epoch */
export function noPeers(now: number): Peers {
  const runId = randomBytes(20).toString('hex');
  return {
    server: { runId, startedAt: now, processId: process.pid, firstConnectionId: 1 },
    exist: false,
    unsentBytes: 0,
    claim: async () => true,
    release() {},
    askHolder: async () => undefined,
    askAll: async () => [],
    connections() {},
    passOn: () => false,
    async watch() {},
    show() {},
  };
}
