// The Admin port on a real cluster: @platformatic/kafka for groups, settings and records, librdkafka for topics and watermarks.
import type { AdminOptions, Broker, Admin as Client, Connection, ConnectionPool } from '@platformatic/kafka';
import {
  type Admin,
  type CommittedOffset,
  type GroupDescription,
  KafkaCode,
  KafkaError,
  type TopicMetadata,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../core/ports.js';
import { own } from '../core/promises.js';
import { adminTimeoutMs, brokerList } from './admin-options.js';
import { faultOf } from './fault.js';
import type { KnownBrokers } from './known-brokers.js';
import type { NativeAdmin } from './native-admin.js';

/** Loaded with the first question: it is half a second and 50 MB that most gateways never need. */
type Package = typeof import('@platformatic/kafka');

/** How long controllers may take to answer, ms. */
const quorumMs = 3_000;
/** A broker's codes for controllers that do not answer it: timed out, not the controller, no leader. */
const noQuorum: readonly number[] = [KafkaCode.timedOut, 7, 41, 5, 6];
/** How soon a call is tried again whose coordinator was not there yet, ms. */
const retryMs = 200;
/** How long brokers are asked whether they have heard of a topic that was made or deleted, and how soon again, ms. */
const newsMs = 3_000;
const newsRetryMs = 10;

/** Questions of any kind; a call that finds the cluster in motion is tried again for a while. */
export class ClusterAdmin implements Admin {
  readonly #options: AdminOptions;
  readonly #native: NativeAdmin;
  readonly #brokers: KnownBrokers;
  /** The client below begins with the brokers of this version and turn. */
  #begun = '';
  #turn = 0;
  #client: Client | undefined;
  #pool: ConnectionPool | undefined;

  constructor(options: AdminOptions, brokers: KnownBrokers, native: NativeAdmin) {
    this.#brokers = brokers;
    this.#options = options;
    this.#native = native;
  }

  topics(names?: readonly string[]): Promise<TopicMetadata[]> {
    return this.#native.topics(names);
  }

  brokers() {
    return this.#native.brokers();
  }

  /** Asked of the controllers through whichever broker answers; brokers before Kafka 4 can't be asked so. */
  async hasQuorum(): Promise<boolean | undefined> {
    const kafka = await import('@platformatic/kafka');
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
    try {
      const connection = await this.#connections(kafka).getFirstAvailable(this.#addresses);
      const asked = kafka.describeQuorumV2.api.async(connection, topics);
      // A broker keeps the question while its controllers have no leader.
      const answer = await Promise.race([asked, pause(quorumMs, false)]);
      if (!answer) own(asked, () => {});
      if (!answer) return false;
      return answer.topics.every(({ partitions }) => partitions.every(({ leaderId }) => leaderId >= 0));
    } catch (error) {
      const { code } = unwrap(error);
      if (code === KafkaCode.timedOut || code === KafkaCode.transport) this.#turn += 1;
      return noQuorum.includes(code) ? false : undefined;
    }
  }

  watermarks(partitions: readonly TopicPartition[]) {
    return this.#native.watermarks(partitions);
  }

  async createTopic(topic: {
    name: string;
    partitions: number;
    replicationFactor?: number;
    config?: Readonly<Record<string, string>>;
  }): Promise<void> {
    const { name, partitions, replicationFactor = -1, config = {} } = topic;
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    try {
      await this.#ask((client) =>
        client.createTopics({ topics: [name], partitions, replicas: replicationFactor, configs }),
      );
    } catch (error) {
      if (error instanceof KafkaError && error.code === KafkaCode.topicExists) await this.#untilAllAgree(name, true);
      throw error;
    }
    await this.#untilAllAgree(name, true);
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#ask((client) => client.deleteTopics({ topics: [name] }));
    await this.#untilAllAgree(name, false);
  }

  async deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void> {
    const topics = byTopic(before, ({ partition, offset }) => ({ partition, offset: BigInt(offset) }));
    await this.#ask((client) => client.deleteRecords({ topics }));
  }

  topicConfigs(names: readonly string[]) {
    return this.#ask(async (client, kafka) => {
      const resources = names.map((name) => ({
        resourceType: kafka.ConfigResourceTypes.TOPIC,
        resourceName: name,
        configurationKeys: null,
      }));
      const described = await client.describeConfigs({ resources });
      const setting = ({ value, configSource }: (typeof described)[number]['configs'][number]) => ({
        value: value ?? '',
        overridden: configSource === kafka.ConfigSources.TOPIC_CONFIG,
      });
      return new Map(
        described.map(({ resourceName, configs }) => [
          resourceName,
          new Map(configs.map((config) => [config.name, setting(config)])),
        ]),
      );
    });
  }

  identity(names: readonly string[]) {
    return this.#ask(async (_, kafka) => {
      const connection = await this.#connections(kafka).getFirstAvailable(this.#addresses);
      // Its own call fails as a whole when one of the topics is unknown: the answer is in the error.
      const answer = await kafka.metadataV12.api.async(connection, [...names], false, false).catch((error: unknown) => {
        const found = answerOf(error);
        if (found) return found;
        throw error;
      });
      const known = answer.topics.filter(({ errorCode }) => errorCode === 0);
      return {
        clusterId: answer.clusterId ?? '',
        topicIds: new Map(known.map(({ name, topicId }) => [name ?? '', topicId])),
        denied: answer.topics
          .filter(({ errorCode }) => errorCode === KafkaCode.topicAuthorizationFailed)
          .map(({ name }) => name ?? ''),
      };
    });
  }

  async groups(): Promise<string[]> {
    return [...(await this.#ask((client) => client.listGroups())).keys()];
  }

  async describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    if (groupIds.length === 0) return [];
    const described = await this.#ask((client) => client.describeGroups({ groups: [...groupIds] }));
    return groupIds.map((groupId) => {
      const { state = 'DEAD', members = new Map() } = described.get(groupId) ?? {};
      return {
        groupId,
        state,
        members: [...members.values()].map(({ id, clientId, assignments = new Map() }) => ({
          memberId: id,
          clientId,
          assignments: new Map([...assignments].map(([topic, { partitions }]) => [topic, partitions])),
        })),
      };
    });
  }

  async groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    if (partitions.length === 0) return [];
    const asked = [...groupByTopic(partitions)].map(([name, list]) => ({
      name,
      partitionIndexes: list.map(({ partition }) => partition),
    }));
    const groups = await this.#ask((client) =>
      client.listConsumerGroupOffsets({ groups: [{ groupId, topics: asked }] }),
    );
    return (
      groups
        .flatMap(({ topics }) => topics)
        .flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, committedOffset, metadata }) => ({
            topic: name,
            partition: partitionIndex,
            offset: Number(committedOffset),
            metadata: metadata ?? '',
          })),
        )
        // -1 is Kafka's word for none; other negative ones (-2: the oldest, for Kafka-Pixy) are kept.
        .filter(({ offset, metadata }) => offset !== -1 || metadata !== '')
    );
  }

  async commitGroupOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    }));
    await this.#ask(async (client, kafka) => {
      const keyType = kafka.FindCoordinatorKeyTypes.GROUP;
      const [coordinator] = await client.findCoordinator({ keyType, keys: [groupId] });
      if (!coordinator) throw new KafkaError(faultOf(15));
      // The client's own way of altering offsets drops the metadata.
      const connection = await this.#connections(kafka).get({ host: coordinator.host, port: coordinator.port });
      await kafka.offsetCommitV9.api.async(connection, groupId, -1, '', null, topics);
    });
  }

  async deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    const topics = [...groupByTopic(partitions)].map(([name, list]) => ({
      name,
      partitionIndexes: list.map(({ partition }) => partition),
    }));
    await this.#ask((client) => client.deleteConsumerGroupOffsets({ groupId, topics }));
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#leave(), this.#native.close()]);
  }

  /** The next question is asked by new clients. */
  async #leave(): Promise<void> {
    const parts = [this.#client?.close(), this.#pool?.close()];
    this.#client = undefined;
    this.#pool = undefined;
    await Promise.allSettled(parts);
  }

  /**
   * A topic is made or deleted before every broker has heard of it, and the next question may go to any: waits until all that
   * answer know it and the leaders of its partitions, or know of none.
   */
  async #untilAllAgree(name: string, isThere: boolean): Promise<void> {
    const deadline = performance.now() + newsMs;
    const { brokers } = await this.#ask((client) => client.metadata({ topics: [], forceUpdate: true }));
    const kafka = await import('@platformatic/kafka');
    const pool = this.#connections(kafka);
    const ask = async ({ host, port }: Broker): Promise<void> => {
      const connection = await pool.get({ host, port });
      while (performance.now() < deadline && (await isKnown(kafka, connection, name)) !== isThere)
        await pause(newsRetryMs);
    };
    // A broker that can't be reached is no reason to fail: nobody else gets an answer of it either.
    await Promise.race([Promise.allSettled([...brokers.values()].map(ask)), pause(newsMs, false)]);
  }

  /** Where a client begins: another one each time that a question was not answered. */
  get #addresses(): Broker[] {
    const all = brokerList({ 'bootstrap.servers': this.#brokers.list });
    const first = this.#turn % Math.max(1, all.length);
    return [...all.slice(first), ...all.slice(0, first)];
  }

  /** Connections for what the client itself does not offer. */
  #connections(kafka: Package): ConnectionPool {
    this.#pool ??= new kafka.ConnectionPool(`${this.#options.clientId}-direct`, this.#options);
    return this.#pool;
  }

  #beginning(kafka: Package): Client {
    const begin = `${this.#brokers.version}:${this.#turn}`;
    if (this.#client && begin === this.#begun) return this.#client;
    this.#begun = begin;
    // Questions that are still out have their answers by then.
    const before = this.#client;
    if (before) setTimeout(() => own(before.close(), () => {}), 2 * adminTimeoutMs).unref();
    this.#client = new kafka.Admin({ ...this.#options, bootstrapBrokers: this.#addresses });
    return this.#client;
  }

  async #ask<T>(call: (client: Client, kafka: Package) => Promise<T>): Promise<T> {
    const deadline = performance.now() + adminTimeoutMs;
    const kafka = await import('@platformatic/kafka');
    for (;;) {
      const client = this.#beginning(kafka);
      // Leaders and brokers are kept for five minutes otherwise, whatever becomes of them.
      client.clearMetadata();
      try {
        return await call(client, kafka);
      } catch (error) {
        const told = unwrap(error);
        // The broker that was asked may stand still, which its socket does not tell.
        if (told.code === KafkaCode.timedOut || told.code === KafkaCode.transport) this.#turn += 1;
        if (!told.retriable || performance.now() + retryMs > deadline) throw told;
        await pause(retryMs);
      }
    }
  }
}

