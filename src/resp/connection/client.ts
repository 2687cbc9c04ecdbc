// Client: one connection as its commands see it, and the stages that its bytes pass: reader, dispatcher, writer.
import type { Socket } from 'node:net';
import type { User } from '../../core/access/user.js';
import type { Memory } from '../../core/memory/memory-budget.js';
import type { Stats } from '../../core/stats/stats.js';
import { fail } from '../../errors.js';
import type { Log } from '../../log.js';
import type { CommandQueue, Context, ReplyMode, Sessions, Tracking, Transaction } from '../command/context.js';
import type { MonitorSink } from '../monitor/monitor.js';
import type { Protocol } from '../wire/encoder.js';
import { ClientSession } from './client-session.js';
import { ClientStatus } from './client-status.js';
import { HeldCommands } from './command-queue.js';
import { Dispatcher } from './dispatcher.js';
import { Reader } from './reader.js';
import type { ServerParts } from './server-parts.js';
import { addressesOf } from './socket-address.js';
import { Waits } from './waits.js';
import { Writer } from './writer.js';

/** How a stage ends the connection. */
export interface Ends {
  /** For what the client does. */
  expel(why: string, bytes?: number): void;
  /** A failure that answers no command: a defect. */
  failed(error: unknown): void;
}

/** Characters kept of an error. */
const errorLength = 300;

export class Client implements Context, MonitorSink {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly server: ServerParts;
  readonly stats: Stats;
  readonly log: Log;
  readonly status: ClientStatus;
  readonly session: ClientSession;
  readonly reader: Reader;
  readonly dispatcher: Dispatcher;
  readonly writer: Writer;
  readonly waits = new Waits();
  protocol: Protocol = 2;
  tracking: Tracking | undefined;
  queue: CommandQueue | undefined;
  isInExec = false;
  transaction: Transaction | undefined;
  isAuthenticated: boolean;
  readonly #socket: Socket;

  constructor(server: ServerParts, socket: Socket, id: number, { expel, failed }: Ends) {
    this.id = id;
    this.server = server;
    this.stats = server.stats;
    this.log = server.log;
    this.#socket = socket;
    const { remote, local } = addressesOf(socket, server.settings.unixSocket);
    this.address = remote;
    this.localAddress = local;
    this.isAuthenticated = !server.users.required;
    this.session = new ClientSession(server, this, failed);
    this.writer = new Writer(server, socket, expel);
    this.dispatcher = new Dispatcher(server, this, this.writer, () => this.reader.resume(), failed);
    this.reader = new Reader(server, this.dispatcher, socket, expel, failed);
    this.reader.authenticated = this.isAuthenticated;
    this.status = new ClientStatus(this.reader, this.dispatcher, this.writer);
  }

  get name(): string {
    return this.session.name;
  }

  get user(): User {
    return this.session.user;
  }

  get sessions(): Sessions {
    return this.session.sessions;
  }

  get isSubscribed(): boolean {
    return this.session.isSubscribed;
  }

  get signal(): AbortSignal {
    return this.waits.signal;
  }

  get memory(): Memory {
    return this.dispatcher.memory;
  }

  get unreadBytes(): number {
    return this.writer.unreadBytes;
  }

  setName(name: string): undefined | Promise<void> {
    return this.session.setName(name);
  }

  setProtocol(protocol: Protocol): void {
    this.protocol = protocol;
  }

  setReplyMode(mode: ReplyMode): void {
    this.writer.setMode(mode);
  }

  setLibrary(part: 'name' | 'version', value: string): void {
    if (part === 'name') this.status.libraryName = value;
    else this.status.libraryVersion = value;
  }

  noteError(text: string): void {
    this.status.lastError = { text: text.slice(0, errorLength), at: this.server.coarseNow };
  }

  authenticate(user: User): undefined | Promise<void> {
    this.#setAuthenticated(true);
    return this.#become(user);
  }

  beginQueue(): void {
    this.queue = new HeldCommands(this.server.budget);
  }

  endQueue(): void {
    this.queue?.release();
    this.queue = undefined;
  }

  monitor(): undefined | Promise<void> {
    this.status.isMonitor = true;
    return this.server.monitors.add(this);
  }

  unblock(how: 'timeout' | 'error'): boolean {
    if (!this.dispatcher.unblock(how)) return false;
    this.waits.endOnce(fail('unblocked'));
    return true;
  }

  closeAfterReply(): void {
    this.writer.closeAfterReply();
  }

  writeAside(bytes: Buffer): void {
    this.writer.aside(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async reset(): Promise<void> {
    this.#endMonitor();
    this.tracking = undefined;
    this.endQueue();
    this.protocol = 2;
    this.writer.reset();
    this.session.leaveStreams();
    this.#setAuthenticated(!this.server.users.required);
    const { initialUser } = this.server;
    await (this.user === initialUser ? this.session.giveUpName() : this.#become(initialUser));
  }

  #setAuthenticated(value: boolean): void {
    this.isAuthenticated = value;
    this.reader.authenticated = value;
  }

  #become(user: User): undefined | Promise<void> {
    if (user === this.user) return undefined;
    this.#endMonitor();
    return this.session.become(user);
  }

  #endMonitor(): void {
    this.status.isMonitor = false;
    this.server.monitors.remove(this);
  }
}
