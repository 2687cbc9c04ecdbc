// SpareProducers: clients that a session has left with nothing in flight. The next session takes one instead of opening its own.
import type { Clock, KafkaFactory, Producer, ProducerOptions } from '../ports.js';
import { own } from '../promises.js';

type Listener = Pick<ProducerOptions, 'onReport' | 'onFault'>;

export interface SpareProducersOptions {
  readonly kafka: KafkaFactory;
  /** How all of them are opened. */
  readonly producerOptions: Omit<ProducerOptions, keyof Listener>;
  /** Spare ones at a time; 0: none is kept. */
  readonly limit: number;
  readonly clock: Clock;
}

/** How old a client may be to be kept, ms: librdkafka keeps every topic that it has written to, and asks for it again and again. */
const maxAgeMs = 300_000;

/** What is known of a client. */
interface Client {
  /** Whose reports and faults are its; undefined: it is spare. */
  owner: Listener | undefined;
  readonly openedAt: number;
  /** A delivery failed, or a broker was lost: the next owner had better open one, and see for itself. */
  hasFailed: boolean;
}

interface Spare {
  readonly producer: Producer;
  /** When it was left, ms (monotonic). */
  readonly since: number;
}

/**
 * To open a client takes four threads, two connections and half a dozen requests, some 10 ms of CPU here and in the broker together: what clients that
 * come, produce and go would pay each time. A client has one owner at a time, and one with which anything has failed is not kept: it knows of a missing
 * topic, or of a broker that is away, for longer than its owner cared.
 */
export class SpareProducers {
  readonly #options: SpareProducersOptions;
  readonly #clients = new WeakMap<Producer, Client>();
  /** The one that was left last is at the end, and is taken first: those that are not needed grow old. */
  readonly #spares: Spare[] = [];
  #closed = false;

  constructor(options: SpareProducersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#spares.length;
  }

  /** A client of its own for one session. @throws KafkaError as KafkaFactory.producer(). */
  async producer(listener: Listener, timeoutMs: number): Promise<Producer> {
    const spare = this.#spares.pop();
    if (!spare) return this.#open(listener, timeoutMs);
    this.#clients.get(spare.producer)!.owner = listener;
    return spare.producer;
  }

  /** Takes back a client of producer() that has nothing in flight. @returns false when it is not wanted: it is to be closed. */
  keep(producer: Producer): boolean {
    const client = this.#clients.get(producer)!;
    const now = this.#options.clock.monotonic();
    if (this.#closed || client.hasFailed || now - client.openedAt > maxAgeMs) return false;
    if (this.#spares.length >= this.#options.limit) return false;
    client.owner = undefined;
    this.#spares.push({ producer, since: now });
    return true;
  }

  /** Closes those that nobody has taken for idleMs. */
  closeIdle(idleMs: number): void {
    const before = this.#options.clock.monotonic() - idleMs;
    const firstYoung = this.#spares.findIndex(({ since }) => since > before);
    const idle = this.#spares.splice(0, firstYoung < 0 ? this.#spares.length : firstYoung);
    for (const { producer } of idle) closeAside(producer);
  }

  /** Closes the spare ones; what is given back from now on is not kept. */
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

  /** A spare client has lost its brokers, or failed for good. */
  #drop(client: Client): void {
    const index = this.#spares.findIndex(({ producer }) => this.#clients.get(producer) === client);
    const [spare] = index < 0 ? [] : this.#spares.splice(index, 1);
    if (spare) closeAside(spare.producer);
  }
}

/** By its contract it never rejects; were it to, a client that is nobody's would be lost. */
function closeAside(producer: Producer): void {
  own(producer.close(0), () => {});
}
