// The producers of one RESP connection, and DUMP's answer for them and for the client's earlier connections.
import { sleep } from '../../core/clock.js';
import type { Left } from '../../core/produce/left-records.js';
import type { ProducerSession } from '../../core/produce/producer-session.js';
import { all, own } from '../../core/promises.js';
import { fail } from '../../errors.js';
import type { Context } from '../command/context.js';
import type { SharedClients } from './shared-clients.js';

/** How often DUMP checks what closed connections still hold, in this process and in others, ms. */
const lookMs = 20;
const lookElsewhereMs = 100;
/** A connection younger than this asks all processes: they may not have reported entries of its client yet, ms. */
const youngMs = 2_000;
/** Records undelivered after this time are reported to the other processes, ms. */
const tellElsewhereMs = 500;

export class ConnectionProducers {
  readonly #gateway: SharedClients;
  readonly #ctx: Context;
  #queued: ProducerSession | undefined;
  #delivered: ProducerSession | undefined;
  /** The users that this connection has produced for: it may AUTH again. */
  readonly #owners = new Set<string>();
  /** The user of the last message. */
  #user: unknown;
  /** Losses of closed connections that DUMP has reported, by their id. */
  #reported = new Map<string, number>();
  #leaving: (() => void)[] | undefined;
  #closed = false;

  constructor(gateway: SharedClients, ctx: Context) {
    this.#gateway = gateway;
    this.#ctx = ctx;
  }

  /** For messages that are answered when they are queued. */
  get queued(): ProducerSession {
    if (this.#closed) throw fail('client-gone');
    if (this.#ctx.user !== this.#user) this.#own();
    this.#queued ??= this.#gateway.producer('queued', this.#client);
    return this.#queued;
  }

  /** For messages that are answered when they are delivered. */
  get delivered(): ProducerSession {
    if (this.#closed) throw fail('client-gone');
    if (this.#ctx.user !== this.#user) this.#own();
    this.#delivered ??= this.#gateway.producer('delivered', this.#client);
    return this.#delivered;
  }

  /** Messages that Kafka has not answered yet. */
  get inFlight(): number {
    return this.#all.reduce((sum, producer) => sum + producer.inFlight, 0);
  }

  /**
   * Waits at most timeoutMs until nothing is in flight, of this connection and of recently closed ones of the same user and
   * address. @returns messages that may still be in flight, and those that failed; for this connection since the last call.
   */
  dump(timeoutMs: number): number | Promise<number> {
    const producers = this.#all;
    if (producers.length === 0 && !this.#isLeft) return 0;
    return this.#dump(producers, timeoutMs);
  }

  /** Waits until nothing of this connection is in flight. @throws GatewayError `exec-aborted` after timeoutMs */
  async settle(timeoutMs: number): Promise<void> {
    const busy = this.#all.filter(({ inFlight }) => inFlight > 0);
    if (busy.length === 0) return;
    const left = await all(busy, (producer) => producer.flush(timeoutMs));
    if (left.some((count) => count > 0))
      throw fail('exec-aborted', 'earlier messages of this connection are not in Kafka yet');
  }

  /** The client sends no more: its next connection counts what this one holds. */
  leave(): void {
    const producers = this.#all;
    if (this.#leaving || producers.length === 0) return;
    const { leftRecords } = this.#gateway;
    this.#leaving = [...this.#owners].map((owner) => leftRecords.add(owner, producers));
  }

  /** Flushes and closes them. @returns messages that were not delivered. */
  async close(): Promise<number> {
    this.#closed = true;
    this.leave();
    const producers = this.#all;
    this.#queued = this.#delivered = undefined;
    if (producers.length === 0) return 0;
    const stop = this.#tellElsewhereLater(producers);
    const left = await Promise.all(producers.map((producer) => this.#gateway.closeProducer(producer)));
    stop();
    for (const left of this.#leaving ?? []) left();
    this.#leaving = undefined;
    this.#tellElsewhere();
    return left.reduce((sum, count) => sum + count, 0);
  }

  get #all(): ProducerSession[] {
    return [this.#queued, this.#delivered].filter((producer) => producer !== undefined);
  }

  /** A client that hung up during its DUMP does not read the answer. */
  readonly #isHeard = (): boolean => !this.#closed && this.#leaving === undefined;

  readonly #client = (): string => this.#ctx.name || this.#ctx.address;

  #own(): void {
    this.#user = this.#ctx.user;
    this.#owners.add(this.#owner);
  }

  /** The user at this address, on any port. */
  get #owner(): string {
    const { user, address } = this.#ctx;
    return `${user.name}\n${address.slice(0, address.lastIndexOf(':'))}`;
  }

  /** Whether closed connections may have left something. */
  get #isLeft(): boolean {
    return this.#gateway.leftRecords.has(this.#owner) || this.#isLeftElsewhere;
  }

  get #isLeftElsewhere(): boolean {
    const { siblings, leftRecords, clock } = this.#gateway;
    if (!siblings.exist) return false;
    return leftRecords.isElsewhere(this.#owner) || clock.now() - this.#ctx.status.createdAt < youngMs;
  }

  async #dump(producers: readonly ProducerSession[], timeoutMs: number): Promise<number> {
    const counts = all(producers, (producer) => producer.dump(timeoutMs, this.#isHeard));
    // If waiting fails, the counts are not needed.
    own(counts, () => {});
    const left = this.#isLeft ? await this.#awaitLeft(producers, timeoutMs) : [];
    let sum = 0;
    for (const count of await counts) sum += count;
    const reported = new Map<string, number>();
    for (const { id, held, lost } of left) {
      sum += held + Math.max(0, lost - (this.#reported.get(id) ?? 0));
      reported.set(id, lost);
    }
    this.#reported = reported;
    return sum;
  }

  /** What closed connections have left once they hold nothing more, or after timeoutMs. */
  async #awaitLeft(own: readonly ProducerSession[], timeoutMs: number): Promise<readonly Left[]> {
    const { leftRecords, siblings, clock } = this.#gateway;
    const owner = this.#owner;
    const deadline = clock.monotonic() + timeoutMs;
    const isElsewhere = this.#isLeftElsewhere;
    for (;;) {
      const elsewhere = isElsewhere ? await siblings.askAll('leftRecords', owner) : [];
      const left = [...leftRecords.of(owner, own), ...elsewhere.flat()];
      const wait = deadline - clock.monotonic();
      if (wait <= 0 || left.every(({ held }) => held === 0)) return left;
      await sleep(clock, Math.min(wait, isElsewhere ? lookElsewhereMs : lookMs));
    }
  }

  /** The client may connect to another process next. */
  #tellElsewhereLater(producers: readonly ProducerSession[]): () => void {
    const { siblings, clock } = this.#gateway;
    if (!siblings.exist) return () => {};
    return clock.after(tellElsewhereMs, () => {
      if (producers.some(({ inFlight, failed }) => inFlight + failed > 0)) this.#tellElsewhere();
    });
  }

  #tellElsewhere(): void {
    const { siblings, leftRecords } = this.#gateway;
    if (!siblings.exist) return;
    for (const owner of this.#owners)
      if (leftRecords.of(owner).length > 0) own(siblings.askAll('noteLeftRecords', owner), () => {});
  }
}
