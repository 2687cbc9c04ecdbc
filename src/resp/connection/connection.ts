// One client's connection: its identity, its state, and how it ends. Its inbox reads bytes, its pipeline runs commands, and its
// outbox writes replies.
import type { Socket } from 'node:net';
import type { User } from '../../core/access/user.js';
import { type Memory, Reservation } from '../../core/memory-budget.js';
import { guard, own } from '../../core/promises.js';
import type { Stats } from '../../core/stats/stats.js';
import { fail } from '../../errors.js';
import type { Log } from '../../log.js';
import type { ConnectionFacts, ReplyMode, ServerView, Sessions, Tracking } from '../command/context.js';
import type { Decoded } from '../wire/decoder.js';
import type { Protocol } from '../wire/encoder.js';
import type { Reply } from '../wire/reply.js';
import { Inbox, type InboxHost, type InboxOwner } from './reader.js';
import type { MonitorSink } from './monitor.js';
import type { Names } from './names.js';
import { Outbox, type OutboxHost } from './writer.js';
import { Pipeline, type PipelineHost, type PipelineOwner } from './dispatcher.js';

/** What all connections of one server share. */
export interface Host extends ServerView, InboxHost, OutboxHost, PipelineHost {
  readonly names: Names<Connection>;
  readonly log: Log;
  /** A connection's user before AUTH, and whether it may do anything then. */
  readonly initialUser: User;
  /** Milliseconds since the epoch, about a second coarse. */
  readonly coarseNow: number;
  nowMicros(): number;
  closed(connection: Connection): void;
}

/** How long the last replies of a closing connection may take, ms. */
const LINGER_MS = 2000;

export class Connection implements PipelineOwner, InboxOwner, ConnectionFacts, MonitorSink {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly createdAt: number;
  readonly #host: Host;
  readonly #socket: Socket;
  readonly #inbox: Inbox;
  readonly #pipeline: Pipeline;
  readonly #outbox: Outbox;
  name = '';
  user: User;
  protocol: Protocol = 2;
  activeAt: number;
  libraryName = '';
  libraryVersion = '';
  isMonitor = false;
  tracking: Tracking | undefined;
  isAuthenticated: boolean;
  #sessions: Sessions | undefined;
  /** The running command's share of the common memory; created on first use. */
  #memory: Reservation | undefined;
  /** Undelivered messages of the connection's earlier users. */
  #former: Promise<number> | number = 0;
  /** Created when a command first uses its signal: most connections never wait. */
  #abort: AbortController | undefined;
  #abortReason: Error | undefined;
  /** Since when it is being closed; 0: it is not. */
  #closingAt = 0;
  /** The client has ended its side. */
  #ended = false;
  #gone = false;
  #closed: Promise<number> | undefined;

