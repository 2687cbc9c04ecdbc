// The RESP listener: listens, accepts clients, keeps track of them, and closes them in order.
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { LoginGuard } from '../core/access/login-guard.js';
import { isLoopback } from '../core/access/protected-mode.js';
import { everybody, type User } from '../core/access/user.js';
import { nobodyYet, type Users } from '../core/access/users.js';
import { sleep } from '../core/clock.js';
import type { Listener } from '../core/listener.js';
import { MemoryBudget } from '../core/memory/memory-budget.js';
import type { ClientVersions, Clock } from '../core/ports.js';
import { guard, own } from '../core/promises.js';
import type { Stats } from '../core/stats/stats.js';
import { fail } from '../errors.js';
import { removeStaleSocket } from '../io/stale-socket.js';
import type { Log } from '../log.js';
import { deniedByProtectedMode, tooManyClients } from './access/refusal.js';
import { tlsFiles } from './access/tls-files.js';
import { type Carrier, Names } from './clients/names.js';
import { CommandTable } from './command/command.js';
import type { Command, Context, Gateway } from './command/context.js';
import * as allCommands from './commands/index.js';
import type { RespConfig } from './config.js';
import { type ClientFacts, clientFacts } from './connection/client-facts.js';
import { Connection } from './connection/connection.js';
import type { ServerParts } from './connection/server-parts.js';
import { handleOf, SharedReads } from './connection/shared-reads.js';
import { WriteCoalescer } from './connection/write-coalescer.js';
import { Monitors } from './monitor/monitor.js';
import { type ConnectionHandle, noSiblings, type Siblings } from './siblings/siblings.js';
import { RemoteConnections } from './streams/remote-connections.js';
import { Encoder } from './wire/encoder.js';

export interface RespServerOptions {
  readonly settings: RespConfig;
  readonly users: Users;
  /** Shared by all listeners; absent: this one's own. */
  readonly logins?: LoginGuard;
  readonly gateway: Gateway;
  /** Largest record that brokers accept, bytes: larger arguments are refused before they are read. */
  readonly maxMessageBytes: number;
  readonly version: string;
  /** Of the Kafka client, for INFO. */
  readonly clientVersions: ClientVersions;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Log;
  /** The other processes behind the same port; absent: none. */
  readonly siblings?: Siblings;
  /** For tests: a subset of commands. */
  readonly commands?: readonly Command[];
}

const SWEEP_MS = 1000;
const BACKLOG = 1024;
/** How long a refused peer may take to read the reason, ms. */
const REFUSED_MS = 500;
/** Maximum number of these; further ones are closed without a reason. */
const MOST_REFUSED = 1000;
/** Time limit of a TLS handshake, ms. */
const HANDSHAKE_MS = 10_000;
/** A worker with this many times its share of the connections passes new ones on. See docs/decisions/0010. */
const slack = 1.1;
/** Of servers without TLS. */
const plain = { allowHalfOpen: true, pauseOnConnect: true };

export class RespServer implements Listener, ServerParts {
  readonly name = 'resp';
  readonly commands: CommandTable;
  readonly users: Users;
  readonly logins: LoginGuard;
  readonly siblings: Siblings;
  readonly encoder = new Encoder();
  readonly writeCoalescer = new WriteCoalescer(this.encoder);
  readonly monitors: Monitors;
  readonly names: Names<Carrier>;
  readonly remotes: RemoteConnections;
  readonly budget: MemoryBudget;
  readonly limits: ServerParts['limits'];
  readonly initialUser: User;
  coarseNow: number;
  readonly #options: RespServerOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #listening: Server[] = [];
  /** Sessions of connections that are gone. */
  readonly #closing = new Set<Promise<void>>();
  /** Undelivered messages of connections that closed since the shutdown began. */
  #undelivered = 0;
  /** Set once a shutdown has begun. */
  #drained: Error | undefined;
  readonly #reads = new SharedReads();
  #isClosed = false;
  #databaseNoted = false;
  #nextId: number;
  #elsewhere = 0;
  /** TLS peers during their handshake. */
  readonly #shaking = new Set<string>();
  /** Sockets that are being sent the reason of their refusal. */
  #refused = 0;
  #tlsServer: TlsServer | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: RespServerOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.commands = new CommandTable(options.commands ?? Object.values(allCommands));
    this.users = options.users;
    this.logins = options.logins ?? new LoginGuard(options);
    this.initialUser = this.users.required ? nobodyYet : everybody;
    options.stats.watch('resp.clients', () => [[[], this.#connections.size]]);
    this.siblings = options.siblings ?? noSiblings(clock.now());
    this.#nextId = this.siblings.server.firstConnectionId;
    this.monitors = new Monitors(this.siblings);
    this.names = new Names({ strict: settings.strictNames, siblings: this.siblings });
    this.budget = new MemoryBudget(settings.queryBufferBytes);
    this.remotes = new RemoteConnections(this, this.budget, options.log);
    this.limits = {
      maxBulkBytes: settings.maxBulkBytes,
      maxArgs: settings.maxArgs,
      refuseBulkBytes: options.maxMessageBytes,
    };
    this.coarseNow = clock.now();
  }

  get settings(): RespConfig {
    return this.#options.settings;
  }

  get gateway(): Gateway {
    return this.#options.gateway;
  }

  get version(): string {
    return this.#options.version;
  }

  get clientVersions(): ClientVersions {
    return this.#options.clientVersions;
  }

  get stats(): Stats {
    return this.#options.stats;
  }

  get log(): Log {
    return this.#options.log;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get clientCount(): number {
    return this.#connections.size;
  }

  /** How many connections other processes have, as last reported. */
  connectionsElsewhere(count: number): void {
    this.#elsewhere = count;
  }

  get port(): number {
    const address = this.#listening[0]?.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  get addresses(): readonly string[] {
    return this.#listening.map((server) => {
      const address = server.address();
      if (typeof address !== 'object' || address === null) return address ?? '';
      return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
    });
  }

