// A collector's sockets as one stream: lines read, control messages filtered, holes reported.
import type { Clock } from '../../core/ports.js';
import type { Log } from '../../log.js';
import { AheadOfTime, placedBehind } from './ahead.js';
import { envelopeOf, type LineEnvelope } from './envelope.js';
import { LiveSocket } from './live.js';
import type { MalformedReason } from './message.js';

export interface FeedOptions {
  readonly url: string;
  readonly proxy?: string | undefined;
  readonly clientId: string;
  readonly collector: string;
  /** Sockets at the same time; 2 overlap, so that the end of one is not a hole. */
  readonly redundancy: number;
  /** How far messages may overtake one another, us. */
  readonly disorderUs: number;
  /** How far ahead of the clock a message may be dated, ms. */
  readonly maxAheadMs: number;
  readonly staleMs: number;
  readonly connectTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** All feed times are us since the epoch, by the collector's clock. */
export interface FeedEvents {
  /** A message: only its envelope is parsed. */
  onLine(line: LineEnvelope): void;
  /** From here on everything after `since` is received; messages between the last one and `since` may be missing. */
  onStart(since: number): void;
  /** The stream has ended: no socket is left that received everything. */
  onGap(reason: string): void;
  /** A message is dated ahead of the clock; it follows as a line, unless there is no feed yet and too many of its kind wait for it. */
  onAhead(line: LineEnvelope): void;
  onMalformed(reason: MalformedReason): void;
  onServerError(): void;
  onDisconnect(): void;
}

/** One socket's state since its subscription. */
interface Slot {
  readonly socket: LiveSocket;
  up: boolean;
  /** It has everything after this; undefined until its first message shows the time. */
  since: number | undefined;
  /** The server's last complaint on this socket, and when it came, ms of the steady clock. */
  error: { readonly message: string; readonly at: number } | undefined;
}

/** Time of a message, us since the epoch. */
export const timeOf = (message: { readonly seconds: number; readonly micros: number }): number =>
  message.seconds * 1_000_000 + message.micros;

/** A server that says why it closes a socket does so at once: an older complaint is not the reason, ms. */
const complaintMs = 5_000;
/** Lines ahead of time that wait for a feed's first message. */
const mostEarly = 1_000;

/** Owned by one collector's worker; start() once, close() once. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #events: FeedEvents;
  readonly #slots: Slot[];
  #since: number | null = null;
  #latest = 0;
  readonly #aheadOfTime: AheadOfTime;
  /** Lines ahead of time from before a feed's first message, whose time they get. */
  #early: LineEnvelope[] = [];

  constructor(options: FeedOptions, events: FeedEvents) {
    this.#options = options;
    this.#events = events;
    this.#aheadOfTime = new AheadOfTime(
      options.maxAheadMs,
      () => options.clock.now(),
      (behindMs) =>
        options.log.error(
          { behindMs },
          'The whole feed is ahead of the clock: the clock of this machine is taken to be wrong',
        ),
    );
    this.#slots = Array.from({ length: options.redundancy }, (_, index) => this.#slot(index));
  }

  /** The stream has everything after this feed time; null: there is no stream now. */
  get since(): number | null {
    return this.#since;
  }

  /** The latest feed time seen, 0 before the first message. */
  get latest(): number {
    return this.#latest;
  }

  start(): void {
    for (const slot of this.#slots) slot.socket.start();
  }

  async close(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.socket.close()));
  }

  #slot(index: number): Slot {
    const { collector, clientId } = this.#options;
    const socket = new LiveSocket(
      {
        ...this.#options,
        host: `${collector}.ripe.net`,
        clientId: index === 0 ? clientId : `${clientId}-${index + 1}`,
      },
      {
        onLine: (line) => this.#line(slot, line),
        onUp: () => {
          slot.up = true;
          this.#options.log.info({ socket: index }, 'RIS Live: connected and subscribed');
        },
        onDown: (reason) => this.#down(slot, index, reason),
      },
    );
    const slot: Slot = { socket, up: false, since: undefined, error: undefined };
    return slot;
  }

  #line(slot: Slot, text: string): void {
    const line = envelopeOf(text);
    switch (line.kind) {
      case 'line':
        // A subscription to one collector brings only its messages; a server that sends others must not mix them in.
        if (!line.peerKey.startsWith(`${this.#options.collector} `)) this.#events.onMalformed('host');
        else this.#message(slot, line);
        return;
      case 'control':
        if (line.type === 'ris_error') this.#serverError(slot, line.data);
        return;
      case 'malformed':
        this.#events.onMalformed(line.reason);
    }
  }

  #message(slot: Slot, line: LineEnvelope): void {
    const time = timeOf(line);
    slot.socket.alive();
    if (this.#aheadOfTime.has(line, time)) {
      this.#ahead(line);
      return;
    }
    // What was sent before this socket existed may be later than its first message by the disorder of the feed.
    slot.since ??= time + this.#options.disorderUs;
    if (this.#since === null) {
      this.#since = slot.since;
      this.#events.onStart(slot.since);
    }
    if (time > this.#latest) this.#latest = time;
    this.#events.onLine(line);
    for (const early of this.#early.splice(0)) this.#events.onLine(placedBehind(early, this.#latest));
  }

  /** It does not show how far the feed is. */
  #ahead(line: LineEnvelope): void {
    this.#events.onAhead(line);
    if (this.#since !== null) this.#events.onLine(placedBehind(line, this.#latest));
    else if (this.#early.length < mostEarly) this.#early.push(line);
  }

  #down(slot: Slot, index: number, reason: string): void {
    const wasUp = slot.up;
    slot.up = false;
    slot.since = undefined;
    this.#options.log.warn({ socket: index, reason: this.#complaintOf(slot) ?? reason }, 'RIS Live: not connected');
    slot.error = undefined;
    if (!wasUp) return;
    this.#events.onDisconnect();
    if (this.#since === null) return;
    // Another socket continues without a hole if it existed before the last message that surely came in order.
    const covered = this.#latest - this.#options.disorderUs;
    if (this.#slots.some((other) => other.since !== undefined && other.since <= covered)) return;
    this.#since = null;
    this.#events.onGap(reason);
  }

  #complaintOf({ error }: Slot): string | undefined {
    const isRecent = error !== undefined && this.#options.clock.monotonic() - error.at <= complaintMs;
    return isRecent ? `ris_error: ${error.message}` : undefined;
  }

  /** The server explains why it is about to close, or rejects what we sent; a refused subscription is retried. */
  #serverError(slot: Slot, data: unknown): void {
    const fields: { message?: unknown; command_type?: unknown } = typeof data === 'object' && data !== null ? data : {};
    const message = typeof fields.message === 'string' ? fields.message.slice(0, 200) : 'unknown';
    slot.error = { message, at: this.#options.clock.monotonic() };
    this.#events.onServerError();
    this.#options.log.warn({ message }, 'RIS Live: ris_error');
    if (slot.since === undefined && fields.command_type !== 'ping') slot.socket.reset();
  }
}
