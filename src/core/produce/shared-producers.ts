// SharedProducers: a few clients for many sessions. Each session sees a Producer of its own, with reports of its own records only.
import {
  type DeliveryReport,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type Producer,
  type ProducerOptions,
  type ProducerRecord,
  type Properties,
} from '../ports.js';

type Listener = Pick<ProducerOptions, 'onReport' | 'onFault'>;

/** Carried with a record through the shared client: its session, and that session's own tag. */
interface Tag {
  readonly share: Share;
  readonly tag: unknown;
}

/** One client and the sessions that share it. */
interface Slot {
  readonly producer: Producer;
  readonly shares: Set<Share>;
}

/** At most `count` clients, opened on demand and closed together. */
export class SharedProducers {
  readonly #kafka: KafkaFactory;
  readonly #properties: Properties;
  readonly #slots: (Promise<Slot> | undefined)[];
  #next = 0;

  /** @param properties override the cluster's producer section */
  constructor(kafka: KafkaFactory, count: number, properties: Properties = {}) {
    this.#kafka = kafka;
    this.#properties = properties;
    this.#slots = Array.from({ length: count });
  }

  /** A session's share of the next client in turn. @throws KafkaError as KafkaFactory.producer(). */
  async producer(listener: Listener, timeoutMs: number): Promise<Producer> {
    const index = this.#next;
    this.#next = (index + 1) % this.#slots.length;
    const slot = await this.#slot(index, timeoutMs);
    const share = new Share(slot, listener);
    slot.shares.add(share);
    return share;
  }

  /** Closes the clients; the sessions have flushed theirs before. */
  async close(timeoutMs: number): Promise<void> {
    const slots = this.#slots.map((slot) => slot?.catch(() => undefined));
    this.#slots.fill(undefined);
    await Promise.all(slots.map(async (slot) => (await slot)?.producer.close(timeoutMs)));
  }

  #slot(index: number, timeoutMs: number): Promise<Slot> {
    const slot = this.#slots[index] ?? this.#openSlot(index, timeoutMs);
    this.#slots[index] = slot;
    return slot;
  }

  async #openSlot(index: number, timeoutMs: number): Promise<Slot> {
    const shares = new Set<Share>();
    try {
      const producer = await this.#kafka.producer(
        {
          reports: 'all',
          properties: this.#properties,
          onReport: (report, tag) => (tag as Tag).share.report(report, (tag as Tag).tag),
          onFault: (fault) => {
            // No longer usable: the next session gets a new one; each session replaces its own share.
            if (fault.fatal) this.#slots[index] = undefined;
            for (const share of [...shares]) share.listener.onFault?.(fault);
          },
        },
        timeoutMs,
      );
      return { producer, shares };
    } catch (error) {
      this.#slots[index] = undefined;
      throw error;
    }
  }
}

/** One session's view of a shared client. */
class Share implements Producer {
  readonly listener: Listener;
  readonly #slot: Slot;
  /** For records without a tag: nothing is allocated for them. */
  readonly #untagged: Tag = { share: this, tag: undefined };
  #inFlight = 0;

  constructor(slot: Slot, listener: Listener) {
    this.#slot = slot;
    this.listener = listener;
  }

  produce(record: ProducerRecord, tag?: unknown): void {
    this.#slot.producer.produce(record, tag === undefined ? this.#untagged : { share: this, tag });
    this.#inFlight += 1;
  }

  report(report: DeliveryReport, tag: unknown): void {
    this.#inFlight -= 1;
    this.listener.onReport(report, tag);
  }

  get pending(): number {
    return this.#inFlight;
  }

  /** Other sessions use the client too: it keeps its records. */
  async purge(): Promise<boolean> {
    return false;
  }

  /** Waits for the whole client, but answers for this session's records only. */
  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#inFlight > 0) await this.#slot.producer.flush(timeoutMs);
    return this.#inFlight === 0;
  }

  async close(): Promise<void> {
    this.#slot.shares.delete(this);
  }

  initTransactions = transactional;
  sendOffsets = transactional;
  beginTransaction = transactional;
  commitTransaction = transactional;
  abortTransaction = transactional;
}

async function transactional(): Promise<never> {
  const message = 'a shared producer has no transactions';
  throw new KafkaError({ code: KafkaCode.state, message, fatal: false, retriable: false, abortable: false });
}
