// One client's connection: bytes in, commands run one after another, one write for each batch of replies.
import type { Socket } from 'node:net';
import type { Stats } from '../core/stats.js';
import { fail } from '../errors.js';
import type { Log } from '../log.js';
import { errorReply, type Resolved, runCommand } from './command.js';
import type { ConnectionFacts, Context, ReplyMode, ServerView, Sessions } from './context.js';
import { type Decoded, Decoder, ProtocolFault, refusedBySize } from './decoder.js';
import type { Encoder, Protocol } from './encoder.js';
import type { FrameLimits } from './frame-guard.js';
import type { MonitorSink, Monitors } from './monitor.js';
import type { Names } from './names.js';
import type { QueryBudget, Spender } from './query-budget.js';
import { ErrorReply, nullArray, type Reply } from './reply.js';
import { ReplyLine } from './reply-line.js';
import type { User } from './user.js';

/** What all connections of one server share. */
export interface Host extends ServerView {
  readonly limits: FrameLimits;
  readonly encoder: Encoder;
  readonly budget: QueryBudget;
  readonly monitors: Monitors;
  readonly names: Names<Connection>;
  readonly stats: Stats;
  readonly log: Log;
  /** Who a connection speaks for before AUTH, and whether it may do anything then. */
  readonly initialUser: User;
  /** Milliseconds since the epoch, about a second coarse. */
  readonly coarseNow: number;
  closed(connection: Connection): void;
}

/** Replies are written when this much is gathered, and at the end of a batch. */
const BATCH_BYTES = 64 * 1024;
/** After so many commands in a row others get their turn. */
const COMMANDS_PER_TURN = 2048;
/** The most that one read brings: a chunk of this size means that more is waiting. */
const FULL_READ_BYTES = 64 * 1024;
/** Pipelined commands whose replies may be outstanding. */
const MAX_OUTSTANDING = 1024;
/** A client that sends more than this behind a command that waits is not read any more. */
const HIGH_WATER_BYTES = 256 * 1024;
/** How long the last replies of a closing connection may take. */
const LINGER_MS = 2000;
/** A held-back connection is read once in so long all the same, to notice that its client is gone. */
const PROBE_MS = 5000;

/** On RESP2 a client that listens can't tell other answers from messages. */
const whileSubscribed: ReadonlySet<string> = new Set([
  'subscribe',
  'psubscribe',
  'unsubscribe',
  'punsubscribe',
  'ping',
  'quit',
  'reset',
]);

const tooLarge = new ErrorReply('PROD Broker: Message size too large');

export class Connection implements Context, ConnectionFacts, Spender, MonitorSink {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly createdAt: number;
  readonly #host: Host;
  readonly #socket: Socket;
  readonly #decoder: Decoder;
  name = '';
  user: User;
  protocol: Protocol = 2;
  activeAt: number;
  libraryName = '';
  libraryVersion = '';
  isMonitor = false;
  isWaiting = false;
  /** Replies of pipelined commands that are still to come; whatever else was sent waits behind them. */
  readonly #line = new ReplyLine();
  #behindLine: Exclude<Decoded, undefined> | undefined;
  #writingLine = false;
  #lastCommand: Resolved | undefined;
  #sessions: Sessions | undefined;
  #abort: AbortController | undefined;
  #abortReason: Error | undefined;
  #unblocked: 'timeout' | 'error' | undefined;
  #replyMode: ReplyMode = 'on';
  #skips = 0;
  #authenticated: boolean;
  /** It has had its turn; the next one comes with the next round of the event loop. */
  #yielding = false;
  #paused = false;
  /** When it stopped being read for what it sent behind a waiting command; then when it was last probed. */
  #pausedAt = 0;
  /** Since when its replies wait to be read; 0: they don't. */
  #blockedAt = 0;
  /** Since when it is being closed; 0: it is not. */
  #closingAt = 0;
  /** The client has sent all it will. */
  #ended = false;
  #gone = false;
  #closed: Promise<number> | undefined;

