// node-rdkafka's C++ binding as this folder uses it: the types of its calls, and the only place that loads it.
//
// The binding is driven without node-rdkafka's own JavaScript layer: that layer emits an event per message and per
// report, lower-cases librdkafka's complaints and throws away error codes; all of it costs more than the calls themselves.
import { createRequire } from 'node:module';

/** How the binding's worker threads report: an object with a code, or (a few places) an Error with a text only. */
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
  readonly orig_broker_name: string;
  readonly brokers: readonly { id: number; host: string; port: number }[];
  readonly topics: readonly {
    name: string;
    partitions: readonly { id: number; leader: number; replicas: number[]; isrs: number[] }[];
  }[];
}

export type NativeHeaders = { [key: string]: Buffer | null }[];

/** What consume() gives; `headers` is absent when there are none. */
export interface NativeMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  headers?: NativeHeaders;
}

export interface NativeEvents {
  event_cb?: (type: string, data: NativeEvent) => void;
  /** pollReports() has something to bring: reports, or events for event_cb. */
  reports_cb?: () => void;
}

export interface NativeEvent {
  readonly message: string;
  readonly severity?: number;
  readonly fac?: string;
}

/** Callbacks that stand among the properties. */
export interface NativeGlobals {
  rebalance_cb?: (code: number | undefined, partitions: readonly NativeTopicPartition[]) => void;
}

/** `false` as first argument of configureCallbacks takes the callbacks off again. */
export interface NativeClient {
  configureCallbacks(add: boolean, callbacks: { global: NativeGlobals; topic: object; event: NativeEvents }): void;
  connect(callback: Callback<{ name: string }>): void;
  disconnect(callback: () => void): void;
  /** Ours, of producers only: see patches/. Fails after timeoutMs, and at once when what answered knows of no controller. */
  awaitBroker?(timeoutMs: number, callback: Callback): void;
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

export interface NativeProducer extends NativeClient {
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
   * Ours, as the next three: see patches/. Many records of one topic (pack.ts has their form); error codes are written to `fields`.
   * @returns how many were refused.
   */
  produceMany(topic: string, bytes: Buffer, fields: Int32Array, count: number): number;
  /** @returns how many reports were written, six numbers each (reports.ts). */
  pollReports(into: Float64Array): number;
  /** The name behind the topic's index in a report. */
  reportTopic(index: number): string;
  /** Messages and reports not yet handed over. */
  outqLen(): number;
  /** Ours: see patches/. Memory that messages take which are not delivered, bytes. */
  outqBytes?(): number;
  /** Ours. Gives up what is not delivered: it is reported as failed. */
  purge?(): void;
  flush(timeoutMs: number, callback: Callback): void;
  initTransactions(timeoutMs: number, callback: Callback): void;
  beginTransaction(callback: Callback): void;
  commitTransaction(timeoutMs: number, callback: Callback): void;
  abortTransaction(timeoutMs: number, callback: Callback): void;
}

/** Calls without a callback return 0 or librdkafka's error code, or throw. */
export interface NativeConsumer extends NativeClient {
  subscribe(topics: readonly string[]): number;
  assign(positions: readonly NativeTopicPartition[]): void;
  assignments(): NativeTopicPartition[] | number;
  position(partitions: readonly NativeTopicPartition[]): readonly (NativeTopicPartition | Error)[] | number;
  unassign(): void;
  unsubscribe(): number;
  /** `ends` are the partitions that were read to their end (with enable.partition.eof). */
  consume(
    timeoutMs: number,
    max: number,
    callback: (
      error: NativeError | null | undefined,
      messages?: NativeMessage[],
      ends?: NativeTopicPartition[],
    ) => void,
  ): void;
  /**
   * Waits for a first message or partition's end, then takes what is ready, at most max; see batch.ts for what it packs.
   * `code` is an error that came beside. Only in a binding that has been patched so.
   */
  consumeBatch?(
    timeoutMs: number,
    max: number,
    callback: (
      error: NativeError | null,
      bytes: Buffer | null,
      fields: Buffer | null,
      topics: string[],
      code: number,
    ) => void,
  ): void;
  /** Ours: see patches/. offsetsStore() of one position. */
  storeOffset(topic: string, partition: number, offset: number): number;
  commit(positions: readonly NativeTopicPartition[]): number;
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
  /** Ends the process after ms with this code, if it has not ended. Without our patch there is none. */
  endWithin?(code: number, ms: number): void;
}

export const native: Binding = createRequire(import.meta.url)('node-rdkafka/librdkafka.js');

/**
 * Ends the process after ms if it has not ended. For its exit: Node waits for the threads of libuv's pool then, and one
 * that closes a consumer whose brokers are gone may never come back.
 */
export function endWithin(code: number, ms: number): void {
  native.endWithin?.(code, ms);
}
