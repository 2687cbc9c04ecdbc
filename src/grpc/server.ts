// The gRPC listener: a grpc-js server with the service, started and stopped in the program's order.
import type { Server as SocketServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Listener } from '../core/listener.js';
import type { MemoryBudget } from '../core/memory/memory-budget.js';
import { boundHalfRequests } from './half-requests.js';
import { admission, implementation, type ServiceOptions, serviceDefinition } from './service.js';
import { listen } from './sockets.js';
import { boundUnreadReplies } from './unread-replies.js';

export interface GrpcServerOptions extends ServiceOptions {
  readonly host: string;
  readonly port: number;
  /** PEM texts; absent: without TLS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Reads them again. @throws Error */
  readonly readTls?: () => { readonly cert: Buffer; readonly key: Buffer };
  readonly maxMessageBytes: number;
  /** Of what all requests that are not answered yet may take. */
  readonly requests: MemoryBudget;
  readonly maxConnections: number;
  /** Absent: `defaultTimes`. */
  readonly times?: GrpcTimes;
}

/** How long peers may stay silent, ms. */
export interface GrpcTimes {
  /** Every peer is pinged at this interval, and closed if it does not answer within `pingAnswerMs`. */
  readonly pingMs: number;
  readonly pingAnswerMs: number;
  /** A connection without a call for this long is closed in order: clients open the next one by themselves. */
  readonly idleMs: number;
  /** How long a request may take to arrive: as HTTP's `requestTimeoutMs`. */
  readonly requestMs: number;
  /** How long a client may take to read a reply: as RESP's. */
  readonly replyMs: number;
}

const defaultTimes: GrpcTimes = {
  pingMs: 30_000,
  pingAnswerMs: 10_000,
  idleMs: 15 * 60_000,
  requestMs: 60_000,
  replyMs: 60_000,
};
/** Concurrent calls per connection: clients queue further ones. */
const maxCalls = 1_000;

/** How long calls in flight may take once listening has ended, ms. */
const closeMs = 5_000;

export class GrpcServer implements Listener {
  readonly name = 'grpc';
  readonly #options: GrpcServerOptions;
  readonly #server: Server;
  #sockets: SocketServer | undefined;
  #address: string | undefined;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const { pingMs, pingAnswerMs, idleMs, requestMs, replyMs } = options.times ?? defaultTimes;
    const half = { timeoutMs: requestMs, budget: options.requests, after, admit: admission(options.gate) };
    this.#server = new Server({
      'grpc.max_receive_message_length': options.maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.enable_channelz': 0,
      'grpc.keepalive_time_ms': pingMs,
      'grpc.keepalive_timeout_ms': pingAnswerMs,
      'grpc.max_connection_idle_ms': idleMs,
      'grpc.max_concurrent_streams': maxCalls,
      interceptors: [boundUnreadReplies(replyMs, after), boundHalfRequests(half)],
    });
    this.#server.addService(serviceDefinition(), implementation(options));
  }

  /** Where it listens. */
  get addresses(): readonly string[] {
    return this.#address === undefined ? [] : [this.#address];
  }

  get address(): string | undefined {
    return this.#address;
  }

  /** @throws Error with Kafka-Pixy's text if it cannot listen on the address. */
  async start(): Promise<void> {
    const { host, maxConnections, log } = this.#options;
    // Our own sockets do TLS.
    const connections = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const { server, port } = await listen(this.#options, maxConnections, after, (socket) =>
      connections.injectConnection(socket),
    ).catch((error: Error) => {
      throw new Error(`failed to start gRPC server: failed to create listener: ${error.message}`, { cause: error });
    });
    this.#sockets = server;
    this.#address = `${host}:${port}`;
    log.info({ address: this.#address }, 'gRPC is served');
  }

  reload(): void {
    const { readTls } = this.#options;
    if (readTls && this.#sockets instanceof TlsServer) this.#sockets.setSecureContext(readTls());
  }

  async drain(): Promise<void> {
    this.#options.proxies.drain();
  }

  closeConsumers(): Promise<void> {
    return this.#options.proxies.closeConsumers();
  }

  /** Calls in flight are answered first, within a time limit. */
  async stopListening(): Promise<void> {
    this.#sockets?.close();
    await new Promise<void>((resolve) => {
      const impatient = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, closeMs);
      this.#server.tryShutdown(() => {
        clearTimeout(impatient);
        resolve();
      });
    });
  }

  close(): Promise<number> {
    return this.#options.proxies.close();
  }
}

function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}
