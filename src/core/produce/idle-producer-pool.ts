// IdleProducerPool: clients that a session left with nothing in flight. The next session takes one instead of opening its own. See docs/decisions/0006.
import type { Clock, KafkaFactory, Producer, ProducerOptions } from '../ports.js';
import { own } from '../promises.js';

type Listener = Pick<ProducerOptions, 'onReport' | 'onFault'>;

export interface IdleProducerPoolOptions {
  readonly kafka: KafkaFactory;
  /** How all clients are opened. */
  readonly producerOptions: Omit<ProducerOptions, keyof Listener>;
  /** Maximum number of idle clients; 0: none is kept. */
  readonly limit: number;
  readonly clock: Clock;
}

/** Maximum age of a client in the pool, ms: librdkafka keeps asking for every topic that it has written to. */
const maxAgeMs = 300_000;

/** State of a client. */
interface Client {
  /** Receives its reports and faults; undefined: the client is idle. */
  owner: Listener | undefined;
  readonly openedAt: number;
  /** A delivery failed or a broker was lost: the next owner should open a new client. */
  hasFailed: boolean;
}

interface Spare {
  readonly producer: Producer;
  /** When it became idle, ms (monotonic). */
  readonly since: number;
}

/**
 * Opening a client takes four threads, two connections and six requests or so, about 10 ms of CPU here and in the broker together. Short-lived
 * connections would each pay that. A client has one owner at a time. One that had any failure is not kept: it remembers a missing topic or an
 * unavailable broker for longer than its owner cared.
 */
export class IdleProducerPool {
  readonly #options: IdleProducerPoolOptions;
  readonly #clients = new WeakMap<Producer, Client>();
  /** The most recent is last and is taken first, so that unneeded ones grow old. */
  readonly #spares: Spare[] = [];
  #closed = false;

  constructor(options: IdleProducerPoolOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#spares.length;
  }

  /** A client for one session. @throws KafkaError as KafkaFactory.producer(). */
  async producer(listener: Listener, timeoutMs: number): Promise<Producer> {
    const spare = this.#spares.pop();
    if (!spare) return this.#open(listener, timeoutMs);
    this.#clients.get(spare.producer)!.owner = listener;
    return spare.producer;
  }

  /** Takes back a client of producer() that has nothing in flight. @returns false if it is not wanted: close it. */
  keep(producer: Producer): boolean {
    const client = this.#clients.get(producer)!;
    const now = this.#options.clock.monotonic();
    if (this.#closed || client.hasFailed || now - client.openedAt > maxAgeMs) return false;
    if (this.#spares.length >= this.#options.limit) return false;
    client.owner = undefined;
    this.#spares.push({ producer, since: now });
    return true;
  }

  /** Closes clients that have been idle for idleMs. */
  closeIdle(idleMs: number): void {
    const before = this.#options.clock.monotonic() - idleMs;
    const firstYoung = this.#spares.findIndex(({ since }) => since > before);
    const idle = this.#spares.splice(0, firstYoung < 0 ? this.#spares.length : firstYoung);
    for (const { producer } of idle) closeAside(producer);
  }

  /** Closes the idle clients; clients that are returned from now on are not kept. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#spares.splice(0).map(({ producer }) => producer.close(0)));
  }

  async #open(owner: Listener, timeoutMs: number): Promise<Producer> {
    const { kafka, producerOptions, clock } = this.#options;
    const client: Client = { owner, openedAt: clock.monotonic(), hasFailed: false };
    const producer = await kafka.producer(
      {
        ...producerOptions,
        onReport: (report, tag) => {
          if (report.error) client.hasFailed = true;
          client.owner?.onReport(report, tag);
        },
        onFault: (fault) => {
          client.hasFailed = true;
          if (client.owner) client.owner.onFault?.(fault);
          else this.#drop(client);
        },
      },
      timeoutMs,
    );
    this.#clients.set(producer, client);
    return producer;
  }

  /** An idle client has lost its brokers, or failed for good. */
  #drop(client: Client): void {
    const index = this.#spares.findIndex(({ producer }) => this.#clients.get(producer) === client);
    const [spare] = index < 0 ? [] : this.#spares.splice(index, 1);
    if (spare) closeAside(spare.producer);
  }
}

/** By contract it never rejects; if it did, an unowned client would be lost. */
function closeAside(producer: Producer): void {
  own(producer.close(0), () => {});
}