/** @param keepsAlive whether the process has to wait for it. */
function pause(ms: number, keepsAlive = true): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (!keepsAlive) timer.unref();
  });
}

/** Whether a broker knows a topic with all its leaders; undefined: in part. Rejects when it does not answer. */
async function isKnown(kafka: Package, connection: Connection, name: string): Promise<boolean | undefined> {
  try {
    const { topics } = await kafka.metadataV9.api.async(connection, [name], false, false);
    return topics.length > 0;
  } catch (error) {
    // Errors of the topic and its partitions are thrown with the broker's codes.
    const { code } = unwrap(error);
    if (code > 0) return code === KafkaCode.unknownTopicOrPartition ? false : undefined;
    throw error;
  }
}

/** @platformatic/kafka nests errors; the one that a broker gave counts, else the innermost. */
function unwrap(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error;
  const all = flatten(error);
  const protocol = all.find((one) => typeof one.apiCode === 'number');
  const found = protocol ?? all.at(-1) ?? new Error(String(error));
  const message = protocol?.serverErrorMessage || found.message;
  return new KafkaError(faultOf(protocol?.apiCode ?? localCode(all), message), { cause: error });
}

type MetadataAnswer = Awaited<ReturnType<Package['metadataV12']['api']['async']>>;

/** What a broker answered about all topics, when it knows one of them not. */
function answerOf(error: unknown): MetadataAnswer | undefined {
  const { response } = error as { response?: Partial<MetadataAnswer> };
  return response?.topics ? (response as MetadataAnswer) : undefined;
}

