// The other processes behind the same port (--workers): the questions to each, and how they are sent. A single process has none.
import { randomBytes } from 'node:crypto';
import type { Left } from '../../core/produce/left-records.js';
import type { Renewal } from '../../core/renewal.js';
import type { GroupPlace } from '../../core/streams/group-leases.js';
import type { WrittenEnd } from '../../core/topics/written-ends.js';
import type { Protocol } from '../wire/encoder.js';
import type { ClientFilter } from './client-test.js';
import type { ProcessStatus } from './load.js';
import type { OpenGroup } from './open-group.js';

/** Node's handle of an open connection, below its socket; it can be passed to another process. */
export interface ConnectionHandle {
  close(): void;
}

/** A connection as CLIENT LIST shows it. */
export interface ClientLine {
  readonly id: number;
  readonly line: string;
}

/** What a process does for the others. Arguments and answers cross processes: plain data only. */
export interface Sibling {
  /** CLIENT LIST. */
  clients(filter: ClientFilter): readonly ClientLine[];
  /** CLIENT KILL. @returns how many connections were closed. */
  kill(filter: ClientFilter): number;
  /** CLIENT UNBLOCK. */
  unblock(id: number, how: 'timeout' | 'error'): boolean;
  /** Whether a connection of this process still has a claim, after closed connections were processed. */
  holds(key: string): boolean | Promise<boolean>;
  /** An ack for the consumer that owns this identity. @returns false if it has none. @throws GatewayError, KafkaError as ConsumerSession.ack() */
  ack(key: string, topic: string, partition: number, offset: number): boolean | Promise<boolean>;
  /** XACK. @returns how many of these entries were pending here and are acknowledged now. @throws GatewayError */
  ackEntries(group: string, topic: string, entries: readonly EntryPlace[]): number | Promise<number>;
  /** A stream was deleted, or one group of it destroyed: they end here. Never rejects. */
  endGroups(topic: string, kafkaGroup?: string): Promise<void>;
  /** The groups of a stream that are read here, with the number of pending entries of each. */
  openGroups(topic: string, maxEntries: number): readonly OpenGroup[];
  /** Runs a command on a group that is claimed here, for a connection of the process that asks. @returns its reply in base64; null: another process has the group by now. */
  groupCommand(call: GroupCall): Promise<string | null>;
  /** Pops elements of a list that is claimed here. @returns in base64, none: nothing arrived; null: another process has the list by now. @throws GatewayError */
  popElements(call: PopCall): Promise<string[] | null>;
  /** A client connected to another process no longer waits. */
  cancelRemote(conn: number): void;
  /** Elements it popped here are done. */
  acknowledgeRemote(conn: number): void;
  /** Elements of this list that it popped here did not reach it. */
  giveBackRemote(conn: number, place: GroupPlace): void;
  /** Connections from number `from` up to, not including, `to` are closed. */
  remoteGone(from: number, to: number): void;
  /** The position of an XREAD here whose last id this was: the next offsets by partition; undefined if there was none. */
  answeredUpTo(topic: string, id: string): readonly (readonly [partition: number, offset: number])[] | undefined;
  /** How far EXECs here have written to this topic. */
  writtenEnds(topic: string): readonly WrittenEnd[];
  /** Topics were created, or this one was deleted. */
  forgetTopics(deleted?: string): void;
  /** What closed connections of this owner here still hold or have lost. */
  leftRecords(owner: string): readonly Left[];
  /** The process that sends this has entries of this owner. */
  noteLeftRecords(owner: string): void;
  /** What the connections of this process are subscribed to. */
  subscriptions(): SubscribedNames;
  status(): ProcessStatus;
  resetStats(): void;
  /** Takes over users, certificates and logins as they are now. Never rejects: it logs. */
  renew(renewal: Renewal): Promise<void>;
  /** Its metrics in prom-client's JSON; none if they are not served. */
  metrics(): Promise<readonly object[]>;
  /** Whether commands that run here are wanted by monitors elsewhere. */
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
  /** Null: it does not wait. */
  readonly waitMs: number | null;
}

export interface SubscribedNames {
  readonly channels: readonly (readonly [name: string, subscribers: number])[];
  readonly patterns: readonly string[];
}

export interface EntryPlace {
  readonly partition: number;
  readonly offset: number;
}

export type Question = keyof Sibling;
export type Answer<Q extends Question> = Awaited<ReturnType<Sibling[Q]>>;

/** State shared by all processes of a server. */
export interface ServerIdentity {
  /** 40 hex digits, different in each run. */
  readonly runId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Of the process that users started. */
  readonly processId: number;
  /** Of the first connection of this process; each later one has the next number. */
  readonly firstConnectionId: number;
}

/** Every question has a deadline. */
export interface Siblings {
  readonly server: ServerIdentity;
  /** False in a single process: nothing below is asked then, and commands answer without waiting. */
  readonly exist: boolean;
  /**
   * NameLeaseTable a name for this process: one at a time in the whole server. It is released when the process dies.
   * @returns false if another process has it. @throws GatewayError `peer-silent`
   */
  claim(key: string): Promise<boolean>;
  release(key: string): void;
  /** @returns undefined if no process has claimed this. @throws GatewayError `peer-silent`, and what the question throws there. */
  askHolder<Q extends Question>(
    key: string,
    question: Q,
    ...args: Parameters<Sibling[Q]>
  ): Promise<Answer<Q> | undefined>;
  /** The answers of all others; processes that do not answer in time are left out. */
  askAll<Q extends Question>(question: Q, ...args: Parameters<Sibling[Q]>): Promise<Answer<Q>[]>;
  /** How many connections this process has. */
  connections(count: number): void;
  /** Gives a connection that was accepted here to the process that has the fewest. @returns false if that is not possible: it stays. */
  passOn(connection: ConnectionHandle): boolean;
  /** MONITOR: resolves when all others send their commands here, or no longer do. @throws GatewayError `peer-silent` */
  watch(on: boolean): Promise<void>;
  /** Lines for the monitors of the others. @returns bytes that have not left yet. */
  show(lines: string): void;
  /** Bytes of lines that have not left yet. */
  readonly unsentBytes: number;
}

/** The siblings of a single process: none. @param now milliseconds since the epoch */
export function noSiblings(now: number): Siblings {
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
