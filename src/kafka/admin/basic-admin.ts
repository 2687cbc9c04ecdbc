// Admin requests that every Kafka answers, the embedded one too: topics, brokers and watermarks.
import { connect as connectTcp } from 'node:net';
import {
  type Admin,
  type BrokerState,
  KafkaCode,
  KafkaError,
  type TopicMetadata,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../core/ports.js';
import { all } from '../../core/promises.js';
import type { Log } from '../../log.js';
import { type Client, connect, metadata } from '../client.js';
import { refuse, wrap } from '../fault.js';
import type { KnownBrokers } from '../known-brokers.js';
import { type NativeProducer, native } from '../native.js';
import type { ClientProperties } from '../properties.js';

/** Time limit of one admin call, ms. */
export const adminTimeoutMs = 5_000;
/** Time limit for a broker to accept a connection, ms. */
const connectMs = 1_000;

/** librdkafka's code for a feature that the broker lacks. */
const notSupported = -165;
/** A broker's code for a partition without a leader; it may have one soon. */
const leaderNotAvailable = 5;

/**
 * Each kind has a client of its own: a broker answers the requests of one connection in turn, and a connection with a request that
 * timed out is closed. So quorum requests, which brokers hold while there is no quorum, delay no others.
 */
export type Questions = 'topics' | 'cluster' | 'quorum';

/** Sends requests over clients of its own, opened on first use and again after a failure. */
export class BasicAdmin implements Admin {
  readonly #properties: () => ClientProperties;
  readonly #brokers: KnownBrokers;
  readonly #log: Log;
  readonly #lacking: string;
  readonly #clients = new Map<Questions, Promise<Client<NativeProducer>>>();

  /**
   * @param properties for a client that is opened now
   * @param brokers receives the brokers that answers list
   * @param lacking why the other requests are impossible, for their errors
   */
  constructor(properties: () => ClientProperties, brokers: KnownBrokers, log: Log, lacking: string) {
    this.#brokers = brokers;
    this.#lacking = lacking;
    this.#properties = properties;
    this.#log = log;
  }

  async topics(names?: readonly string[]): Promise<TopicMetadata[]> {
    // A request for one topic by name could create it; a request for all never does.
    const { topics, brokers } = await metadata(await this.connected('topics'), {
      all: true,
      timeoutMs: adminTimeoutMs,
    });
    this.#brokers.learn(brokers);
    const wanted = names && new Set(names);
    return topics
      .filter(({ name, partitions }) => partitions.length > 0 && (!wanted || wanted.has(name)))
      .map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ id, leader, replicas, isrs }) => ({ partition: id, leader, replicas, isrs })),
      }));
  }

  async brokers(): Promise<readonly BrokerState[]> {
    const { brokers } = await metadata(await this.connected('topics'), { all: true, timeoutMs: adminTimeoutMs });
    this.#brokers.learn(brokers);
    return all(brokers, async ({ id, host, port }) => ({
      id,
      address: `${host}:${port}`,
      isUp: await takesConnection(host, port, connectMs),
    }));
  }

  async release(): Promise<string | undefined> {
    return undefined;
  }

  async hasQuorum(): Promise<boolean | undefined> {
    return undefined;
  }

  async watermarks(partitions: readonly TopicPartition[]) {
    const client = await this.connected('topics');
    return Promise.all(
      partitions.map(async ({ topic, partition }) => {
        const ask = () =>
          client.ask<{ lowOffset: number; highOffset: number }>((callback) =>
            client.native.queryWatermarkOffsets(topic, partition, adminTimeoutMs, callback),
          );
        const { lowOffset, highOffset } = await ask()
          // The broker left the cluster while it was asked: its successor is.
          .catch((error) => (isReplaced(error) ? ask() : Promise.reject(error)))
          .catch((error) => this.#refused(error, topic, partition));
        return { topic, partition, low: lowOffset, high: highOffset };
      }),
    );
  }

  /** The embedded Kafka has no transactions that hide records. */
  async edges(partitions: readonly TopicPartition[], which: 'low' | 'high'): Promise<TopicPartitionOffset[]> {
    const marks = await this.watermarks(partitions);
    return marks.map(({ topic, partition, low, high }) => ({ topic, partition, offset: which === 'low' ? low : high }));
  }

  /** librdkafka also calls a partition without a leader unknown. */
  async #refused(error: unknown, topic: string, partition: number): Promise<never> {
    if (!(error instanceof KafkaError) || error.code !== KafkaCode.unknownPartition) throw error;
    const [found] = await this.topics([topic]);
    const leader = found?.partitions.find((each) => each.partition === partition)?.leader;
    throw leader === undefined ? error : wrap(leaderNotAvailable);
  }

  /** Created by requesting its metadata; partitions and settings are the embedded Kafka's. */
  async createTopic({ name }: { name: string }): Promise<void> {
    await metadata(await this.connected('topics'), { topic: name, timeoutMs: adminTimeoutMs });
  }

  createPartitions: Admin['createPartitions'] = () => this.#unsupported('adding partitions');
  deleteTopic: Admin['deleteTopic'] = () => this.#unsupported('deleting topics');
  deleteRecords: Admin['deleteRecords'] = () => this.#unsupported('deleting records');
  topicConfigs: Admin['topicConfigs'] = () => this.#unsupported('topic settings');
  identity: Admin['identity'] = () => this.#unsupported('cluster and topic ids');
  groups: Admin['groups'] = () => this.#unsupported('listing groups');
  describeGroups: Admin['describeGroups'] = () => this.#unsupported('describing groups');
  deleteGroup: Admin['deleteGroup'] = () => this.#unsupported('deleting groups');
  groupOffsets: Admin['groupOffsets'] = () => this.#unsupported('offsets of other groups');
  commitGroupOffsets: Admin['commitGroupOffsets'] = () => this.#unsupported('committing for other groups');
  deleteGroupOffsets: Admin['deleteGroupOffsets'] = () => this.#unsupported('deleting offsets');

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await all(clients, async (client) => (await client.catch(() => undefined))?.disconnect(adminTimeoutMs));
  }

  /** The client for a kind of requests. @throws KafkaError if no broker answers in time */
  protected connected(kind: Questions): Promise<Client<NativeProducer>> {
    const known = this.#clients.get(kind);
    if (known) return known;
    const log = this.#log;
    const connecting = connect<NativeProducer>(
      {
        kind: 'admin',
        create: native.Producer,
        properties: this.#properties(),
        log,
        onFault: ({ message }) => log.debug({ kind: 'admin' }, message),
      },
      adminTimeoutMs,
    );
    this.#clients.set(kind, connecting);
    connecting.catch(() => {
      if (this.#clients.get(kind) === connecting) this.#clients.delete(kind);
    });
    return connecting;
  }

  async #unsupported(what: string): Promise<never> {
    throw refuse(notSupported, `${what}: not supported with ${this.#lacking}`);
  }
}

/** Whether the address accepts a connection. */
function takesConnection(host: string, port: number, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, timeout: limitMs });
    const settle = (isUp: boolean): void => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('timeout', () => settle(false));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

const isReplaced = (error: unknown): boolean => error instanceof KafkaError && error.code === KafkaCode.brokerReplaced;
