// SpareProducers: clients that a session has left with nothing in flight. The next session takes one instead of opening its own.
import type { Clock, KafkaFactory, Producer, ProducerOptions } from './ports.js';

type Listener = Pick<ProducerOptions, 'onReport' | 'onFault'>;

export interface SpareProducersOptions {
  readonly kafka: KafkaFactory;
  /** How all of them are opened. */
  readonly opening: Omit<ProducerOptions, keyof Listener>;
  /** Spare ones at a time; 0: none is kept. */
  readonly most: number;
  readonly clock: Clock;
}

interface Spare {
  readonly producer: Producer;
  /** When it was left, ms (monotonic). */
  readonly since: number;
}

/**
 * To open a client takes four threads, two connections and half a dozen requests, some 10 ms of CPU here and in the broker together: what clients that
 * come, produce and go would pay each time. A client has one owner at a time; who takes a spare one finds nothing of its last owner's in it.
 */
export class SpareProducers {
  readonly #options: SpareProducersOptions;
  /** Whose reports and faults a client's are; absent: nobody's, it is spare. */
  readonly #listeners = new WeakMap<Producer, Listener>();
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
    this.#listeners.set(spare.producer, listener);
    return spare.producer;
  }

  /** Takes back a client of producer() that has nothing in flight. @returns false when it is not wanted: it is to be closed. */
  keep(producer: Producer): boolean {
    this.#listeners.delete(producer);
    if (this.#closed || this.#spares.length >= this.#options.most) return false;
    this.#spares.push({ producer, since: this.#options.clock.monotonic() });
    return true;
  }

  /** Closes those that nobody has taken for idleMs. */
  closeIdle(idleMs: number): void {
    const before = this.#options.clock.monotonic() - idleMs;
    const firstYoung = this.#spares.findIndex(({ since }) => since > before);
    const idle = this.#spares.splice(0, firstYoung < 0 ? this.#spares.length : firstYoung);
    for (const { producer } of idle) void producer.close(0);
  }

  /** Closes the spare ones; what is given back from now on is not kept. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#spares.splice(0).map(({ producer }) => producer.close(0)));
  }

  async #open(listener: Listener, timeoutMs: number): Promise<Producer> {
    const { kafka, opening } = this.#options;
    let producer: Producer | undefined;
    const owner = (): Listener | undefined => (producer ? this.#listeners.get(producer) : listener);
    producer = await kafka.producer(
      {
        ...opening,
        onReport: (report, tag) => owner()?.onReport(report, tag),
        onFault: (fault) => {
          const its = owner();
          if (its) its.onFault?.(fault);
          else if (producer) this.#drop(producer);
        },
      },
      timeoutMs,
    );
    this.#listeners.set(producer, listener);
    return producer;
  }

  /** A spare client has lost its brokers, or failed for good: whoever comes next had better see for itself. */
  #drop(producer: Producer): void {
    const index = this.#spares.findIndex((spare) => spare.producer === producer);
    if (index < 0) return;
    this.#spares.splice(index, 1);
    void producer.close(0);
  }
}
