// The Kafka side of one RESP connection: its producer and consumer, opened on first use, closed with it.
import { clientProperties } from '../../core/consume/client-properties.js';
import type { ConsumerSession } from '../../core/consume/consumer-session.js';
import { checkGroupName } from '../../core/group-name.js';
import { KafkaError } from '../../core/ports.js';
import type { ProducerSession } from '../../core/produce/producer-session.js';
import { ConnectionCursors } from '../../core/streams/cursors.js';
import { fail, GatewayError } from '../../errors.js';
import { identityKey } from '../clients/identity.js';
import type { Acknowledger, ConnectionStreams, Context, Sessions } from '../command/context.js';
import { type ConsumeKey, type ProduceKey, parseConsumeKeys, parseProduceKey } from '../keys/produce-key.js';
import { StreamsOfConnection } from '../streams/connection-streams.js';
import { ConnectionProducers } from './connection-producers.js';
import type { SharedClients } from './shared-clients.js';

/** Pause before a refused consumer is tried again, ms: clients that keep asking do so at once. */
const refusedMs = 1_000;
/** Up to this length byte by byte is faster. */
const shortBytes = 64;

export class ConnectionSessions implements Sessions {
  readonly #gateway: SharedClients;
  readonly #ctx: Context;
  #producers: ConnectionProducers | undefined;
  #lastPop: { readonly bytes: Buffer; readonly parsed: ConsumeKey } | undefined;
  #lastKey: { readonly bytes: Buffer; readonly parsed: ProduceKey } | undefined;
  #consumer: ConsumerSession | undefined;
  #opening: Promise<unknown> | undefined;
  #left: Promise<void> | undefined;
  /** When a consumer was last refused. */
  #refusedAt = Number.NEGATIVE_INFINITY;
  #saidUnit: string | undefined;
  #streams: ConnectionStreams | undefined;
  /** Outlives RESET: what was read stays read. */
  #cursors: ConnectionCursors | undefined;
  /** Closed: commands that still run open nothing, because nothing would close it. */
  #closed = false;

  constructor(gateway: SharedClients, ctx: Context) {
    this.#gateway = gateway;
    this.#ctx = ctx;
  }

