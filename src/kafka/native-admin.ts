// The Admin questions that librdkafka answers: topics and watermarks. It is all that the embedded Kafka can be asked.
import { type Admin, KafkaCode, KafkaError, type TopicMetadata, type TopicPartition } from '../core/ports.js';
import type { Log } from '../log.js';
import { type Client, connect, metadata } from './client.js';
import { refuse, wrap } from './fault.js';
import { type NativeProducer, native } from './native.js';
import type { ClientProperties } from './properties.js';

const timeoutMs = 5000;

/** librdkafka's code for a feature that the broker lacks. */
const notSupported = -165;
/** A broker's code for a partition that has no leader; it may have one soon. */
const leaderNotAvailable = 5;

/** Asks over a client of its own, made on first use and made anew when that failed. */
export class NativeAdmin implements Admin {
  readonly #properties: ClientProperties;
  readonly #log: Log;
  readonly #lacking: string;
  #client: Promise<Client<NativeProducer>> | undefined;

  /** @param lacking what makes the other questions impossible, for their refusals */
  constructor(properties: ClientProperties, log: Log, lacking: string) {
    this.#lacking = lacking;
    this.#properties = properties;
    this.#log = log;
  }

  async topics(names?: readonly string[]): Promise<TopicMetadata[]> {
    // Asking for one topic by name could create it; asking for all never does.
    const { topics } = await metadata(await this.#connected(), { all: true, timeoutMs });
    const wanted = names && new Set(names);
    return topics
      .filter(({ name, partitions }) => partitions.length > 0 && (!wanted || wanted.has(name)))
      .map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ id, leader, replicas, isrs }) => ({ partition: id, leader, replicas, isrs })),
      }));
  }

  async watermarks(partitions: readonly TopicPartition[]) {
    const client = await this.#connected();
    return Promise.all(
      partitions.map(async ({ topic, partition }) => {
        const asked = client.ask<{ lowOffset: number; highOffset: number }>((callback) =>
          client.native.queryWatermarkOffsets(topic, partition, timeoutMs, callback),
        );
        const { lowOffset, highOffset } = await asked.catch((error) => this.#refused(error, topic, partition));
        return { topic, partition, low: lowOffset, high: highOffset };
      }),
    );
  }

  /** librdkafka also calls a partition unknown that has no leader for now. */
  async #refused(error: unknown, topic: string, partition: number): Promise<never> {
    if (!(error instanceof KafkaError) || error.code !== KafkaCode.unknownPartition) throw error;
    const [found] = await this.topics([topic]);
    const leader = found?.partitions.find((each) => each.partition === partition)?.leader;
    throw leader === undefined ? error : wrap(leaderNotAvailable);
  }

  /** Created by asking for its metadata; partitions and settings are as the embedded Kafka makes them. */
  async createTopic({ name }: { name: string }): Promise<void> {
    await metadata(await this.#connected(), { topic: name, timeoutMs });
  }

  deleteTopic = () => this.#unsupported('deleting topics');
  deleteRecords = () => this.#unsupported('deleting records');
  topicConfigs = () => this.#unsupported('topic settings');
  identity = () => this.#unsupported('cluster and topic ids');
  groups: Admin['groups'] = () => this.#unsupported('listing groups');
  describeGroups: Admin['describeGroups'] = () => this.#unsupported('describing groups');
  groupOffsets: Admin['groupOffsets'] = () => this.#unsupported('offsets of other groups');
  commitGroupOffsets: Admin['commitGroupOffsets'] = () => this.#unsupported('committing for other groups');
  deleteGroupOffsets: Admin['deleteGroupOffsets'] = () => this.#unsupported('deleting offsets');

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await (await client?.catch(() => undefined))?.disconnect(timeoutMs);
  }

  #connected(): Promise<Client<NativeProducer>> {
    if (this.#client) return this.#client;
    const log = this.#log;
    const connecting = connect<NativeProducer>(
      {
        kind: 'admin',
        create: native.Producer,
        properties: this.#properties,
        log,
        onFault: ({ message }) => log.debug({ kind: 'admin' }, message),
      },
      timeoutMs,
    );
    this.#client = connecting;
    connecting.catch(() => {
      this.#client = undefined;
    });
    return connecting;
  }

  async #unsupported(what: string): Promise<never> {
    throw refuse(notSupported, `${what}: not supported with ${this.#lacking}`);
  }
}
