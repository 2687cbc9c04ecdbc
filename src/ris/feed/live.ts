// One websocket to RIS Live: subscribes, keeps the connection alive, and reconnects after every kind of end.
import { WebSocket } from 'ws';
import type { Clock } from '../../core/ports.js';
import { proxyAgent } from './proxy.js';

export interface LiveOptions {
  /** `wss://ris-live.ripe.net/v1/ws/`; the client id is added as its `client` parameter. */
  readonly url: string;
  /** An HTTP proxy on the way there. */
  readonly proxy?: string | undefined;
  readonly clientId: string;
  /** The collector as RIS Live names it: `rrc00` or `rrc00.ripe.net`. */
  readonly host: string;
  /** A socket without a message for this long is closed, ms. */
  readonly staleMs: number;
  readonly connectTimeoutMs: number;
  /** First and longest pause before the next attempt, ms; doubled each time, with jitter. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly clock: Clock;
  /** 0 <= x < 1, for the jitter. */
  readonly random: () => number;
}

export interface LiveEvents {
  /** A text message of the server; must not throw. */
  onLine(line: string): void;
  /** The socket is open and the subscription has been sent. */
  onUp(): void;
  /** The socket has ended (once for each onUp, and for each failed attempt); the next attempt is under way. */
  onDown(reason: string): void;
}

/** RIS Live's largest line was 27 kB; a BGP message of 65,535 bytes is 131 kB of hex. */
const maxPayload = 4 * 1024 * 1024;
/** Ping interval, so that a half-open connection is noticed, ms. */
const pingMs = 15_000;
/** Time limit of a closing handshake, ms. */
const closeMs = 1_000;

/** Owned by one Feed; start() once, close() once. Never throws for the behaviour of the server or the network. */
export class LiveSocket {
  readonly #options: LiveOptions;
  readonly #events: LiveEvents;
  #socket: WebSocket | undefined;
  #cancels = new Set<() => void>();
  #attempts = 0;
  #lastMessage = 0;
  #closed = false;

  constructor(options: LiveOptions, events: LiveEvents) {
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    this.#connect();
  }

  /** Ends the current connection as if the network had: the next attempt follows. */
  reset(): void {
    this.#socket?.terminate();
  }

  /** Closes the connection and stops; no event follows. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelAll();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(closeMs, () => socket.terminate());
      socket.once('close', () => {
        cancel();
        resolve();
      });
      socket.close(1000);
    });
  }

  #connect(): void {
    const { clock, connectTimeoutMs, host, url, proxy, clientId } = this.#options;
    let socket: WebSocket;
    try {
      const agent = proxyAgent(proxy, url, connectTimeoutMs, clock);
      socket = new WebSocket(withClient(url, clientId), {
        handshakeTimeout: connectTimeoutMs,
        // Of what is inflated too.
        maxPayload,
        // Used where the server agrees. What we send is too short for it.
        perMessageDeflate: { threshold: 4_096 },
        ...(agent ? { agent } : {}),
      });
    } catch (error) {
      this.#ended(`cannot connect: ${String(error)}`);
      return;
    }
    this.#socket = socket;
    let reason = '';
    socket.on('open', () => {
      if (this.#socket !== socket) return;
      this.#lastMessage = clock.monotonic();
      socket.send(subscription(host));
      this.#events.onUp();
      this.#every(pingMs, () => this.#ping(socket));
      this.#every(this.#options.staleMs / 4, () => this.#checkStale(socket));
    });
    socket.on('message', (data, isBinary) => {
      if (this.#socket !== socket || isBinary) return;
      this.#events.onLine(data.toString());
    });
    socket.on('error', (error) => {
      reason ||= error.message;
    });
    socket.on('close', (code) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#ended(reason || `closed with ${code}`);
    });
  }

  /**
   * A line was a message of the collector: the subscription works. Other data from the server, above all answers to our pings, only
   * proves that the server works.
   */
  alive(): void {
    this.#attempts = 0;
    this.#lastMessage = this.#options.clock.monotonic();
  }

  #ended(reason: string): void {
    this.#cancelAll();
    if (this.#closed) return;
    const { backoffMinMs, backoffMaxMs, clock, random } = this.#options;
    const wait = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.#attempts, 20));
    this.#attempts += 1;
    // Half of the pause is random, so that replicas disconnected together do not reconnect together.
    this.#after(clock, wait * (0.5 + random() / 2), () => this.#connect());
    this.#events.onDown(reason);
  }

  #ping(socket: WebSocket): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.ping();
    socket.send('{"type":"ping"}');
  }

  #checkStale(socket: WebSocket): void {
    const silent = this.#options.clock.monotonic() - this.#lastMessage;
    if (silent < this.#options.staleMs) return;
    socket.emit('error', new Error(`no message for ${Math.round(silent)} ms`));
    socket.terminate();
  }

  #every(ms: number, call: () => void): void {
    this.#after(this.#options.clock, ms, () => {
      this.#every(ms, call);
      call();
    });
  }

  #after(clock: Clock, ms: number, call: () => void): void {
    const cancel = clock.after(ms, () => {
      this.#cancels.delete(cancel);
      call();
    });
    this.#cancels.add(cancel);
  }

  #cancelAll(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }
}

function withClient(url: string, clientId: string): string {
  const full = new URL(url);
  if (clientId !== '') full.searchParams.set('client', clientId);
  return full.href;
}

/** Everything of one collector, with the exact BGP bytes (RIS Live manual, ris_subscribe). */
function subscription(host: string): string {
  return JSON.stringify({
    type: 'ris_subscribe',
    data: { host, socketOptions: { includeRaw: true, acknowledge: true } },
  });
}
