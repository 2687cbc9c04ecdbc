// node-rdkafka's C++ binding as this folder uses it: the types of its calls, and the only place that loads it. See docs/decisions/0001.
//
// The binding is used without node-rdkafka's own JavaScript layer: that layer emits an event per message and per
// report, lower-cases librdkafka's error texts and drops error codes; all of it costs more than the calls themselves.
import { createRequire } from 'node:module';

/** How the binding's worker threads report errors: an object with a code, or (in a few places) an Error with a text only. */
export interface NativeError {
  readonly message: string;
  readonly code?: number;
  readonly isFatal?: boolean;
  readonly isRetriable?: boolean;
  readonly isTxnRequiresAbort?: boolean;
}

export type Callback<T = void> = (error: NativeError | null | undefined, result: T) => void;

export interface NativeTopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset?: number;
}

export interface NativeMetadata {
  readonly brokers: readonly { id: number; host: string; port: number }[];
  readonly topics: readonly {
    name: string;
    partitions: readonly { id: number; leader: number; replicas: number[]; isrs: number[] }[];
  }[];
}

export type NativeHeaders = { [key: string]: Buffer | null }[];

export interface NativeEvents {
  event_cb?: (type: string, data: NativeEvent) => void;
  /** pollReports() has something to return: reports, or events for event_cb. */
  reports_cb?: () => void;
}

export interface NativeEvent {
  readonly message: string;
  readonly severity?: number;
  readonly fac?: string;
}

/** Callbacks among the properties. */
export interface NativeGlobals {
  rebalance_cb?: (code: number | undefined, partitions: readonly NativeTopicPartition[]) => void;
}

/** `false` as the first argument of configureCallbacks removes the callbacks. */
export interface NativeClient {
  configureCallbacks(add: boolean, callbacks: { global: NativeGlobals; topic: object; event: NativeEvents }): void;
  connect(callback: Callback<{ name: string }>): void;
  disconnect(callback: () => void): void;
  /** Ours (native/), of the next login with PLAIN or SCRAM. @returns false where they are of no use: it is closed, or uses another mechanism. */
  setCredentials(user: string, password: string): boolean;
  /** Ours (native/). Fails after timeoutMs, and at once if the broker that answered knows no controller. */
  awaitBroker(timeoutMs: number, callback: Callback): void;
  getMetadata(
    options: { topic: string; allTopics: boolean; timeout: number },
    callback: Callback<NativeMetadata>,
  ): void;
  queryWatermarkOffsets(
    topic: string,
    partition: number,
    timeoutMs: number,
    callback: Callback<{ lowOffset: number; highOffset: number }>,
  ): void;
  /** Partitions that failed are Error objects in the list. */
  offsetsForTimes(
    times: readonly NativeTopicPartition[],
    timeoutMs: number,
    callback: Callback<readonly (NativeTopicPartition | Error)[]>,
  ): void;
}

/** Admin requests. Each answer is JSON: admin.ts has the shapes, native/admin.cc writes them. */
export interface NativeAdminCalls {
  /** @param config keys and values alternating. -1 for partitions or replicas: the brokers' default. */
  createTopic(
    name: string,
    partitions: number,
    replicas: number,
    config: readonly string[],
    timeoutMs: number,
    callback: Callback<string>,
  ): void;
  /** Whether the controllers would create a topic of this name; it is not created. */
  validateTopic(name: string, timeoutMs: number, callback: Callback<string>): void;
  createPartitions(topic: string, total: number, timeoutMs: number, callback: Callback<string>): void;
  deleteTopic(name: string, timeoutMs: number, callback: Callback<string>): void;
  deleteRecords(before: readonly NativeTopicPartition[], timeoutMs: number, callback: Callback<string>): void;
  /** The requested offset is OFFSET_BEGINNING, OFFSET_END or a time, ms. Open transactions hide nothing. */
  listOffsets(
    asked: readonly (NativeTopicPartition & { readonly offset: number })[],
    timeoutMs: number,
    callback: Callback<string>,
  ): void;
  /** @param broker id of the broker to ask; -1: the controller. The same for the next two. */
  describeTopics(names: readonly string[], broker: number, timeoutMs: number, callback: Callback<string>): void;
  describeCluster(broker: number, timeoutMs: number, callback: Callback<string>): void;
  describeConfigs(topics: readonly string[], broker: number, timeoutMs: number, callback: Callback<string>): void;
  listGroups(timeoutMs: number, callback: Callback<string>): void;
  describeGroups(groups: readonly string[], timeoutMs: number, callback: Callback<string>): void;
  deleteGroup(group: string, timeoutMs: number, callback: Callback<string>): void;
  groupOffsets(
    group: string,
    partitions: readonly NativeTopicPartition[],
    timeoutMs: number,
    callback: Callback<string>,
  ): void;
  /** `metadata` of a position is committed with it. */
  commitGroupOffsets(
    group: string,
    positions: readonly (NativeTopicPartition & { readonly metadata: string })[],
    timeoutMs: number,
    callback: Callback<string>,
  ): void;
  deleteGroupOffsets(
    group: string,
    partitions: readonly NativeTopicPartition[],
    timeoutMs: number,
    callback: Callback<string>,
  ): void;
}