  produceKey(bytes: Buffer): ProduceKey {
    if (this.#lastKey && sameBytes(this.#lastKey.bytes, bytes)) return this.#lastKey.parsed;
    const parsed = parseProduceKey(bytes);
    // A record's key is different each time.
    if (parsed.key === null) this.#lastKey = { bytes: Buffer.from(bytes), parsed };
    return parsed;
  }

  consumeKey(keys: readonly Buffer[]): ConsumeKey {
    const { allowInternalTopics } = this.#gateway.settings;
    if (keys.length !== 1) return parseConsumeKeys(keys, allowInternalTopics);
    const bytes = keys[0]!;
    if (!this.#lastPop || !sameBytes(this.#lastPop.bytes, bytes)) {
      this.#lastPop = { parsed: parseConsumeKeys(keys, allowInternalTopics), bytes: Buffer.from(bytes) };
    }
    return this.#lastPop!.parsed;
  }

  producer(): ProducerSession {
    return this.#connectionProducers.queued;
  }

  deliveringProducer(): ProducerSession {
    return this.#connectionProducers.delivered;
  }

  get inFlight(): number {
    return this.#producers?.inFlight ?? 0;
  }

  async settle(timeoutMs: number): Promise<void> {
    await this.#producers?.settle(timeoutMs);
  }

  dump(timeoutMs: number): number | Promise<number> {
    return this.#connectionProducers.dump(timeoutMs);
  }

  leave(): void {
    this.#producers?.leave();
  }

  get streams(): ConnectionStreams {
    if (this.#closed) throw fail('client-gone');
    this.#cursors ??= new ConnectionCursors(this.#gateway.streams.cursors);
    this.#streams ??= new StreamsOfConnection(this.#ctx, this.#cursors);
    return this.#streams;
  }

  leaveStreams(): void {
    this.#streams?.close();
    this.#streams = undefined;
  }

  get isSubscribed(): boolean {
    return this.#streams !== undefined && this.#streams.subscriptions.count > 0;
  }

  /** The consumer, for acks under the same name. */
  get consumer(): ConsumerSession | undefined {
    return this.#consumer;
  }

  get isConsuming(): boolean {
    return this.#consumer !== undefined || this.#opening !== undefined;
  }

  get isForbidden(): boolean {
    const { user, name } = this.#ctx;
    try {
      if (this.#consumer) user.checkConsume(groupOf(name), this.#consumer.topics);
      this.#streams?.subscriptions.recheck();
      return false;
    } catch (error) {
      if (error instanceof GatewayError) return true;
      throw error;
    }
  }

  noteTimeoutUnit(unit: 's' | 'ms'): void {
    if (this.#saidUnit === unit) return;
    this.#saidUnit = unit;
    this.#ctx.log.info({ conn: this.#ctx.id, client: this.#ctx.name, unit }, 'BLPOP time-out unit');
  }

  openConsumer(wanted: ConsumeKey): ConsumerSession | undefined {
    const { signal, name } = this.#ctx;
    if (signal.aborted) throw signal.reason;
    if (!name.includes(':')) throw fail('not-identified');
    if (this.#consumer?.isOver) this.#leave(this.#consumer);
    if (this.#consumer && !sameTopics(this.#consumer.topics, wanted.topics)) {
      throw fail('topics-differ', name, consumerId(name, this.#consumer.topics), consumerId(name, wanted.topics));
    }
    return this.#consumer;
  }

  async makeConsumer(wanted: ConsumeKey, timeoutMs: number): Promise<ConsumerSession | undefined> {
    if (this.#closed) throw fail('client-gone');
    // Read before others are asked: CLIENT UNBLOCK ends this wait.
    const { name, user, signal } = this.#ctx;
    checkGroupName(groupOf(name));
    user.checkConsume(groupOf(name), wanted.topics);
    const claimed = this.#gateway.identities.claim(name, user.name, this);
    try {
      const open = (): Promise<void> => this.#open(wanted, timeoutMs, signal);
      this.#opening = claimed ? claimed.then(open) : open();
      await this.#opening;
      // The user's rights may have changed meanwhile.
      if (this.isForbidden) await this.closeConsumer();
      user.checkConsume(groupOf(name), wanted.topics);
    } finally {
      this.#opening = undefined;
      if (!this.#consumer) this.#gateway.identities.release(this);
    }
    return this.#consumer;
  }

  acknowledger(): Acknowledger {
    if (this.#consumer) return this.#consumer;
    const { name, user, address } = this.#ctx;
    const { identities, siblings } = this.#gateway;
    const key = identityKey(name, user.name);
    const session = identities.owner(key)?.consumer;
    if (session) return session;
    if (!siblings.exist || !name.includes(':')) throw fail('ack-no-consumer', name || address);
    return { ack: (topic, partition, offset) => this.#ackElsewhere(key, topic, partition, offset) };
  }

  async closeConsumer(): Promise<void> {
    this.#gateway.identities.release(this);
    await this.#opening?.catch(() => {});
    const session = this.#consumer;
    this.#consumer = undefined;
    if (session) await this.#gateway.closeConsumer(session);
    await this.#left;
  }

  /** The consumer has failed: the next one opens when it has left. */
  #leave(session: ConsumerSession): void {
    this.#consumer = undefined;
    this.#left = this.#gateway.closeConsumer(session);
    this.#refusedAt = performance.now();
  }

  async close(): Promise<number> {
    this.#closed = true;
    this.#streams?.close();
    const [left] = await Promise.all([this.#producers?.close() ?? 0, this.closeConsumer()]);
    return left;
  }

  get #connectionProducers(): ConnectionProducers {
    if (this.#closed) throw fail('client-gone');
    this.#producers ??= new ConnectionProducers(this.#gateway, this.#ctx);
    return this.#producers;
  }

  async #ackElsewhere(key: string, topic: string, partition: number, offset: number): Promise<void> {
    const taken = await this.#gateway.siblings.askHolder(key, 'ack', key, topic, partition, offset);
    if (!taken) throw fail('ack-no-consumer', this.#ctx.name);
  }

  async #open(wanted: ConsumeKey, timeoutMs: number, signal: AbortSignal): Promise<void> {
    // The connection closed while others were asked for its name.
    if (this.#closed) throw fail('client-gone');
    const { name, log, id: conn } = this.#ctx;
    const { topics } = wanted;
    const consumer = consumerId(name, topics);
    const { maxPrefetchBytes } = this.#gateway.settings;
    const { properties, corrected } = clientProperties(wanted.properties, maxPrefetchBytes, consumer, name);
    if (corrected.length > 0) log.warn({ conn, client: name, corrected }, 'consumer settings corrected');
    // Members with equal client ids make cooperative assignors spin, so the connection's number is part of it. See docs/decisions/0003.
    const group = groupOf(name);
    const member = {
      id: name,
      groupId: group,
      clientId: `${name.slice(group.length + 1)}#${conn}`,
      topics,
      properties,
      delayMs: Math.max(0, this.#refusedAt + refusedMs - performance.now()),
    };
    try {
      await this.#left;
      this.#consumer = await this.#gateway.consumers.open(member, timeoutMs, signal);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'poll-failed') this.#refusedAt = performance.now();
      if (!(error instanceof KafkaError)) throw error;
      throw new GatewayError('consumer-refused', [consumer, name, error.message], { cause: error });
    }
  }
}

/** The part of `<group.id>:<name>` before the first colon. */
const groupOf = (name: string): string => name.slice(0, name.indexOf(':'));

const consumerId = (name: string, topics: readonly string[]): string => `${name}|${topics.join(',')}`;

function sameTopics(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  if (a.length === 1) return a[0] === b[0];
  const all = new Set(a);
  return b.every((topic) => all.has(topic));
}

/** As Buffer.equals(), whose call into the runtime costs more than comparing a short key. */
function sameBytes(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false;
  if (a.length > shortBytes) return a.equals(b);
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
