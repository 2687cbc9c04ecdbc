// One leader's term in Kafka: fences its predecessor, reads its progress, and commits messages together with progress. See docs/decisions/0020.
import { sleep } from '../../core/clock.js';
import {
  type Clock,
  type DeliveryReport,
  isFenced,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Producer,
  type ProducerRecord,
} from '../../core/ports.js';
import type { Log } from '../../log.js';
import { type Progress, readProgress, stepRecords, termRecord } from './checkpoint.js';
import type { Batch } from './publisher.js';
import { isOfTopic, isRefusal, refusedAmong } from './refusals.js';
import type { TopicGate } from './topic-gate.js';

export interface TermOptions {
  readonly kafka: KafkaFactory;
  /** The same for all replicas of a collector: Kafka accepts writes only from the latest that asked. */
  readonly transactionalId: string;
  readonly checkpointTopic: string;
  readonly compression: string;
  /** Unique: the leader and its lease. */
  readonly name: string;
  /** After this time Kafka aborts a transaction whose leader is gone, ms. */
  readonly transactionTimeoutMs: number;
  /** Time limit for opening and committing, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this replica may still act as the leader. */
  readonly leads: () => boolean;
  /** Which records go to Kafka. */
  readonly gate: TopicGate;
}

/** A client that does not connect in time is replaced by a new one, which mostly does, ms. */
const connectMs = 5_000;
/** Time limit for reading the progress, ms. */
const readMs = 15_000;
/** One call that opens a term, ms. */
const openMs = 2_000;
/** One call into librdkafka lasts no longer, so that a lease that ended and records that are refused are noticed, ms. */
const callMs = 500;
/** Times that one batch is written anew without what Kafka refused of it. */
const mostTries = 20;
/** Probes that look for a record that is refused among those of its topic. */
const mostProbes = 40;
/** How long a probe may take, ms. */
const probeMs = 5_000;
const queueFullMs = 5;
/** Between two tries of a call, ms. */
const pauseMs = 20;
/** How soon a probe looks whether it was refused, ms. */
const flushMs = 50;
/** A longer transaction gets a log line, ms. */
const slowMs = 1_000;

/** The producer is lost: another replica has fenced it, or librdkafka reports only that a fatal error came before. */
export const isProducerLost = (error: unknown): boolean =>
  isFenced(error) || (error instanceof KafkaError && error.code === KafkaCode.fatal);

/** Thrown if the lease ended during a wait. */
export class TermOver extends Error {
  override readonly name = 'TermOver';
}

/** Kafka refused topics, and said of none which; or aborting took the producer with it: the next term does without them. */
export class TopicsRefused extends Error {
  override readonly name = 'TopicsRefused';
}

/** Its opener closes it. After any error it is unusable: a new term finds out from Kafka what was committed. */
export class Term {
  readonly progress: Progress;
  readonly #options: TermOptions;
  readonly #producer: Producer;
  /** What Kafka refused for good in the transaction at hand, by topic. */
  readonly #refused: Map<string, KafkaFault>;

  private constructor(options: TermOptions, producer: Producer, progress: Progress, refused: Map<string, KafkaFault>) {
    this.#options = options;
    this.#producer = producer;
    this.progress = progress;
    this.#refused = refused;
  }

  /**
   * Fences the predecessor (its open transaction is aborted), then reads what it had committed.
   * @throws KafkaError, TermOver, Error if the progress cannot be read.
   */
  static async open(options: TermOptions): Promise<Term> {
    const { kafka, checkpointTopic, name, clock } = options;
    const from = clock.monotonic();
    const taken: Record<string, number> = {};
    const note = (step: string): void => {
      taken[step] = Math.round(clock.monotonic() - from);
    };
    const refused = new Map<string, KafkaFault>();
    const producer = await kafka.producer(
      { reports: 'errors', properties: properties(options), ...faultHandlers(options, refused) },
      connectMs,
    );
    note('connectedMs');
    try {
      // Fencing a new leader would only disturb it.
      if (!options.leads()) throw new TermOver();
      await patiently(options, () => producer.initTransactions(openMs));
      note('fencedMs');
      await producer.beginTransaction();
      producer.produce(termRecord(checkpointTopic, name));
      await patiently(options, () => producer.commitTransaction(openMs));
      note('writtenMs');
      const progress = await readProgress(kafka, checkpointTopic, name, readMs, () => clock.monotonic());
      note('readMs');
      options.log.info(taken, 'Took over');
      return new Term(options, producer, progress, refused);
    } catch (error) {
      options.log.debug(taken, 'Could not take over');
      await producer.close(0);
      throw error;
    }
  }

