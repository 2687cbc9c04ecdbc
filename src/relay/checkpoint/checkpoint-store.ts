// The checkpoint topic in the target cluster: made once, read to its end at every start.
import { within } from '../../core/clock.js';
import { type Clock, KafkaError, type KafkaFactory, OFFSET_BEGINNING } from '../../core/ports.js';
import { fail } from '../../errors.js';
import { checkpointReaderProperties, transactionTimeoutMs } from '../config/properties.js';
import { type Mapping, mappingName } from '../config/topic-map.js';
import type { RunState } from '../run-state.js';
import { type Checkpoint, CheckpointReader } from './checkpoint.js';

/** Kafka's codes: the topic is there already; the right to make it is not. */
const topicExists = 36;
const notAuthorized: ReadonlySet<number> = new Set([29, 31]);

/** Small segments, so that the cleaner gets at them: a start reads what it left. */
const topicConfig = { 'cleanup.policy': 'compact', 'segment.bytes': '4194304', 'min.cleanable.dirty.ratio': '0.1' };

export class CheckpointStore {
  readonly topic: string;
  readonly #kafka: KafkaFactory;
  readonly #clock: Clock;
  #ensured: Promise<void> | undefined;

  constructor(kafka: KafkaFactory, topic: string, clock: Clock) {
    this.#kafka = kafka;
    this.topic = topic;
    this.#clock = clock;
  }

  /** Makes the topic where it is missing. @throws GatewayError `relay-refused`; KafkaError: try again */
  ensure(): Promise<void> {
    this.#ensured ??= this.#ensure().catch((error: unknown) => {
      this.#ensured = undefined;
      throw error;
    });
    return this.#ensured;
  }

  /**
   * What is recorded of a mapping. Waits until no transaction hides a record (one that a killed relay left open on the
   * topic does, until the broker ends it).
   * @throws KafkaError
   */
  async read(mapping: Mapping, timeoutMs: number, run: RunState): Promise<Checkpoint> {
    let position = 0;
    const partition = { topic: this.topic, partition: 0 };
    const consumer = await this.#kafka.consumer(
      {
        properties: checkpointReaderProperties,
        onEnd: (end) => {
          position = Math.max(position, end.offset);
        },
      },
      timeoutMs,
    );
    try {
      const { high } = await consumer.watermarks(partition, timeoutMs);
      const reader = new CheckpointReader(mapping);
      const deadline = this.#clock.monotonic() + transactionTimeoutMs + timeoutMs;
      if (high > 0) consumer.assign([{ ...partition, offset: OFFSET_BEGINNING }]);
      while (position < high) {
        if (run.stopping || this.#clock.monotonic() > deadline)
          throw fail('relay-waiting', mappingName(mapping), 'the checkpoint topic cannot be read to its end');
        const messages = await consumer.poll(1_000, 100);
        for (const message of messages) reader.add(message);
        position = Math.max(position, (messages.at(-1)?.offset ?? -1) + 1);
      }
      return reader.checkpoint;
    } finally {
      await consumer.close(timeoutMs);
    }
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
      // Reading a topic's settings is a right of its own; without it the operator's word has to do.
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
      if (error.code === topicExists) return;
      if (!notAuthorized.has(error.code)) throw error;
      throw fail(
        'relay-refused',
        this.topic,
        `no right to make the checkpoint topic (${error.message}): make it with 1 partition and cleanup.policy=compact, or set target.checkpoint_topic`,
      );
    }
    await within(this.#clock, 10_000, this.#leaderFound());
  }

  /** A topic that was just made has no leader for a moment. */
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