  constructor(host: Host, socket: Socket, id: number) {
    this.#host = host;
    this.#socket = socket;
    this.id = id;
    const unix = host.settings.unixSocket;
    this.address = socket.remoteAddress ? `${hostPart(socket.remoteAddress)}:${socket.remotePort}` : `${unix}:0`;
    this.localAddress = socket.localAddress ? `${hostPart(socket.localAddress)}:${socket.localPort}` : `${unix}:0`;
    this.createdAt = this.activeAt = host.coarseNow;
    this.user = host.initialUser;
    this.#authenticated = !host.users.required;
    this.#decoder = new Decoder(host.limits);
    this.#decoder.authenticated = this.#authenticated;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#halfClosed());
    socket.on('close', () => this.#lost());
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
    this.#sessions ??= this.#host.gateway.open(this);
    return this.#sessions;
  }

  /** A consumer is open or opening. */
  get isConsuming(): boolean {
    return this.#sessions?.isConsuming ?? false;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#abortReason) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  get facts(): ConnectionFacts {
    return this;
  }

  get lastCommand(): string {
    return this.#lastCommand?.fullName ?? 'NULL';
  }

  get heldBytes(): number {
    return this.#decoder.heldBytes;
  }

  get queryBytes(): number {
    return this.#decoder.heldBytes;
  }

  get outputBytes(): number {
    return this.#socket.writableLength;
  }

  get unreadBytes(): number {
    return this.#socket.writableLength;
  }

  setName(name: string): void {
    this.#host.names.check(this, name);
    this.name = name;
    this.log.debug({ conn: this.id, client: name }, 'connection named');
  }

  setProtocol(protocol: Protocol): void {
    this.protocol = protocol;
  }

  setReplyMode(mode: ReplyMode): void {
    if (mode !== 'skip') this.#replyMode = mode;
    // Its own answer, and the next command's.
    else if (this.#replyMode === 'on') this.#skips = 2;
  }

  setLibrary(part: 'name' | 'version', value: string): void {
    if (part === 'name') this.libraryName = value;
    else this.libraryVersion = value;
  }

  get isAuthenticated(): boolean {
    return this.#authenticated;
  }

  authenticate(user: User): void {
    this.#authenticated = this.#decoder.authenticated = true;
    if (user === this.user) return;
    // What was done for one user must not go on for another.
    void this.#giveUpIdentity();
    this.user = user;
  }

  monitor(): void {
    this.isMonitor = true;
    this.#host.monitors.add(this);
  }

  async reset(): Promise<void> {
    this.isMonitor = false;
    this.#host.monitors.remove(this);
    this.protocol = 2;
    this.#replyMode = 'on';
    this.#skips = 0;
    this.#sessions?.streams.close();
    const left = this.#giveUpIdentity();
    this.user = this.#host.initialUser;
    this.#authenticated = this.#decoder.authenticated = !this.#host.users.required;
    await left;
  }

  unblock(how: 'timeout' | 'error'): boolean {
    if (!this.isWaiting || !this.#lastCommand?.command.flags.includes('blocking')) return false;
    this.#unblocked = how;
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

  /** What it sends needs more memory than all clients together may have. */
  evict(): void {
    this.log.warn({ conn: this.id, client: this.name, bytes: this.heldBytes }, 'closed: query buffer limit');
    this.destroy();
  }

  /** Ends what waits, and what would wait from now on, with this error. */
  abort(reason: Error): void {
    this.#abortReason ??= reason;
    this.#abort?.abort(this.#abortReason);
  }

  /** Closes the connection in good order: what was answered is written. @returns messages that were not delivered. */
  close(): Promise<number> {
    this.#closed ??= this.#leave();
    return this.#closed;
  }

  async #leave(): Promise<number> {
    this.closeAfterReply();
    if (!this.#gone) this.#end();
    return (await this.#sessions?.close()) ?? 0;
  }

  /** Writes what is no answer: monitor lines, pushes. Whole replies only. */
  writeAside(bytes: Buffer): void {
    if (this.#gone || this.#closingAt > 0) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength <= this.#host.settings.outputBufferBytes) return;
    this.log.warn({ conn: this.id, client: this.name }, 'closed: output buffer limit');
    this.destroy();
  }

  /** Looks after time-outs; called about once a second. */
  sweep(now: number): void {
    const { idleTimeoutMs, drainTimeoutMs } = this.#host.settings;
    if (this.#closingAt > 0 && now - this.#closingAt > LINGER_MS) this.destroy();
    else if (this.#blockedAt > 0 && now - this.#blockedAt > drainTimeoutMs) this.#expire('replies not read');
    else if (idleTimeoutMs > 0 && !this.isWaiting && !this.isMonitor && now - this.activeAt > idleTimeoutMs) {
      this.#expire('idle');
    } else if (this.#paused && this.isWaiting && now - this.#pausedAt > PROBE_MS) this.#resume();
  }

  /** Nothing may be run for now. */
  get #isHeld(): boolean {
    return (
      this.isWaiting ||
      this.#blockedAt > 0 ||
      this.#yielding ||
      this.#closingAt > 0 ||
      this.#gone ||
      this.#behindLine !== undefined ||
      this.#line.length >= MAX_OUTSTANDING
    );
  }

  #received(chunk: Buffer): void {
    if (this.#closingAt > 0) return;
    this.activeAt = this.#host.coarseNow;
    this.#decoder.push(chunk);
    if (this.#isHeld) this.#hold();
    else this.#run(chunk.length >= FULL_READ_BYTES);
  }

  /** Runs what has come in until something waits. @param yieldAfter more is known to come: others get a turn first. */
  #run(yieldAfter = false): void {
    let left = COMMANDS_PER_TURN;
    while (!this.#isHeld && left > 0) {
      const decoded = this.#decoder.next();
      if (decoded === undefined) break;
      left--;
      this.#take(decoded);
      if (this.#host.encoder.size >= BATCH_BYTES) this.#flush();
    }
    this.#flush();
    this.stats.add('resp.commands', COMMANDS_PER_TURN - left);
    if (left === 0 || yieldAfter) this.#yield();
    else if (this.#ended && !this.#isHeld && this.#line.length === 0) this.closeAfterReply();
    if (this.#closingAt > 0) this.#end();
    else if (this.#isHeld) this.#hold();
    else {
      this.#host.budget.settle(this);
      if (this.#paused) this.#resume();
    }
  }

  #take(decoded: Exclude<Decoded, undefined>): void {
    if (this.#line.length > 0 && !this.#isPipelined(decoded)) this.#behindLine = decoded;
    else if (decoded === refusedBySize) this.#answer(tooLarge);
    else if (decoded instanceof ProtocolFault) {
      this.stats.add('resp.protocol.errors');
      this.#answer(new ErrorReply(`ERR Protocol error: ${decoded.text}`));
      this.closeAfterReply();
    } else this.#execute(decoded);
  }

  #execute(argv: readonly Buffer[]): void {
    let found: Resolved | undefined;
    try {
      found = this.#host.commands.resolve(argv);
      if (this.protocol === 2 && this.#sessions?.isSubscribed && !whileSubscribed.has(found.fullName)) {
        throw fail('subscribed', found.fullName);
      }
      if (!this.#authenticated && !found.command.flags.includes('no_auth')) throw fail('no-auth');
    } catch (error) {
      if (isHttp(argv[0]!)) this.destroy();
      this.#answer(errorReply(this, found?.command, error));
      return;
    }
    this.#lastCommand = found;
    if (this.#host.monitors.any) this.#host.monitors.feed(this, found, argv, this.#host.nowMicros());
    const reply = runCommand(this, found, argv);
    if (found.command.pipelined) this.#lineUp(reply, found);
    else if (reply instanceof Promise) this.#waitFor(reply, found);
    else this.#answer(reply);
  }

  #isPipelined(decoded: Exclude<Decoded, undefined>): boolean {
    if (decoded === refusedBySize || decoded instanceof ProtocolFault) return false;
    return this.#host.commands.find(decoded[0]!)?.command.pipelined === true;
  }

  /** The next commands of this kind are run before this one's reply has come; the replies leave in order. */
  #lineUp(reply: Reply | Promise<Reply>, found: Resolved): void {
    if (!(reply instanceof Promise)) {
      if (this.#line.length > 0) this.#line.add(reply);
      else this.#answer(reply);
      return;
    }
    const fill = this.#line.add();
    const settled = (made: Reply): void => {
      fill(made);
      if (this.#writingLine) return;
      // Those that settle in the same turn leave in one write.
      this.#writingLine = true;
      setImmediate(() => this.#writeLine());
    };
    reply.then(settled, (error) => settled(errorReply(this, found.command, error)));
  }

  #writeLine(): void {
    this.#writingLine = false;
    if (this.#gone || this.#socket.writableEnded) return;
    for (let reply = this.#line.take(); reply !== undefined; reply = this.#line.take()) {
      this.#answer(reply);
      if (this.#host.encoder.size >= BATCH_BYTES) this.#flush();
    }
    this.#flush();
    if (this.#line.length > 0) {
      if (!this.#isHeld) this.#run();
      return;
    }
    const next = this.#behindLine;
    this.#behindLine = undefined;
    if (next !== undefined) this.#take(next);
    this.#run();
  }

  #waitFor(promise: Promise<Reply>, found: Resolved): void {
    this.isWaiting = true;
    const settled = (reply: Reply): void => {
      this.isWaiting = false;
      if (this.#gone) return;
      this.#answer(this.#unlessUnblocked(reply));
      this.#flush();
      this.#run();
    };
    promise.then(settled, (error) => settled(errorReply(this, found.command, error)));
  }

  /** CLIENT UNBLOCK decides what a command answers that had nothing to answer yet. */
  #unlessUnblocked(reply: Reply): Reply {
    const how = this.#unblocked;
    this.#unblocked = undefined;
    if (how === undefined || Array.isArray(reply)) return reply;
    return how === 'error' ? new ErrorReply(fail('unblocked').resp) : nullArray;
  }

  #answer(reply: Reply): void {
    if (this.#skips > 0) this.#skips--;
    else if (this.#replyMode === 'on') this.#host.encoder.append(reply, this.protocol);
  }

  #flush(): void {
    const { encoder } = this.#host;
    if (encoder.size === 0) return;
    if (this.#gone || this.#socket.destroyed) encoder.clear();
    else if (!encoder.flush(this.#socket)) this.#blockedAt = this.#host.coarseNow;
  }

  #drained(): void {
    this.#blockedAt = 0;
    if (!this.#isHeld) this.#run();
  }

  #yield(): void {
    if (this.#isHeld) return;
    this.#yielding = true;
    this.#pause();
    setImmediate(() => {
      this.#yielding = false;
      if (!this.#isHeld) this.#run();
    });
  }

  /** Bounds what piles up behind a command that waits. */
  #hold(): void {
    this.#host.budget.settle(this);
    if (this.heldBytes > this.#host.settings.clientQueryBufferBytes) this.evict();
    else if (this.heldBytes > HIGH_WATER_BYTES) this.#pause();
  }

  #pause(): void {
    this.#pausedAt = this.#host.coarseNow;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  /** The client has closed its side: what it has sent is still answered, but nothing waits for messages on its behalf. */
  #halfClosed(): void {
    this.#ended = true;
    this.abort(fail('client-gone'));
    if (!this.#isHeld) this.#run();
  }

  /** No more commands; the client gets what was answered, and a moment to read it. */
  #end(): void {
    this.#socket.end();
    this.#decoder.clear();
    this.#host.budget.release(this);
    // What it sends now is thrown away: unread bytes would make the system reset the connection, replies and all.
    if (this.#paused) this.#resume();
  }

  #expire(why: string): void {
    this.log.info({ conn: this.id, client: this.name, why }, 'closed: time-out');
    this.destroy();
  }

  #lost(): void {
    this.#gone = true;
    this.abort(fail('client-gone'));
    this.#line.clear();
    this.#decoder.clear();
    this.#host.budget.release(this);
    this.#host.names.release(this);
    this.#host.monitors.remove(this);
    this.#host.closed(this);
  }

  async #giveUpIdentity(): Promise<void> {
    this.#host.names.release(this);
    this.name = '';
    if (this.isConsuming) await this.#sessions?.closeConsumer();
  }
}

/** IPv6 addresses as Redis shows them, IPv4 ones without their IPv6 coat. */
function hostPart(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain.includes(':') ? `[${plain}]` : plain;
}

/** A browser that was tricked into sending HTTP here must not get any of its lines run. */
function isHttp(name: Buffer): boolean {
  return /^(?:post|host:)$/i.test(name.toString('latin1', 0, 6));
}
