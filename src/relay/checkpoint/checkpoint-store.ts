// The checkpoint topic in the target cluster: created once, read to its end at every start.
import { within } from '../../core/clock.js';
import {
  type Clock,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  OFFSET_BEGINNING,
} from '../../core/ports.js';
import { fail } from '../../errors.js';
import { checkpointReaderProperties } from '../config/properties.js';
import { type Mapping, mappingName } from '../config/topic-map.js';
import type { RunState } from '../run-state.js';
import { isEnding } from '../transient.js';
import { type Checkpoint, CheckpointReader } from './checkpoint.js';

/** Creating the topic is not allowed. */
const notAuthorized: ReadonlySet<number> = new Set([
  KafkaCode.topicAuthorizationFailed,
  KafkaCode.clusterAuthorizationFailed,
]);

/** Small segments, so that the cleaner reaches them: a start reads what it leaves. */
const topicConfig = { 'cleanup.policy': 'compact', 'segment.bytes': '4194304', 'min.cleanable.dirty.ratio': '0.1' };

/** After how long without progress the open transaction is logged, and how often again, ms. */
const hiddenMs = 1_000;
const hiddenAgainMs = 10_000;
/** The longest transaction time-out that brokers allow by default (transaction.max.timeout.ms), ms. */
const longestTransactionMs = 900_000;

/** How a checkpoint is read. */
export interface CheckpointReading {
  readonly timeoutMs: number;
  readonly run: RunState;
  /** A transaction of another producer is open here (`topic[partition]@offset`) and hides what follows. */
  readonly onHidden: (where: string) => void;
}

export class CheckpointStore {
  readonly topic: string;
  readonly #kafka: KafkaFactory;
  readonly #clock: Clock;
  #ensured: Promise<void> | undefined;
  /** Its id as of the first look. */
  #id: string | undefined;
  /** Consecutive looks that did not find it: one may have asked a broker that has only just started. */
  #missed = 0;

  constructor(kafka: KafkaFactory, topic: string, clock: Clock) {
    this.#kafka = kafka;
    this.topic = topic;
    this.#clock = clock;
  }

  /** Creates the topic if it is missing. @throws GatewayError `relay-refused`; KafkaError: retry */
  ensure(): Promise<void> {
    this.#ensured ??= this.#ensure().catch((error: unknown) => {
      this.#ensured = undefined;
      throw error;
    });
    return this.#ensured;
  }

  /** What a look at the target's topics found. @returns true if the topic is gone, or another one has its name */
  isLost(topicIds: ReadonlyMap<string, string>): boolean {
    const now = topicIds.get(this.topic);
    if (this.#id === undefined || now === this.#id) {
      this.#id = now ?? this.#id;
      this.#missed = 0;
      return false;
    }
    this.#missed += 1;
    return now !== undefined || this.#missed > 1;
  }

  /**
   * The recorded state of a mapping, up to the topic's current end. Waits until no transaction hides a record before that end
   * (one that a killed or frozen relay left open does, until the broker ends it).
   * @throws KafkaError; GatewayError `relay-waiting`
   */
  async read(mapping: Mapping, reading: CheckpointReading): Promise<Checkpoint> {
    const { timeoutMs } = reading;
    let position = 0;
    let failure: KafkaFault | undefined;
    const partition = { topic: this.topic, partition: 0 };
    const consumer = await this.#kafka.consumer(
      {
        properties: checkpointReaderProperties,
        onEnd: (end) => {
          position = Math.max(position, end.offset);
        },
        onFault: (fault) => {
          if (isEnding(fault)) failure ??= fault;
        },
      },
      timeoutMs,
    );
    try {
      const [end] = await this.#kafka.admin.edges([partition], 'high');
      const high = end?.offset ?? 0;
      const reader = new CheckpointReader(mapping);
      const check = this.#patience(mapping, reading);
      if (high > 0) consumer.assign([{ ...partition, offset: OFFSET_BEGINNING }]);
      while (position < high) {
        const messages = await consumer.poll(1_000, 100);
        for (const message of messages) reader.add(message);
        position = Math.max(position, (messages.at(-1)?.offset ?? -1) + 1);
        if (failure)
          throw new KafkaError({ ...failure, message: `checkpoint topic ${this.topic}: ${failure.message}` });
        if (position < high) check(position);
      }
      return reader.checkpoint;
    } finally {
      await consumer.close(timeoutMs);
    }
  }

  /** @returns a function to call with how far the topic was read; it throws when it is time to stop, or when nothing has moved for too long */
  #patience(mapping: Mapping, { timeoutMs, run, onHidden }: CheckpointReading): (position: number) => void {
    let last = -1;
    let since = this.#clock.monotonic();
    let sayAt = since + hiddenMs;
    return (position) => {
      const now = this.#clock.monotonic();
      if (position > last) {
        last = position;
        since = now;
        sayAt = now + hiddenMs;
      }
      if (run.stopping || now - since > longestTransactionMs + timeoutMs)
        throw fail('relay-waiting', mappingName(mapping), `${this.topic}[0]@${position}: cannot be read to its end`);
      if (now < sayAt) return;
      sayAt = now + hiddenAgainMs;
      onHidden(`${this.topic}[0]@${position}`);
    };
  }

  async #ensure(): Promise<void> {
    const { admin } = this.#kafka;
    const [found] = await admin.topics([this.topic]);
    if (!found) return this.#create();
    if (found.partitions.length !== 1) {
      throw fail(
        'relay-refused',
        this.topic,
        `the checkpoint topic must have 1 partition, not ${found.partitions.length}`,
      );
    }
    const configs = await admin.topicConfigs([this.topic]).catch((error: unknown) => {
      // Reading a topic's settings needs a right of its own; without it the operator's configuration is trusted.
      if (error instanceof KafkaError && notAuthorized.has(error.code)) return undefined;
      throw error;
    });
    const policy = configs?.get(this.topic)?.get('cleanup.policy')?.value;
    if (policy !== undefined && policy !== 'compact') {
      throw fail(
        'relay-refused',
        this.topic,
        `the checkpoint topic must have cleanup.policy=compact, not ${policy}: progress would be lost`,
      );
    }
  }

  async #create(): Promise<void> {
    try {
      await this.#kafka.admin.createTopic({ name: this.topic, partitions: 1, config: topicConfig });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (error.code === KafkaCode.topicExists) return;
      if (!notAuthorized.has(error.code)) throw error;
      throw fail(
        'relay-refused',
        this.topic,
        `no right to make the checkpoint topic (${error.message}): make it with 1 partition and cleanup.policy=compact, or set target.checkpoint_topic`,
      );
    }
    await within(this.#clock, 10_000, this.#leaderFound());
  }

  /** A new topic has no leader for a moment. */
  async #leaderFound(): Promise<void> {
    for (;;) {
      const [topic] = await this.#kafka.admin.topics([this.topic]);
      if (topic?.partitions[0] && topic.partitions[0].leader >= 0) return;
      await new Promise<void>((resolve) => {
        this.#clock.after(50, resolve);
      });
    }
  }
}