  *clients(): Iterable<Context> {
    for (const { client } of this.#connections.values()) yield client;
  }

  client(id: number): Context | undefined {
    return this.#connections.get(id)?.client;
  }

  noteDatabase(index: number): void {
    if (this.#databaseNoted) return;
    this.#databaseNoted = true;
    this.log.warn({ database: index }, 'SELECT of a database other than 0: all show the same keys');
  }

  nowMicros(): number {
    return this.#options.clock.now() * 1000 + Math.floor((this.#options.clock.monotonic() % 1) * 1000);
  }

  /** TLS files, and what open connections may still do. @throws GatewayError `file-unusable` */
  reload(): void {
    const { changed } = this.users;
    for (const connection of this.#connections.values())
      if (changed.has(connection.client.user)) connection.rightsChanged();
    const { tls } = this.settings;
    if (tls) this.#tlsServer?.setSecureContext(tlsFiles(tls));
  }

  async start(): Promise<void> {
    const { host, port, unixSocket } = this.settings;
    await this.#listen(this.#tcpServer(), { host, port });
    if (unixSocket !== undefined) {
      if (!this.siblings.exist) await removeStaleSocket(unixSocket);
      await this.#listen(createServer(plain), { path: unixSocket });
    }
    this.#sweep = setInterval(() => this.#look(), SWEEP_MS);
    // With several processes, the one that started them logs it once all listen.
    const level = this.siblings.exist ? 'debug' : 'info';
    this.log[level]({ listener: this.name, host, port: this.port, unixSocket, tls: !!this.settings.tls }, 'listening');
  }

  async drain(): Promise<void> {
    this.#undelivered = 0;
    this.#drained = fail('shutting-down');
    const isConsuming = this.#consuming().length > 0;
    for (const connection of this.#connections.values()) connection.abort(this.#drained);
    this.remotes.drain();
    if (isConsuming) await sleep(this.clock, this.settings.drainMs);
  }

  async closeConsumers(): Promise<void> {
    for (const connection of this.#consuming()) this.#settle(connection.close());
    await Promise.all(this.#closing);
  }

  async stopListening(): Promise<void> {
    for (const server of this.#listening) server.close();
  }

  async close(): Promise<number> {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    for (const connection of this.#connections.values()) this.#settle(connection.close());
    await Promise.all(this.#closing);
    for (const connection of this.#connections.values()) connection.destroy();
    return this.#undelivered;
  }

  async undelivered(): Promise<number> {
    return this.#undelivered + (await this.gateway.inFlight());
  }

  /** Serves a connection that another worker has accepted. */
  accept(handle: ConnectionHandle): void {
    if (this.#isClosed) {
      handle.close();
      return;
    }
    this.#accept(this.#reads.socketOn(handle));
    // Also when it was refused: it was counted as one of ours when it was passed on.
    this.siblings.connections(this.#connections.size);
  }

  /** What the console shows of each connection. */
  clientFacts(): ClientFacts[] {
    const now = this.clock.now();
    return Array.from(this.#connections.values(), ({ client }) => clientFacts(client, now));
  }

  /** Opens a connection without a socket, for a user who is logged in elsewhere: the console's. @returns the client's end. @throws GatewayError `shutting-down` */
  openHere(user: User): Duplex {
    if (this.#drained) throw this.#drained;
    const [client, served] = duplexPair();
    const named = { remoteAddress: 'console', remotePort: 0, localAddress: 'console', localPort: 0 };
    const connection = this.#serve(Object.assign(served, named) as unknown as Socket);
    own(Promise.resolve(connection.client.authenticate(user)), (error) => connection.failed(error));
    client.once('close', () => served.destroy());
    served.once('close', () => client.destroy());
    return client;
  }

  readonly #closed = (connection: Connection): void => {
    this.#connections.delete(connection.id);
    this.siblings.connections(this.#connections.size);
    this.#settle(connection.close());
  };

  #consuming(): Connection[] {
    return [...this.#connections.values()].filter((connection) => connection.isConsuming);
  }

  #settle(closing: Promise<number>): void {
    const settled = closing
      .then(
        (undelivered) => {
          this.#undelivered += undelivered;
        },
        (err: unknown) => this.log.error({ err }, 'a connection could not be closed in good order: this is a bug'),
      )
      .finally(() => this.#closing.delete(settled));
    this.#closing.add(settled);
  }

  #tcpServer(): Server {
    const { tls, keepAliveMs } = this.settings;
    const tcp = { noDelay: true, keepAlive: keepAliveMs > 0, keepAliveInitialDelay: keepAliveMs };
    if (!tls) return createServer({ ...tcp, ...plain });
    const server = createTlsServer({ ...tcp, ...tlsFiles(tls), handshakeTimeout: HANDSHAKE_MS });
    server.on('connection', (socket: Socket) => this.#handshakes(socket));
    server.on('tlsClientError', (err, socket) => {
      this.log.debug({ listener: this.name, err }, 'TLS handshake failed');
      // After a time-out it would stay.
      socket.destroy();
    });
    this.#tlsServer = server;
    return server;
  }

  async #listen(server: Server, where: ListenOptions): Promise<void> {
    const isTls = this.settings.tls && where.path === undefined;
    const event = isTls ? 'secureConnection' : 'connection';
    server.on(event, (socket: Socket) =>
      guard(
        () => (isTls ? this.#accept(socket) : this.#accepted(socket)),
        (err) => {
          this.log.error({ listener: this.name, err }, 'a connection could not be accepted: this is a bug');
          socket.destroy();
        },
      ),
    );
    // No client may connect to a unix socket before its mode is set: the file is created here, in this call.
    const umask = where.path === undefined ? undefined : process.umask(0o777);
    try {
      server.listen({ ...where, backlog: BACKLOG });
    } finally {
      if (umask !== undefined) process.umask(umask);
    }
    await once(server, 'listening');
    if (where.path !== undefined) chmodSync(where.path, Number.parseInt(this.settings.unixSocketMode, 8));
    server.on('error', (err) => this.log.error({ listener: this.name, err }, 'listening failed'));
    this.#listening.push(server);
  }

  /** A plain connection. Workers share the listening socket, and the system gives a connection to the first that accepts. */
  #accepted(socket: Socket): void {
    const handle = handleOf(socket);
    if (this.#hasItsShare && this.siblings.passOn(handle)) this.#elsewhere += 1;
    else this.#accept(this.#reads.socketOn(handle));
  }

  /** Of the connections of all workers; a few more are no reason to pass one on. */
  get #hasItsShare(): boolean {
    if (!this.siblings.exist) return false;
    const share = (this.#connections.size + this.#elsewhere + 1) / this.settings.workers;
    return this.#connections.size > share * slack;
  }

  #accept(socket: Socket): void {
    if (this.#shaking.size > 0) this.#shaking.delete(peerOf(socket));
    // A TCP client that is already gone has no address any more; its commands would run as if it came from this machine.
    if (socket.remoteAddress === undefined && socket.localAddress !== undefined) {
      socket.destroy();
      return;
    }
    const refusal = this.#refusal(socket);
    if (refusal !== undefined) {
      this.stats.add('resp.connections.refused');
      this.#refuse(socket, refusal);
      return;
    }
    this.stats.add('resp.connections');
    this.#serve(socket);
  }

  #serve(socket: Socket): Connection {
    const connection = new Connection(this, socket, this.#nextId++, this.#closed);
    if (this.#drained) connection.abort(this.#drained);
    this.#connections.set(connection.id, connection);
    this.siblings.connections(this.#connections.size);
    return connection;
  }

  /** Sends the reason, for a moment: a peer that does not close its side would keep the socket. */
  #refuse(socket: Socket, refusal: string): void {
    socket.on('error', () => socket.destroy());
    if (this.#refused >= MOST_REFUSED) {
      socket.destroy();
      return;
    }
    this.#refused++;
    const cancel = this.clock.after(REFUSED_MS, () => socket.destroy());
    socket.once('close', () => {
      this.#refused--;
      cancel();
    });
    socket.end(refusal);
    socket.resume();
  }

  /** A TLS peer in its handshake counts as a client: it may never finish it. */
  #handshakes(socket: Socket): void {
    const key = peerOf(socket);
    const clients = this.#connections.size + this.#elsewhere + this.#shaking.size;
    // While few of them wait, a surplus peer may still be sent the reason.
    if (clients >= this.settings.maxClients && this.#shaking.size + this.#refused >= MOST_REFUSED) {
      this.stats.add('resp.connections.refused');
      socket.destroy();
      return;
    }
    this.#shaking.add(key);
    socket.once('close', () => this.#shaking.delete(key));
  }

  #refusal(socket: Socket): string | undefined {
    if (this.#connections.size + this.#elsewhere + this.#shaking.size >= this.settings.maxClients)
      return tooManyClients;
    const isOpen = !this.settings.protectedMode || this.users.required;
    return isOpen || isLoopback(socket.remoteAddress) ? undefined : deniedByProtectedMode;
  }

  #look(): void {
    this.coarseNow = this.#options.clock.now();
    for (const connection of this.#connections.values())
      guard(
        () => connection.sweep(this.coarseNow),
        (err) => connection.failed(err),
      );
  }
}

/** The same for a TLS socket and the plain one below it. */
const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
