// The Producer port on librdkafka.

import { longestMs } from '../../core/longest.js';
import {
  type Header,
  KafkaCode,
  type KafkaFault,
  type Producer,
  type ProducerOptions,
  type ProducerRecord,
} from '../../core/ports.js';
import { after } from '../../io/clock.js';
import type { Log } from '../../log.js';
import { tooOldFor } from '../broker-version.js';
import { type Client, connect } from '../client.js';
import { refuse, wrap } from '../fault.js';
import { type NativeError, type NativeHeaders, type NativeProducer, native } from '../native.js';
import { type ClientProperties, isIdempotent } from '../properties.js';
import type { LingerScheduler } from './linger-scheduler.js';
import type { ProduceBudget, Spender } from './produce-budget.js';
import { RecordAccumulator } from './record-accumulator.js';
import type { RecordBatchOptions } from './record-batch.js';
import { Reports } from './reports.js';

/** An empty Buffer with an address: one without becomes null (a tombstone) in librdkafka. */
const empty = Buffer.from('x').subarray(0, 0);

/** Larger records are passed to librdkafka one by one. */
const mostBatchedBytes = 16_384;
/** librdkafka's overhead for a record, bytes. */
const recordBytes = 256;
/** How long librdkafka may take to report purged records, ms. */
const purgeMs = 1_000;
/** librdkafka's own default. */
const defaultQueueMessages = 100_000;

/** @throws KafkaError if a property is refused or no broker answers within timeoutMs. */
export async function openProducer(
  options: ProducerOptions,
  properties: ClientProperties,
  log: Log,
  timeoutMs: number,
  lingerScheduler: LingerScheduler,
  budget?: ProduceBudget,
): Promise<Producer> {
  const reports = new Reports(options);
  let opened: NativeProducer | undefined;
  const client = await connect<NativeProducer>(
    {
      kind: 'producer',
      create: native.Producer,
      properties: {
        ...properties,
        global: { ...properties.global, 'delivery.report.only.error': String(options.reports === 'errors') },
      },
      log,
      onFault: (fault) => options.onFault?.(withRelease(fault, opened)),
      events: { reports_cb: () => reports.collect() },
    },
    timeoutMs,
  );
  opened = client.native;
  reports.attach(client.native);
  return new RdProducer(client, reports, properties, { lingerMs: options.lingerMs ?? 0, lingerScheduler }, budget);
}

/** The binding does not say that this fault ends the producer, nor of which release the brokers are that cannot serve it. */
function withRelease(fault: KafkaFault, native: NativeProducer | undefined): KafkaFault {
  const versions = fault.code === KafkaCode.unsupportedFeature ? native?.brokerApis() : undefined;
  const message = versions ? tooOldFor('idempotence', versions) : undefined;
  return message === undefined ? fault : { ...fault, message, fatal: true };
}

class RdProducer implements Producer, Spender {
  readonly #client: Client<NativeProducer>;
  readonly #native: NativeProducer;
  readonly #reports: Reports;
  readonly #accumulator: RecordAccumulator;
  /** Maximum key and value size of a batched record, bytes. */
  readonly #batchedBytes: number;
  readonly #budget: ProduceBudget | undefined;
  /** Keys and headers since nothing was in flight, which librdkafka does not count, and the largest of one record, bytes. */
  #besides = 0;
  #largestBesides = 0;
  #lastHeaders: readonly Header[] = [];
  #lastNative: NativeHeaders = [];
  /** The brokers are new enough, or an idempotent producer ends by itself when they are not. */
  #takesHeaders: boolean;
  #closing: Promise<void> | undefined;
  /** The client is closing or closed: a call would block the event loop behind its disconnect. */
  #closed = false;
  /** Pending transaction calls. */
  readonly #asked = new Set<Promise<void>>();

