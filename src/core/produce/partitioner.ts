// Where the gateway itself chooses a record's partition: round robin, and away from partitions without a leader.
import { within } from '../clock.js';
import type { Clock, ProducerRecord, TopicMetadata } from '../ports.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';

/** Interval at which records without a key make the cluster be checked for partitions without a leader, ms. */
const lookEveryMs = 5_000;
/** How long each record is checked after such a partition was seen or brokers were lost, ms. */
const troubleMs = 30_000;
/** Time limit of a check, ms. */
const lookMs = 1_000;

/** librdkafka has no round robin, and tries only twice to avoid a partition without a leader. */
export class Partitioner {
  readonly #catalog: TopicCatalog;
  readonly #clock: Clock;
  readonly #roundRobin: boolean;
  /** Topic -> partition of the next record. */
  readonly #turns = new Map<string, number>();
  #troubledUntil = Number.NEGATIVE_INFINITY;
  #nextLook = Number.NEGATIVE_INFINITY;

  /** @param roundRobin partitions in turn per topic, instead of by key. */
  constructor(catalog: TopicCatalog, clock: Clock, roundRobin: boolean) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#roundRobin = roundRobin;
  }

  /** The client reports broker errors: partitions may be without a leader. */
  brokersMissing(): void {
    this.#troubledUntil = this.#clock.monotonic() + troubleMs;
  }

  /** Whether place() must be called; otherwise librdkafka's choice is right. */
  isNeeded({ key, partition }: ProducerRecord): boolean {
    if (partition !== undefined) return false;
    if (this.#roundRobin) return true;
    if (key !== null) return false;
    const now = this.#clock.monotonic();
    return now < this.#troubledUntil || now >= this.#nextLook;
  }

  /** The record with a partition that has a leader; unchanged if the cluster does not answer. */
  async place(record: ProducerRecord): Promise<ProducerRecord> {
    const topics = await this.#look();
    const writable = topics?.get(record.topic)?.partitions.filter(({ leader }) => leader >= 0) ?? [];
    if (writable.length === 0) return record;
    const place = this.#roundRobin ? this.#turn(record.topic) : Math.floor(Math.random() * writable.length);
    return { ...record, partition: writable[place % writable.length]!.partition };
  }

  async #look(): Promise<ReadonlyMap<string, TopicMetadata> | undefined> {
    const now = this.#clock.monotonic();
    const isDue = now >= this.#nextLook;
    if (isDue) this.#nextLook = now + lookEveryMs;
    const asked = this.#catalog.all().catch(() => undefined);
    const topics = await within(this.#clock, lookMs, asked);
    if (isDue && topics && [...topics.values()].some(lacksLeader)) this.brokersMissing();
    return topics;
  }

  #turn(topic: string): number {
    const turn = this.#turns.get(topic) ?? 0;
    this.#turns.set(topic, turn + 1);
    return turn;
  }
}

const lacksLeader = ({ partitions }: TopicMetadata): boolean => partitions.some(({ leader }) => leader < 0);