interface Nested extends Error {
  readonly code?: string;
  readonly apiCode?: number;
  readonly serverErrorMessage?: string;
  readonly errors?: readonly unknown[];
}

function flatten(error: unknown): Nested[] {
  if (!(error instanceof Error)) return [];
  const nested = error as Nested;
  return [nested, ...(nested.errors ?? []).flatMap(flatten), ...flatten(nested.cause)];
}

function localCode(all: readonly Nested[]): number {
  const codes = new Set(all.map(({ code }) => code));
  if (codes.has('PLT_KFK_TIMEOUT')) return KafkaCode.timedOut;
  if (codes.has('PLT_KFK_NETWORK')) return KafkaCode.transport;
  if (codes.has('PLT_KFK_AUTHENTICATION')) return -169;
  if (all.some(({ message }) => /^Unknown topic /.test(message))) return KafkaCode.unknownTopicOrPartition;
  if (all.some(({ message }) => /^Unknown partition /.test(message))) return KafkaCode.unknownPartition;
  return KafkaCode.fail;
}

function groupByTopic<T extends TopicPartition>(list: readonly T[]): Map<string, T[]> {
  const grouped = new Map<string, T[]>();
  for (const entry of list) grouped.set(entry.topic, [...(grouped.get(entry.topic) ?? []), entry]);
  return grouped;
}

function byTopic<T extends TopicPartition, P>(
  list: readonly T[],
  map: (entry: T) => P,
): { name: string; partitions: P[] }[] {
  return [...groupByTopic(list)].map(([name, entries]) => ({ name, partitions: entries.map(map) }));
}
