// TopicGate: what goes to Kafka at all. A topic that Kafka refuses is held back alone and tried again; records of other topics go on.
import {
  type Admin,
  type Clock,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type ProducerRecord,
} from '../../core/ports.js';
import { all } from '../../core/promises.js';
import type { Log } from '../../log.js';
import { type RefusalReason, reasonOf } from './refusals.js';
import { TopicLimits } from './topic-limits.js';

export interface TopicGateOptions {
  readonly admin: Admin;
  readonly clock: Clock;
  readonly log: Log;
  /** How missing topics are made; absent values are the broker's defaults. */
  readonly topics: {
    readonly create: boolean;
    readonly partitions?: number | undefined;
    readonly replicationFactor?: number | undefined;
    readonly config?: Readonly<Record<string, string>> | undefined;
  };
  /** Whether records carry headers. */
  readonly headers: boolean;
  /** The producer's. */
  readonly compression: string;
  /** Records that will not be in Kafka. */
  readonly onRefused: (reason: RefusalReason, records: number) => void;
  /** Topics that go on behind something that is missing. */
  readonly onMarked: (topics: number) => void;
}

/** One topic that Kafka refuses. */
interface Held {
  readonly fault: KafkaFault;
  /** When it is tried again, ms of the steady clock. */
  tryAt: number;
  waitMs: number;
}

interface Suspects {
  readonly topics: readonly string[];
  readonly probing: readonly string[];
  readonly fault: KafkaFault;
}

/** The first and the longest wait before a refused topic is tried again, ms. */
const retryMinMs = 2_000;
const retryMaxMs = 60_000;
/** Kafka 4 refuses times more than an hour ahead; its clock is not ours. */
const mostAheadMs = 3_590_000;
/** Topics made at a time. */
const makeAtOnce = 8;

/** One collector's; it outlives terms. */
export class TopicGate {
  readonly #options: TopicGateOptions;
  readonly #limits: TopicLimits;
  #leadership = '';
  readonly #known = new Set<string>();
  /** Topics that took a record in a committed transaction. */
  readonly #proved = new Set<string>();
  readonly #held = new Map<string, Held>();
  /** The wait of topics that are being tried again. */
  readonly #waits = new Map<string, number>();
  /** Topics that lost records and go on: what is missing has to be marked. */
  readonly #lost = new Set<string>();
  /** Those of them whose marks are in a batch that is not committed yet. */
  readonly #marking = new Set<string>();
  /** Topics whose broker takes no times but its own. */
  readonly #ownTime = new Set<string>();
  /** The largest record that is worth a try, by topic, and until when this is believed. */
  readonly #sizes = new Map<string, { bytes: number; until: number }>();
  /** One of these topics is refused; of some of them it is being found out whether it is among them. */
  #suspects: Suspects | undefined;

  constructor(options: TopicGateOptions) {
    this.#options = options;
    this.#limits = new TopicLimits(options);
  }