  constructor(host: Host, socket: Socket, id: number) {
    this.#host = host;
    this.#socket = socket;
    this.id = id;
    const unix = `${host.settings.unixSocket}:0`;
    this.address = hostAndPort(socket.remoteAddress, socket.remotePort) ?? unix;
    this.localAddress = hostAndPort(socket.localAddress, socket.localPort) ?? unix;
    this.createdAt = this.activeAt = host.coarseNow;
    this.user = host.initialUser;
    this.isAuthenticated = !host.users.required;
    this.#pipeline = new Pipeline(host, this);
    this.#outbox = new Outbox(host, socket, (bytes) => this.#expel('output buffer limit', bytes));
    this.#inbox = new Inbox(host, this, socket, host.settings.clientQueryBufferBytes);
    this.#inbox.authenticated = this.isAuthenticated;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    const owned = (work: () => void) => () => guard(work, (error) => this.failed(error));
    socket.on(
      'drain',
      owned(() => this.#drained()),
    );
    socket.on(
      'end',
      owned(() => this.#halfClosed()),
    );
    socket.on(
      'close',
      owned(() => this.#lost()),
    );
    socket.on('error', (err) => host.log.debug({ conn: id, err }, 'connection failed'));
  }

  get server(): ServerView {
    return this.#host;
  }

  get stats(): Stats {
    return this.#host.stats;
  }

  get log(): Log {
    return this.#host.log;
  }

  get sessions(): Sessions {
    if (this.#sessions) return this.#sessions;
    const sessions = this.#host.gateway.open(this);
    this.#sessions = sessions;
    // A command outlived its connection: nothing else would close what it opens.
    if (this.#closed) own(sessions.close(), (error) => this.failed(error));
    return sessions;
  }

  /** A consumer is open or opening. */
  get isConsuming(): boolean {
    return this.#sessions?.isConsuming ?? false;
  }

  /** It listens to channels or patterns. */
  get isSubscribed(): boolean {
    return this.#sessions?.isSubscribed ?? false;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#abortReason) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  get memory(): Memory {
    this.#memory ??= new Reservation(this.#host.budget);
    return this.#memory;
  }

  get facts(): ConnectionFacts {
    return this;
  }

  get lastCommand(): string {
    return this.#pipeline.last?.fullName ?? 'NULL';
  }

  get isWaiting(): boolean {
    return this.#pipeline.isWaiting;
  }

  get queryBytes(): number {
    return this.#inbox.heldBytes;
  }

  get outputBytes(): number {
    return this.#outbox.unreadBytes;
  }

  get unreadBytes(): number {
    return this.#outbox.unreadBytes;
  }

  get isHeld(): boolean {
    return (
      this.#pipeline.isHeld || this.#outbox.isBlocked || this.#inbox.isYielding || this.#closingAt > 0 || this.#gone
    );
  }

  setName(name: string): undefined | Promise<void> {
    const asked = this.#host.names.check(this, name);
    if (asked) return asked.then(() => this.#named(name));
    this.#named(name);
    return undefined;
  }

  setProtocol(protocol: Protocol): void {
    this.protocol = protocol;
  }

  setReplyMode(mode: ReplyMode): void {
    this.#outbox.setMode(mode);
  }

  setLibrary(part: 'name' | 'version', value: string): void {
    if (part === 'name') this.libraryName = value;
    else this.libraryVersion = value;
  }

  authenticate(user: User): undefined | Promise<void> {
    this.isAuthenticated = this.#inbox.authenticated = true;
    return this.#become(user);
  }

  monitor(): undefined | Promise<void> {
    this.isMonitor = true;
    return this.#host.monitors.add(this);
  }

  async reset(): Promise<void> {
    this.#endMonitor();
    this.tracking = undefined;
    this.protocol = 2;
    this.#outbox.reset();
    this.#sessions?.leaveStreams();
    this.isAuthenticated = this.#inbox.authenticated = !this.#host.users.required;
    await (this.#become(this.#host.initialUser) ?? this.#giveUpIdentity());
  }

  unblock(how: 'timeout' | 'error'): boolean {
    if (!this.#pipeline.unblock(how)) return false;
    const waiting = this.#abort;
    // Later commands wait on a signal of their own.
    this.#abort = undefined;
    waiting?.abort(fail('unblocked'));
    return true;
  }

  closeAfterReply(): void {
    if (this.#closingAt === 0) this.#closingAt = this.#host.coarseNow;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends present and future waits with this error. */
  abort(reason: Error): void {
    this.#abortReason ??= reason;
    this.#abort?.abort(this.#abortReason);
  }

  /** Closes the connection in order: pending replies are written. @returns messages that were not delivered. */
  close(): Promise<number> {
    this.#closed ??= this.#leave();
    return this.#closed;
  }

  writeAside(bytes: Buffer): void {
    if (this.#closingAt > 0) return;
    this.#outbox.aside(bytes);
    if (this.#outbox.unreadBytes > this.#host.settings.outputBufferBytes) this.#expel('output buffer limit');
  }

  /** Checks time-outs; called about once a second. */
  sweep(now: number): void {
    const { idleTimeoutMs, drainTimeoutMs } = this.#host.settings;
    const mayBeIdle = idleTimeoutMs > 0 && !this.isWaiting && !this.isMonitor;
    if (this.#closingAt > 0 && now - this.#closingAt > LINGER_MS) this.destroy();
    else if (this.#outbox.isStuck(now, drainTimeoutMs)) this.#expel('replies not read');
    else if (mayBeIdle && now - this.activeAt > idleTimeoutMs) this.#expel('idle');
    else this.#inbox.sweep(now);
  }

  take(decoded: Exclude<Decoded, undefined>): void {
    this.#pipeline.take(decoded);
  }

  answer(reply: Reply): void {
    // As bytes it counts for the client that has to read it.
    this.#memory?.release();
    this.#outbox.answer(reply, this.protocol);
  }

  releaseMemory(): void {
    this.#memory?.release();
  }

  goOn(): void {
    if (!this.isHeld) {
      // Ends the turn, including replies, even without a command to run.
      this.#inbox.run();
      return;
    }
    this.#outbox.flush();
    if (this.#closingAt > 0) this.#end();
  }

  turnEnds(commands: number, emptied: boolean): void {
    this.#outbox.flush(emptied && this.#pipeline.isEmpty);
    this.stats.add('resp.commands', commands);
    if (this.#ended && emptied && this.#pipeline.isEmpty) this.closeAfterReply();
    if (this.#closingAt > 0) this.#end();
  }

  failed(err: unknown): void {
    const { id, name, lastCommand } = this;
    this.log.error({ conn: id, client: name, command: lastCommand, err }, 'a connection failed: this is a bug');
    // The encoder may hold half a reply, and other connections use it next.
    this.#host.encoder.clear();
    this.destroy();
  }

  outgrown(bytes: number): void {
    this.#expel('query buffer limit', bytes);
  }

  #named(name: string): void {
    this.name = name;
    // The connection closed while other processes were asked: release the name.
    if (this.#gone) this.#host.names.release(this);
    // A name that can consume concerns operators; other names of pooled connections do not.
    this.log[name.includes(':') ? 'info' : 'debug'](
      { conn: this.id, address: this.address, client: name },
      'connection named',
    );
  }

  #received(chunk: Buffer): void {
    // Bytes after the last command are dropped.
    if (this.#closingAt > 0) return;
    this.activeAt = this.#host.coarseNow;
    try {
      this.#inbox.received(chunk);
    } catch (error) {
      this.failed(error);
    }
  }

  #drained(): void {
    this.#outbox.drained();
    if (!this.isHeld) this.#inbox.run();
  }

  /** The client has ended its side: commands it has sent are still answered, but none waits for messages. */
  #halfClosed(): void {
    this.#ended = true;
    this.abort(fail('client-gone'));
    this.#sessions?.leave();
    if (!this.isHeld) this.#inbox.run();
  }

  /** No more commands; the client gets the pending replies, and a moment to read them. */
  #end(): void {
    this.#outbox.write();
    if (!this.#gone) this.#socket.end();
    this.#inbox.close();
  }

  #expel(why: string, bytes?: number): void {
    this.log.warn({ conn: this.id, client: this.name, why, bytes }, 'connection closed by the server');
    this.destroy();
  }

  #lost(): void {
    this.#gone = true;
    this.abort(fail('client-gone'));
    this.#pipeline.close();
    this.#inbox.close();
    this.#outbox.close();
    this.#host.names.release(this);
    this.#host.monitors.remove(this);
    this.#host.closed(this);
  }

  async #leave(): Promise<number> {
    this.closeAfterReply();
    this.#end();
    const closed = this.#sessions?.close();
    return (await this.#former) + ((await closed) ?? 0);
  }

  /**
   * Changes the user: all state of the previous one ends at once. Resolves when its messages are delivered, or its producer's
   * time limit is over, and its consumer has left; undefined if there was nothing to close.
   */
  #become(user: User): undefined | Promise<void> {
    if (user === this.user) return undefined;
    this.user = user;
    this.#endMonitor();
    this.#host.names.release(this);
    this.name = '';
    const former = this.#sessions;
    if (!former) return undefined;
    this.#sessions = undefined;
    const closed = former.close();
    const before = this.#former;
    this.#former = closed.then(async (left) => (await before) + left);
    return closed.then(() => {});
  }

  #endMonitor(): void {
    this.isMonitor = false;
    this.#host.monitors.remove(this);
  }

  async #giveUpIdentity(): Promise<void> {
    this.#host.names.release(this);
    this.name = '';
    if (this.isConsuming) await this.#sessions?.closeConsumer();
  }
}

/** IPv6 addresses as Redis shows them, IPv4 ones without the IPv6 prefix; undefined for a unix socket. */
function hostAndPort(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined) return undefined;
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port}`;
}