export interface NativeProducer extends NativeClient, NativeAdminCalls {
  /** @returns 0 or librdkafka's error code. */
  produce(
    topic: string,
    partition: number,
    value: Buffer | null,
    key: Buffer | null,
    timestamp: number | null,
    number: number,
    headers: NativeHeaders | undefined,
  ): number;
  /**
   * Ours, as the next three (native/). Many records of one topic (record-batch.ts has their form); error codes are written to `fields`.
   * @returns how many were refused.
   */
  produceMany(topic: string, bytes: Buffer, fields: Int32Array, count: number): number;
  /** @returns how many reports were written, six numbers each (reports.ts). */
  pollReports(into: Float64Array): number;
  /**
   * The highest version of each of Kafka's requests that all connected brokers take, by the request's number; -1: one lacks it.
   * Null while none is connected, or the client is opened or closed.
   */
  brokerApis(): number[] | null;
  /** The name behind the topic's index in a report. */
  reportTopic(index: number): string;
  /** Messages and reports not yet passed on. */
  outqLen(): number;
  /** Ours: see patches/. Memory of undelivered messages, bytes. */
  outqBytes?(): number;
  /** Ours. Gives up undelivered records: they are reported as failed. */
  purge?(): void;
  flush(timeoutMs: number, callback: Callback): void;
  initTransactions(timeoutMs: number, callback: Callback): void;
  beginTransaction(callback: Callback): void;
  commitTransaction(timeoutMs: number, callback: Callback): void;
  abortTransaction(timeoutMs: number, callback: Callback): void;
  /** Ours. @param member of groupMetadata() */
  sendOffsets(positions: readonly NativeTopicPartition[], member: Buffer, timeoutMs: number, callback: Callback): void;
}

/** Calls without a callback return 0 or librdkafka's error code, or throw. */
export interface NativeConsumer extends NativeClient {
  subscribe(topics: readonly string[]): number;
  assign(positions: readonly NativeTopicPartition[]): void;
  assignments(): NativeTopicPartition[] | number;
  position(partitions: readonly NativeTopicPartition[]): readonly (NativeTopicPartition | Error)[] | number;
  unassign(): void;
  unsubscribe(): number;
  /**
   * Waits for a first message or a partition's end, then takes those that are ready, at most max; batch.ts has the packed form.
   * `code`, `text`, `topic` and `partition` are an error that accompanied it.
   */
  consumeBatch(
    timeoutMs: number,
    max: number,
    callback: (
      error: NativeError | null,
      bytes: Buffer | null,
      fields: Buffer | null,
      topics: string[],
      code: number,
      text: string,
      topic: string,
      partition: number,
    ) => void,
  ): void;
  /** Ours: offsetsStore() of one position. */
  storeOffset(topic: string, partition: number, offset: number): number;
  /** Ours: bytes that sendOffsets() takes. */
  groupMetadata(): Buffer | null;
  /** Ours: commits now; fails with the coordinator's answer. */
  commitWithResult(positions: readonly NativeTopicPartition[], timeoutMs: number, callback: Callback): void;
  committed(
    partitions: readonly NativeTopicPartition[],
    timeoutMs: number,
    callback: Callback<readonly (NativeTopicPartition | Error)[]>,
  ): void;
  seek(position: NativeTopicPartition, timeoutMs: number, callback: Callback): void;
  pause(partitions: readonly NativeTopicPartition[]): number;
  resume(partitions: readonly NativeTopicPartition[]): number;
}

interface Binding {
  readonly Producer: new (global: object, topic: object) => NativeProducer;
  readonly KafkaConsumer: new (global: object, topic: object) => NativeConsumer;
  err2str(code: number): string;
  readonly librdkafkaVersion: string;
  /** Ours: ends the process after ms with this code, unless it has ended. @returns false if no thread could be started */
  endWithin(code: number, ms: number): boolean;
}

export const native: Binding = load();

/** @throws Error that says what to do when the addon was not built for this Node */
function load(): Binding {
  try {
    return createRequire(import.meta.url)('node-rdkafka/librdkafka.js') as Binding;
  } catch (cause) {
    const { node, modules } = process.versions;
    const what = `the Kafka client does not load on Node ${node} (ABI ${modules})`;
    throw new Error(
      `${what}: run \`npm run setup\`, and bin/with-node in place of node where that is older than 22.12`,
      {
        cause,
      },
    );
  }
}

/**
 * Ends the process after ms unless it has ended. For its exit: Node waits for the threads of libuv's pool then, and one
 * that closes a consumer whose brokers are gone may never return. See docs/decisions/0017.
 */
export function endWithin(code: number, ms: number): void {
  native.endWithin(code, ms);
}