  /** Finds out which topics Kafka refuses where it did not say: with transactions that are aborted. @throws TopicsRefused to go on in another term */
  async probeTopics(): Promise<void> {
    const { gate } = this.#options;
    for (let topics = gate.toProbe; topics; topics = gate.toProbe) {
      const records = topics.map((topic) => ({ topic, partition: 0, key: probeBytes, value: probeBytes }));
      await this.#probe(records, (isRefused) => gate.probed(isRefused));
    }
  }

  /**
   * Writes records and progress in one transaction. What Kafka refuses for good is left out: the others go on.
   * @returns how many records it holds
   * @throws KafkaError, TermOver: then it is unknown whether it was committed; TopicsRefused: it was not
   */
  async commit({ records, step, marked }: Pick<Batch, 'records' | 'step' | 'marked'>): Promise<number> {
    const { gate, checkpointTopic } = this.#options;
    let admitted = await gate.admit(records, marked);
    for (let tries = 1; ; tries++) {
      try {
        await this.#commitOnce([...admitted, ...stepRecords(checkpointTopic, step)]);
        gate.proved(admitted);
        return admitted.length;
      } catch (error) {
        if (!(error instanceof KafkaError) || !(await this.#isRefusal(error, checkpointTopic)) || tries >= mostTries)
          throw error;
        admitted = await this.#without(admitted, error);
      }
    }
  }

  async #commitOnce(records: readonly ProducerRecord[]): Promise<void> {
    const { clock, log } = this.#options;
    if (!this.#options.leads()) throw new TermOver();
    const from = clock.monotonic();
    await this.#begin();
    for (const record of records) if (!this.#produced(record)) await this.#produceSlowly(record);
    const producedMs = Math.round(clock.monotonic() - from);
    // A commit whose messages are refused says so at the call after the one that ran out of time.
    await patiently(this.#options, () => this.#producer.commitTransaction(callMs));
    const ms = Math.round(clock.monotonic() - from);
    if (ms >= slowMs) log.debug({ ms, producedMs, records: records.length }, 'A slow transaction');
  }

  #begin(): Promise<void> {
    this.#refused.clear();
    return this.#producer.beginTransaction();
  }

  /** Whether records were refused, and none of them of progress. */
  async #isRefusal(error: KafkaError, checkpointTopic: string): Promise<boolean> {
    if (isProducerLost(error)) return false;
    // A commit says only that some messages failed; their reports, which may come a moment later, say why.
    await this.#producer.flush(0);
    if (this.#refused.has(checkpointTopic)) return false;
    return this.#refused.size > 0 || error.code === KafkaCode.topicAuthorizationFailed;
  }

  /** Takes out of a batch what was refused of it. */
  async #without(records: readonly ProducerRecord[], error: KafkaError): Promise<ProducerRecord[]> {
    const { gate } = this.#options;
    const refused = new Map(this.#refused);
    if (refused.size === 0) gate.suspect(records, error);
    for (const [topic, fault] of refused) if (isOfTopic(fault)) gate.buffer(topic, fault);
    await this.#abort();
    if (gate.toProbe) throw new TopicsRefused(error.message, { cause: error });
    const bad = new Map<ProducerRecord, KafkaFault>();
    for (const [topic, fault] of refused) {
      if (isOfTopic(fault) || (fault.code === KafkaCode.invalidTimestamp && gate.useOwnTime(topic))) continue;
      const own = records.filter((record) => record.topic === topic);
      // The largest come first: they are refused for their size.
      own.sort((a, b) => (b.value?.length ?? 0) - (a.value?.length ?? 0));
      for (const [record, why] of await refusedAmong(own, (part) => this.#probe(part), mostProbes))
        bad.set(record, why);
    }
    return gate.admit(gate.without(records, bad));
  }

  /** @throws TopicsRefused when that took the producer with it, as it does where a topic was refused by the coordinator */
  async #abort(): Promise<void> {
    try {
      await patiently(this.#options, () => this.#producer.abortTransaction(callMs));
    } catch (error) {
      if (!(error instanceof KafkaError) || isProducerLost(error)) throw error;
      throw new TopicsRefused(error.message, { cause: error });
    }
  }

  /**
   * Writes records in a transaction that is aborted.
   * @param onResult receives whether one of them is refused, before the abort, which may take the producer with it
   * @returns why
   * @throws KafkaError, TermOver, TopicsRefused
   */
  async #probe(
    records: readonly ProducerRecord[],
    onResult: (isRefused: boolean) => void = () => undefined,
  ): Promise<KafkaFault | undefined> {
    await this.#begin();
    const fault = await this.#delivered(records);
    onResult(fault !== undefined);
    await this.#abort();
    return fault;
  }

  /** @returns why one of the records is refused; undefined: all are taken. @throws KafkaError, TermOver */
  async #delivered(records: readonly ProducerRecord[]): Promise<KafkaFault | undefined> {
    const { clock, leads } = this.#options;
    const deadline = clock.monotonic() + probeMs;
    let isFailed = false;
    try {
      for (const record of records) this.#producer.produce(record);
      while (this.#refused.size === 0 && !(await this.#producer.flush(flushMs))) {
        if (!leads()) throw new TermOver();
        if (clock.monotonic() > deadline) throw new KafkaError(probeLate);
        // Fails once the coordinator has refused a topic: nothing else says so.
        this.#producer.produce(records[0]!);
      }
    } catch (error) {
      if (!(error instanceof KafkaError) || (error.code !== KafkaCode.state && !isRefusal(error))) throw error;
      isFailed = true;
      await this.#producer.flush(0);
      if (isRefusal(error)) return error;
    }
    const [fault] = this.#refused.values();
    return fault ?? (isFailed ? unnamed : undefined);
  }

  /** Never rejects. Kafka aborts what is not committed, at the latest when the successor fences us. */
  async close(): Promise<void> {
    await this.#producer.close(0);
  }

  /** @returns false if the client's queue is full. */
  #produced(record: ProducerRecord): boolean {
    try {
      this.#producer.produce(record);
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.code === KafkaCode.queueFull) return false;
      // The client itself refuses what is too large for it.
      if (error instanceof KafkaError && isRefusal(error)) this.#refused.set(record.topic, error);
      throw error;
    }
  }

  async #produceSlowly(record: ProducerRecord): Promise<void> {
    do {
      if (!this.#options.leads()) throw new TermOver();
      await sleep(this.#options.clock, queueFullMs);
    } while (!this.#produced(record));
  }
}

/** Repeats a call that librdkafka allows to be repeated after a time-out, while this replica leads. */
async function patiently(options: TermOptions, call: () => Promise<void>): Promise<void> {
  const deadline = options.clock.monotonic() + options.timeoutMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof KafkaError && error.retriable)) throw error;
      if (!options.leads()) throw new TermOver();
      if (options.clock.monotonic() > deadline) throw error;
      options.log.debug({ err: error.message }, 'Kafka is slow: waiting on');
      // Not every error that may be repeated has taken its time.
      await sleep(options.clock, pauseMs);
    }
  }
}

