// One leader's term in Kafka: fences its predecessor, reads its progress, and commits messages together with progress. See docs/decisions/0020.
import { sleep } from '../../core/clock.js';
import {
  type Clock,
  isFenced,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Producer,
  type ProducerRecord,
} from '../../core/ports.js';
import type { Log } from '../../log.js';
import { readProgress, snapshotEvery, stepRecords, termRecord } from '../checkpoint/checkpoint.js';
import type { Progress } from '../checkpoint/progress-reading.js';
import { areTaken } from './probe.js';
import type { Batch } from './publisher.js';
import { isOfTopic, isRefusal, reasonOf, refusedAmong } from './refusals.js';
import { Reports } from './reports.js';
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
/** One call that opens a term, ms. */
const openMs = 2_000;
/** One call into librdkafka lasts no longer, so that a lease that ended and records that are refused are noticed, ms. */
const callMs = 500;
/** Times that one batch is written anew without what Kafka refused of it. */
const mostTries = 20;
/** Probes that look for a record that is refused among those of its topic. */
const mostProbes = 40;
/** Times that a probe is repeated which failed without a reason. */
const probeTries = 3;
const queueFullMs = 5;
/** Between two tries of a call, ms. */
const pauseMs = 20;
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
  readonly #reports: Reports;
  /** The producer's largest batch of several records. */
  readonly #batchBytes: number;
  /** Offsets of the checkpoint topic that were written since the last snapshot; none was written in this term yet. */
  #sinceSnapshot = Number.POSITIVE_INFINITY;
  /** The topics without marks in the recorded progress, as one text. */
  #unmarked: string | undefined;

  private constructor(
    options: TermOptions,
    producer: Producer,
    progress: Progress,
    reports: Reports,
    batchBytes: number,
  ) {
    this.#options = options;
    this.#producer = producer;
    this.progress = progress;
    this.#reports = reports;
    this.#batchBytes = batchBytes;
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
    const reports = new Reports(options.log);
    const settings = properties(options);
    const producer = await kafka.producer(
      { reports: 'errors', properties: settings, onReport: reports.onReport, onFault: reports.onFault },
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
      const progress = await readProgress({
        kafka,
        topic: checkpointTopic,
        term: name,
        monotonic: () => clock.monotonic(),
        onWait: () => {
          if (!options.leads()) throw new TermOver();
        },
      });
      note('readMs');
      options.log.info(taken, 'Took over');
      return new Term(options, producer, progress, reports, settings['batch.size'] ?? Number.POSITIVE_INFINITY);
    } catch (error) {
      options.log.debug(taken, 'Could not take over');
      await producer.close(0);
      throw error;
    }
  }

  /** Whether the next step should be a snapshot, so that a successor reads little. */
  get wantsSnapshot(): boolean {
    return this.#sinceSnapshot >= snapshotEvery;
  }

  /** Finds out which topics Kafka refuses where it did not say: with transactions that are aborted. @throws TopicsRefused to go on in another term */
  async probeTopics(): Promise<void> {
    const { gate } = this.#options;
    for (let topics = gate.toProbe; topics; topics = gate.toProbe) {
      const records = topics.map((topic) => ({ topic, partition: 0, key: probeBytes, value: probeBytes }));
      await this.#begin();
      // Producing fails once the coordinator has refused a topic: nothing else says so.
      gate.probed(!(await this.#areTaken(records, () => this.#producer.produce(records[0]!))));
      // Last: it may take the producer with it.
      await this.#abort();
    }
  }

  /**
   * Writes records and progress in one transaction. What Kafka refuses for good is left out: the others go on.
   * @returns how many records it holds
   * @throws KafkaError, TermOver: then it is unknown whether it was committed; TopicsRefused: it was not
   */
  async commit({ records, step, marked }: Pick<Batch, 'records' | 'step' | 'marked'>): Promise<number> {
    const { gate, checkpointTopic } = this.#options;
    await gate.makeReady(records, marked);
    this.#checkBatches();
    let admitted = gate.select(records);
    for (let tries = 1; ; tries++) {
      try {
        const unmarked = [...gate.unmarked(marked)].sort();
        const isNews = step.isSnapshot || String(unmarked) !== this.#unmarked;
        const progress = stepRecords(checkpointTopic, isNews ? { ...step, unmarked } : step);
        // Also what is aborted takes offsets, and a transaction one more for its end.
        this.#sinceSnapshot += progress.length + 1;
        await this.#commitOnce([...admitted, ...progress]);
        if (step.isSnapshot) this.#sinceSnapshot = 0;
        this.#unmarked = String(unmarked);
        gate.committed(admitted, marked);
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
    this.#reports.begin();
    return this.#producer.beginTransaction();
  }

  /** Whether records were refused, and none of them of progress. */
  async #isRefusal(error: KafkaError, checkpointTopic: string): Promise<boolean> {
    if (isProducerLost(error)) return false;
    // A commit says only that some messages failed; their reports, which may come a moment later, say why.
    await this.#producer.flush(0);
    if (this.#reports.refused.has(checkpointTopic)) return false;
    return this.#reports.refused.size > 0 || error.code === KafkaCode.topicAuthorizationFailed;
  }

  /** Takes out of a batch what was refused of it. */
  async #without(records: readonly ProducerRecord[], error: KafkaError): Promise<ProducerRecord[]> {
    const { gate } = this.#options;
    const refused = new Map(this.#reports.refused);
    if (refused.size === 0) gate.suspect(records, error);
    for (const [topic, fault] of refused) if (isOfTopic(fault)) gate.hold(topic, fault);
    await this.#abort();
    if (gate.toProbe) throw new TopicsRefused(error.message, { cause: error });
    const bad = new Map<ProducerRecord, KafkaFault>();
    for (const [topic, fault] of refused) {
      if (isOfTopic(fault) || (fault.code === KafkaCode.invalidTimestamp && gate.useOwnTime(topic))) continue;
      const own = records.filter((record) => record.topic === topic);
      if (reasonOf(fault) === 'size') {
        const isExplained = await gate.learnAgain(topic, own);
        this.#checkBatches();
        if (isExplained) continue;
      }
      // The largest come first: they are refused for their size.
      own.sort((a, b) => (b.value?.length ?? 0) - (a.value?.length ?? 0));
      for (const [record, why] of await refusedAmong(own, (part) => this.#probe(part), mostProbes))
        bad.set(record, why);
    }
    return gate.admit(gate.without(records, bad));
  }

  /** @throws TopicsRefused where a topic takes smaller batches than this producer makes: the next term's makes them so */
  #checkBatches(): void {
    if ((this.#options.gate.batchBytes ?? Number.POSITIVE_INFINITY) < this.#batchBytes)
      throw new TopicsRefused('a topic takes smaller batches only');
  }

  #areTaken(records: readonly ProducerRecord[], ask: () => void = () => undefined): Promise<boolean> {
    const { clock, leads } = this.#options;
    const onWait = (): void => {
      if (!leads()) throw new TermOver();
      ask();
    };
    return areTaken(records, { producer: this.#producer, reports: this.#reports, clock, onWait });
  }

  /** @throws TopicsRefused when that took the producer with it, as it does where a topic was refused by the coordinator */
  async #abort(): Promise<void> {
    try {
      await patiently(this.#options, () => this.#producer.abortTransaction(callMs));
    } catch (error) {
      if (!(error instanceof KafkaError) || isProducerLost(error)) throw error;
      throw new TopicsRefused(error.message, { cause: error });
    }
    // What is still reported is of this transaction: in the next one it would blame others.
    await this.#producer.flush(callMs);
  }

  /**
   * Writes records in a transaction that is aborted.
   * @returns why one of them is refused; undefined: all are taken
   * @throws KafkaError, TermOver, TopicsRefused
   */
  async #probe(records: readonly ProducerRecord[]): Promise<KafkaFault | undefined> {
    for (let tries = 0; tries < probeTries; tries++) {
      await this.#begin();
      const areAllTaken = await this.#areTaken(records);
      const [fault] = this.#reports.refused.values();
      await this.#abort();
      if (areAllTaken || fault) return fault;
      // Behind a record that was refused alone librdkafka leaves a gap in its numbers, at which the broker refuses the next transaction;
      // that one's abort closes it.
    }
    throw new TopicsRefused('probes of refused records fail without a reason');
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
      if (error instanceof KafkaError && isRefusal(error)) this.#reports.refused.set(record.topic, error);
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
const properties = ({ transactionalId, transactionTimeoutMs, compression, gate }: TermOptions) => ({
  'transactional.id': transactionalId,
  'transaction.timeout.ms': transactionTimeoutMs,
  'message.timeout.ms': transactionTimeoutMs,
  'enable.idempotence': true,
  acks: 'all',
  'compression.codec': compression,
  'linger.ms': 5,
  // Kafka refuses a batch that is larger than its topic allows, although each of its records would fit.
  ...(gate.batchBytes === undefined ? {} : { 'batch.size': gate.batchBytes }),
  // How long a topic that is missing is waited for; it was made by then, or is not to be.
  'topic.metadata.propagation.max.ms': 5_000,
  // Reconnects to a restarted broker sooner than librdkafka's ten seconds.
  'reconnect.backoff.max.ms': 1_000,
});