  constructor(
    client: Client<NativeProducer>,
    reports: Reports,
    { global }: ClientProperties,
    lingerScheduler: Pick<RecordBatchOptions, 'lingerMs' | 'lingerScheduler'>,
    budget: ProduceBudget | undefined,
  ) {
    this.#budget = budget;
    budget?.add(this);
    this.#client = client;
    this.#native = client.native;
    this.#reports = reports;
    this.#takesHeaders = isIdempotent(global);
    const queueMessages = Number(global['queue.buffering.max.messages'] ?? defaultQueueMessages);
    // librdkafka: 0 means no limit.
    this.#accumulator = new RecordAccumulator(client.native, {
      queueMessages: queueMessages || Number.POSITIVE_INFINITY,
      ...lingerScheduler,
      onRefused: (number, topic, code) => reports.refused(number, topic, code),
    });
    this.#batchedBytes = Math.min(mostBatchedBytes, Number(global['message.max.bytes'] ?? mostBatchedBytes));
  }

  produce(record: ProducerRecord, tag?: unknown): void {
    if (this.#closing) throw closedError();
    if (!this.#takesHeaders && record.headers?.length) this.#checkHeaders();
    if (this.#budget && !this.#hasRoom(this.#budget, record)) throw queueFull;
    const number = this.#reports.expect(tag);
    const code = this.#isBatched(record)
      ? this.#produceBatched(record, number, tag !== undefined)
      : this.#produceAlone(record, number);
    if (code === 0) return;
    this.#reports.forget(number);
    throw code === KafkaCode.queueFull ? queueFull : wrap(code);
  }

  get heldBytes(): number {
    if (this.pending === 0) {
      this.#besides = this.#largestBesides = 0;
      return 0;
    }
    const besides = Math.min(this.#besides, this.pending * this.#largestBesides);
    return this.#accumulator.bytes + (this.#native.outqBytes?.() ?? 0) + besides;
  }

  #hasRoom(budget: ProduceBudget, { key, value, headers }: ProducerRecord): boolean {
    let besides = key?.length ?? 0;
    if (headers !== undefined) for (const header of headers) besides += header.key.length + (header.value?.length ?? 0);
    if (!budget.take(recordBytes + besides + (value?.length ?? 0))) return false;
    this.#besides += besides;
    if (besides > this.#largestBesides) this.#largestBesides = besides;
    return true;
  }

  /** librdkafka would leave headers out for a broker that cannot take them. @throws KafkaError then; queueFull until it is known */
  #checkHeaders(): void {
    const versions = this.#native.brokerApis();
    if (versions === null) throw queueFull;
    const text = tooOldFor('headers', versions);
    if (text !== undefined) throw refuse(KafkaCode.unsupportedFeature, text);
    this.#takesHeaders = true;
  }

  #isBatched({ key, value, partition, timestamp, headers }: ProducerRecord): boolean {
    return (
      partition === undefined &&
      timestamp === undefined &&
      !headers?.length &&
      (key?.length ?? 0) + (value?.length ?? 0) <= this.#batchedBytes
    );
  }

  /** @returns librdkafka's error code. */
  #produceBatched({ topic, key, value }: ProducerRecord, number: number, isAwaited: boolean): number {
    return this.#accumulator.add(topic, key, value, number, isAwaited) ? 0 : KafkaCode.queueFull;
  }

  /** After batched records. @returns librdkafka's error code. */
  #produceAlone({ topic, partition, key, value, timestamp, headers }: ProducerRecord, number: number): number {
    if (!this.#accumulator.submit(topic)) return KafkaCode.queueFull;
    return this.#native.produce(
      topic,
      partition ?? -1,
      value !== null && value.length === 0 ? empty : value,
      key !== null && key.length === 0 ? empty : key,
      timestamp ?? null,
      number,
      headers?.length ? this.#nativeHeaders(headers) : undefined,
    );
  }

  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#closed) return true;
    await this.#flushQueue(timeoutMs);
    // Reports that the flush polled on its own thread.
    await this.#reports.drain();
    const isEmpty = this.#accumulator.isEmpty && this.#native.outqLen() === 0;
    // Reports that another flush polled since.
    if (isEmpty) await this.#reports.drain();
    return this.#closed || isEmpty;
  }

  get pending(): number {
    return this.#closed ? 0 : this.#accumulator.count + this.#native.outqLen();
  }

  async purge(): Promise<boolean> {
    if (this.#closed || !this.#native.purge) return false;
    this.#accumulator.giveUp();
    this.#native.purge();
    await this.flush(purgeMs);
    return true;
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    await this.flush(timeoutMs);
    this.#closed = true;
    this.#budget?.delete(this);
    // The native close waits for pending calls of transactions, but their results come before the end if there is time.
    await within(Promise.allSettled(this.#asked), deadline - performance.now());
    this.#accumulator.stop();
    this.#reports.detach();
    await this.#client.disconnect(Math.max(1000, deadline - performance.now()));
  }

  initTransactions(timeoutMs: number): Promise<void> {
    return this.#ask((callback) => this.#native.initTransactions(timeoutMs, callback));
  }

  beginTransaction(): Promise<void> {
    return this.#ask((callback) => this.#native.beginTransaction(callback));
  }

  async commitTransaction(timeoutMs: number): Promise<void> {
    if (!this.#accumulator.isEmpty) await this.#flushQueue(timeoutMs);
    return this.#ask((callback) => this.#native.commitTransaction(timeoutMs, callback));
  }

  abortTransaction(timeoutMs: number): Promise<void> {
    this.#accumulator.submit();
    return this.#ask((callback) => this.#native.abortTransaction(timeoutMs, callback));
  }

  sendOffsets(...[positions, member, timeoutMs]: Parameters<Producer['sendOffsets']>): Promise<void> {
    return this.#ask((callback) => this.#native.sendOffsets(positions, member, timeoutMs, callback));
  }

  async #ask(call: (callback: (error: NativeError | null | undefined) => void) => void): Promise<void> {
    if (this.#closed) throw closedError();
    const asked = this.#client.ask<void>(call);
    this.#asked.add(asked);
    try {
      await asked;
    } finally {
      this.#asked.delete(asked);
    }
  }

  /** Neighbours often share one list of headers: it is translated once. */
  #nativeHeaders(headers: readonly Header[]): NativeHeaders {
    if (headers !== this.#lastHeaders) {
      this.#lastHeaders = headers;
      this.#lastNative = toNative(headers);
    }
    return this.#lastNative;
  }

  /** Batched records are retried as librdkafka's queue drains. */
  async #flushQueue(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const isHandedOver = this.#accumulator.submit();
      const left = Math.ceil(deadline - performance.now());
      // A flush, even without a wait, breaks up lingering batches.
      if (left <= 0 || (isHandedOver && this.#native.outqLen() === 0)) return;
      await this.#reports.during(
        new Promise((resolve) => this.#native.flush(Math.min(left, longestMs), () => resolve())),
      );
      if (isHandedOver || this.#closed) return;
    }
  }
}

/** Resolves with the work, or when the time is up. */
async function within(work: Promise<unknown>, limitMs: number): Promise<void> {
  let cancel = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = after(Math.max(0, limitMs), resolve);
  });
  await Promise.race([work, late]);
  cancel();
}

/** One shared error: callers held back by a full queue retry often, and a stack each time would cost more than the record. */
const queueFull = wrap(KafkaCode.queueFull);

const closedError = () => refuse(KafkaCode.state, 'The producer is closed');

function toNative(headers: readonly Header[]): NativeHeaders {
  return headers.map(({ key, value }) => ({ [key]: value }));
}