const probeBytes = Buffer.from('probe');
const unnamed: KafkaFault = {
  code: KafkaCode.topicAuthorizationFailed,
  message: 'Broker: Topic authorization failed',
  fatal: false,
  retriable: false,
  abortable: true,
};
const probeLate: KafkaFault = {
  code: KafkaCode.timedOut,
  message: 'a probe of refused topics was not answered in time',
  fatal: false,
  retriable: true,
  abortable: true,
};

const properties = ({ transactionalId, transactionTimeoutMs, compression }: TermOptions) => ({
  'transactional.id': transactionalId,
  'transaction.timeout.ms': transactionTimeoutMs,
  'message.timeout.ms': transactionTimeoutMs,
  'enable.idempotence': true,
  acks: 'all',
  'compression.codec': compression,
  'linger.ms': 5,
  // How long a topic that is missing is waited for; it was made by then, or is not to be.
  'topic.metadata.propagation.max.ms': 5_000,
  // Reconnects to a restarted broker sooner than librdkafka's ten seconds.
  'reconnect.backoff.max.ms': 1_000,
});

/** Collects records that are refused for good. Logs the first record that fails for another reason: the others of its transaction fail with it. */
function faultHandlers({ log }: TermOptions, refused: Map<string, KafkaFault>) {
  let isTold = false;
  return {
    onReport: ({ topic, error }: DeliveryReport) => {
      if (!error || givenUp.has(error.code)) return;
      if (isRefusal(error)) {
        if (!refused.has(topic)) refused.set(topic, error);
        return;
      }
      if (!isTold)
        log.warn({ topic, reason: error.message }, 'Kafka refused a record: its transaction will be repeated');
      isTold = true;
    },
    onFault: ({ message }: KafkaFault) => log.debug({ reason: message }, 'Kafka client'),
  };
}

/** What an abort gives up. */
const givenUp: ReadonlySet<number> = new Set([KafkaCode.purgeQueue, KafkaCode.purgeInflight]);