  /**
   * A term begins. Others may have led since the last one under another name, and the topics may take records by now: what was refused
   * then holds nothing back. What is missing in them says {@link restore}.
   */
  lead(leadership: string): void {
    if (leadership === this.#leadership) return;
    this.#leadership = leadership;
    for (const topic of this.#held.keys()) this.#proved.delete(topic);
    this.#held.clear();
    this.#waits.clear();
    this.#sizes.clear();
    this.#suspects = undefined;
  }

  /** No batch of several records may be larger, bytes; undefined: what the client makes is small enough. */
  get batchBytes(): number | undefined {
    return this.#limits.batchBytes;
  }

  /**
   * Topics in which something is missing and that go on now: their peers are to be marked. One refused topic at a time is tried again,
   * with the batch that has its marks: {@link admit} gets the number of that batch.
   */
  takeMarks(): ReadonlySet<string> {
    if (this.#lost.size === 0 && this.#held.size === 0) return none;
    const marks = new Set(this.#lost);
    for (const topic of marks) this.#marking.add(topic);
    this.#lost.clear();
    const now = this.#options.clock.monotonic();
    for (const [topic, held] of this.#held) {
      if (held.tryAt > now || this.#suspects) continue;
      // Asked for again if that batch is never sent, because its term ends.
      held.tryAt = now + held.waitMs;
      marks.add(topic);
      break;
    }
    return marks;
  }

  /**
   * Makes topics that are missing, and learns what those that were not seen before take.
   * @param marked topics of {@link takeMarks} whose marks are among the records
   * @throws KafkaError
   */
  async makeReady(records: readonly ProducerRecord[], marked: ReadonlySet<string> = none): Promise<void> {
    for (const topic of marked) this.#tryAgain(topic);
    await this.#makeMissing(records);
    this.#limits.refresh();
  }

  /** {@link makeReady}, then {@link select}. */
  async admit(records: readonly ProducerRecord[], marked?: ReadonlySet<string>): Promise<ProducerRecord[]> {
    await this.makeReady(records, marked);
    return this.select(records);
  }

  /** The records that Kafka should take, with times that it takes. */
  select(records: readonly ProducerRecord[]): ProducerRecord[] {
    const now = this.#options.clock.now();
    const steady = this.#options.clock.monotonic();
    return this.#keep(records, (record) => {
      const held = this.#held.get(record.topic);
      if (held) return held.fault;
      const size = this.#sizes.get(record.topic);
      if (size && size.until > steady && bytesOf(record) > size.bytes) return tooLarge;
      if (!this.#limits.cannotFit(record)) return undefined;
      this.#limits.sayDropped(record);
      return overLimit;
    }).map((record) => this.#inTime(record, now));
  }

  #tryAgain(topic: string): void {
    const held = this.#held.get(topic);
    if (!held) return;
    this.#held.delete(topic);
    this.#proved.delete(topic);
    this.#waits.set(topic, held.waitMs);
  }

  /** Topics in which something is missing without a mark once a batch with the marks of `marked` is committed. */
  unmarked(marked: ReadonlySet<string>): Set<string> {
    const elsewhere = [...this.#marking].filter((topic) => !marked.has(topic));
    return new Set([...this.#lost, ...this.#held.keys(), ...elsewhere]);
  }

  /** A term begins: these topics lack records, and no other. */
  restore(unmarked: readonly string[]): void {
    this.#marking.clear();
    this.#lost.clear();
    for (const topic of unmarked) if (!this.#held.has(topic)) this.#lost.add(topic);
  }

  /** A transaction with these records was committed, the marks of these topics among them. */
  committed(records: readonly ProducerRecord[], marked: ReadonlySet<string> = none): void {
    for (const topic of marked) if (this.#marking.delete(topic)) this.#options.onMarked(1);
    for (const { topic } of records) {
      if (this.#proved.has(topic)) continue;
      this.#proved.add(topic);
      if (!this.#waits.delete(topic)) continue;
      this.#options.onMarked(1);
      this.#options.log.info({ topic }, 'Kafka accepts this topic again');
    }
  }

  /** Nothing of this topic is sent before it is tried again. */
  hold(topic: string, fault: KafkaFault): void {
    const waitMs = Math.min(retryMaxMs, (this.#waits.get(topic) ?? retryMinMs / 2) * 2);
    this.#waits.delete(topic);
    this.#known.delete(topic);
    this.#held.set(topic, { fault, waitMs, tryAt: this.#options.clock.monotonic() + waitMs });
    this.#options.log.error(
      { topic, reason: fault.message, retryMs: waitMs },
      'Kafka refuses a topic: its messages are dropped and counted until it is tried again',
    );
  }

  /** @returns false when that was done before: the time is not what is wrong with it */
  useOwnTime(topic: string): boolean {
    if (this.#ownTime.has(topic)) return false;
    this.#ownTime.add(topic);
    return true;
  }

  /**
   * Reads a topic's limit again, because Kafka refused the size of one of these records of it.
   * @returns whether some of them cannot fit: then it is known which, and {@link select} leaves them out
   */
  async learnAgain(topic: string, records: readonly ProducerRecord[]): Promise<boolean> {
    await this.#limits.learn([topic]);
    return records.some((record) => this.#limits.cannotFit(record));
  }

  /** Takes out records that Kafka refuses one by one; their peers are marked. */
  without(records: readonly ProducerRecord[], refused: ReadonlyMap<ProducerRecord, KafkaFault>): ProducerRecord[] {
    const until = this.#options.clock.monotonic() + retryMaxMs;
    for (const [record, fault] of refused) {
      const { topic } = record;
      this.#lost.add(topic);
      if (reasonOf(fault) === 'size') {
        const bytes = Math.min(bytesOf(record) - 1, this.#sizes.get(topic)?.bytes ?? Number.POSITIVE_INFINITY);
        this.#sizes.set(topic, { bytes, until });
      }
      this.#options.log.error(
        { topic, reason: fault.message, bytes: bytesOf(record) },
        'Kafka refuses a record: it is dropped',
      );
    }
    return this.#keep(records, (record) => refused.get(record) ?? this.#held.get(record.topic)?.fault);
  }

  /** One of these topics is refused, and Kafka does not say which: those that never took anything are probed first. */
  suspect(records: readonly ProducerRecord[], fault: KafkaFault): void {
    const topics = [...new Set(records.map(({ topic }) => topic))];
    const unproved = topics.filter((topic) => !this.#proved.has(topic));
    const probing = unproved.length > 0 ? unproved : firstHalf(topics);
    this.#suspects = topics.length > 0 ? { topics, probing, fault } : undefined;
  }

  /** Topics to try with a transaction that is aborted; undefined: nothing has to be found out. */
  get toProbe(): readonly string[] | undefined {
    return this.#suspects?.probing;
  }

  /** The result of {@link toProbe}. A topic is held only when it was refused by itself. */
  probed(isRefused: boolean): void {
    const { topics, probing, fault } = this.#suspects!;
    this.#suspects = undefined;
    if (isRefused && probing.length === 1) {
      this.hold(probing[0]!, fault);
      return;
    }
    const left = isRefused ? probing : topics.filter((topic) => !probing.includes(topic));
    if (left.length > 0) this.#suspects = { topics: left, probing: firstHalf(left), fault };
  }

  #keep(records: readonly ProducerRecord[], why: (record: ProducerRecord) => KafkaFault | undefined): ProducerRecord[] {
    const refused = new Map<RefusalReason, number>();
    const kept = records.filter((record) => {
      const fault = why(record);
      if (!fault) return true;
      if (!this.#held.has(record.topic)) this.#lost.add(record.topic);
      refused.set(reasonOf(fault), (refused.get(reasonOf(fault)) ?? 0) + 1);
      return false;
    });
    for (const [reason, count] of refused) this.#options.onRefused(reason, count);
    return kept;
  }

  /** A time that Kafka would refuse stands in a header instead. */
  #inTime(record: ProducerRecord, now: number): ProducerRecord {
    const { timestamp, headers } = record;
    if (timestamp === undefined) return record;
    const ownTime = this.#ownTime.has(record.topic);
    if (!ownTime && timestamp - now <= mostAheadMs) return record;
    const time = { ...record, timestamp: Math.floor(now) };
    if (!this.#options.headers) return time;
    return { ...time, headers: [...(headers ?? []), { key: 'ris-time', value: Buffer.from(String(timestamp)) }] };
  }

  async #makeMissing(records: readonly ProducerRecord[]): Promise<void> {
    const isNew = (topic: string): boolean => !this.#known.has(topic) && !this.#held.has(topic);
    const wanted = new Set(records.map(({ topic }) => topic).filter(isNew));
    if (wanted.size === 0) return;
    const unseen = [...wanted];
    for (const { name } of await this.#options.admin.topics([...wanted])) {
      this.#known.add(name);
      wanted.delete(name);
    }
    const missing = [...wanted];
    for (let from = 0; from < missing.length; from += makeAtOnce)
      await all(missing.slice(from, from + makeAtOnce), (topic) => this.#make(topic));
    await this.#limits.learn(unseen.filter((topic) => this.#known.has(topic)));
  }

  /** @throws KafkaError where it may work a moment later */
  async #make(topic: string): Promise<void> {
    const { create, partitions = -1, replicationFactor, config } = this.#options.topics;
    // Brokers that make topics themselves do so when the first record comes.
    if (!create) return;
    try {
      await this.#options.admin.createTopic({
        name: topic,
        partitions,
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        ...(config === undefined ? {} : { config }),
      });
      this.#options.log.info({ topic }, 'Created a topic');
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (error.code !== KafkaCode.topicExists) {
        if (error.retriable || error.code === KafkaCode.timedOut || error.code === KafkaCode.transport) throw error;
        this.hold(topic, { ...faultOf(error), message: `it is missing and cannot be made: ${error.message}` });
        return;
      }
    }
    this.#known.add(topic);
  }
}

const firstHalf = (topics: readonly string[]): readonly string[] => topics.slice(0, Math.max(1, topics.length >> 1));
const none: ReadonlySet<string> = new Set();

const faultOf = ({ code, message, fatal, retriable, abortable }: KafkaFault): KafkaFault => ({
  code,
  message,
  fatal,
  retriable,
  abortable,
});

const bytesOf = ({ key, value }: ProducerRecord): number => (key?.length ?? 0) + (value?.length ?? 0);

const sizeFault = (message: string): KafkaFault => ({
  code: KafkaCode.messageTooLarge,
  message,
  fatal: false,
  retriable: false,
  abortable: false,
});
const tooLarge = sizeFault('larger than records that Kafka refused');
const overLimit = sizeFault("larger than the topic's max.message.bytes");
