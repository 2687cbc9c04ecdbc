// The Producer port on librdkafka.
import {
  type DeliveryReport,
  type Header,
  KafkaCode,
  type Producer,
  type ProducerOptions,
  type ProducerRecord,
} from '../core/ports.js';
import type { Log } from '../log.js';
import { type Client, connect } from './client.js';
import { faultFrom, refuse, wrap } from './fault.js';
import { type NativeError, type NativeHeaders, type NativeProducer, type NativeReport, native } from './native.js';
import { drainReports, ReportPoller } from './poller.js';
import type { ClientProperties } from './properties.js';

/** An empty Buffer that has an address: one without becomes a null (a tombstone) in librdkafka. */
const empty = Buffer.from('x').subarray(0, 0);

/** @throws KafkaError when a property is refused or no broker answers within timeoutMs. */
export async function openProducer(
  options: ProducerOptions,
  properties: ClientProperties,
  log: Log,
  timeoutMs: number,
): Promise<Producer> {
  const reporter = new Reporter(options);
  const onlyErrors = options.reports === 'errors';
  const client = await connect<NativeProducer>(
    {
      kind: 'producer',
      create: native.Producer,
      properties: {
        ...properties,
        global: { ...properties.global, 'delivery.report.only.error': String(onlyErrors) },
      },
      log,
      onFault: (fault) => options.onFault?.(fault),
      events: { delivery_cb: reporter.take },
    },
    timeoutMs,
  );
  return onlyErrors ? new RdProducer(client, reporter, false) : new RdProducer(client, reporter, true);
}

/** Counts what is in flight and hands reports on. */
class Reporter {
  /** Only meaningful when every record is reported. */
  inFlight = 0;
  emitted = 0;
  readonly #options: ProducerOptions;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  readonly take = (error: NativeError | null, report: NativeReport): void => {
    this.emitted++;
    if (this.#options.reports === 'all') {
      // Reports have been seen twice after a repeated connect: more than was produced is ignored.
      if (this.inFlight === 0) return;
      this.inFlight--;
    }
    this.#options.onReport(toReport(error, report), report.opaque);
  };
}

function toReport(
  error: NativeError | null,
  { topic, partition, offset, timestamp = -1 }: NativeReport,
): DeliveryReport {
  return error
    ? { topic, partition, offset: -1, timestamp, error: faultFrom(error) }
    : { topic, partition, offset, timestamp };
}

class RdProducer implements Producer {
  readonly #client: Client<NativeProducer>;
  readonly #native: NativeProducer;
  readonly #reporter: Reporter;
  readonly #poller: ReportPoller;
  readonly #all: boolean;
  #lastHeaders: readonly Header[] = [];
  #lastNative: NativeHeaders = [];
  #closing: Promise<void> | undefined;
  /** The client is going or gone: a call would block the loop behind its disconnect. */
  #closed = false;

  constructor(client: Client<NativeProducer>, reporter: Reporter, all: boolean) {
    this.#client = client;
    this.#native = client.native;
    this.#reporter = reporter;
    this.#all = all;
    this.#poller = new ReportPoller(client.native, () => this.#isIdle());
  }

  produce(record: ProducerRecord, tag?: unknown): void {
    if (this.#closing) throw closedError();
    const { value, key, headers } = record;
    const code = this.#native.produce(
      record.topic,
      record.partition ?? -1,
      value !== null && value.length === 0 ? empty : value,
      key !== null && key.length === 0 ? empty : key,
      record.timestamp ?? null,
      // With errors only, an opaque would leak for every delivered record.
      this.#all ? tag : undefined,
      headers === undefined || headers.length === 0 ? undefined : this.#nativeHeaders(headers),
    );
    if (code !== 0) throw code === KafkaCode.queueFull ? queueFull : wrap(code);
    this.#reporter.inFlight++;
    this.#poller.produced();
  }

  hurry(): void {
    this.#poller.hurry(() => (this.#all ? this.#reporter.inFlight > 0 : (this.#native.outqLen?.() ?? 0) > 0));
  }

  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#closed) return true;
    const flushed = await this.#flushQueue(timeoutMs);
    await drainReports(() => this.#reporter.emitted);
    return this.#all ? this.#reporter.inFlight === 0 : flushed;
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    await this.flush(timeoutMs);
    this.#closed = true;
    this.#poller.stop();
    await this.#client.disconnect(Math.max(1000, deadline - performance.now()));
  }

  initTransactions(timeoutMs: number): Promise<void> {
    return this.#ask((callback) => this.#native.initTransactions(timeoutMs, callback));
  }

  beginTransaction(): Promise<void> {
    return this.#ask((callback) => this.#native.beginTransaction(callback));
  }

  commitTransaction(timeoutMs: number): Promise<void> {
    return this.#ask((callback) => this.#native.commitTransaction(timeoutMs, callback));
  }

  abortTransaction(timeoutMs: number): Promise<void> {
    return this.#ask((callback) => this.#native.abortTransaction(timeoutMs, callback));
  }

  async #ask(call: (callback: (error: NativeError | null | undefined) => void) => void): Promise<void> {
    if (this.#closed) throw closedError();
    await this.#client.ask<void>(call);
  }

  /** Neighbours often share one list of headers: it is translated once. */
  #nativeHeaders(headers: readonly Header[]): NativeHeaders {
    if (headers !== this.#lastHeaders) {
      this.#lastHeaders = headers;
      this.#lastNative = toNative(headers);
    }
    return this.#lastNative;
  }

  /** Idle without having waited: nothing queued or in flight. */
  async #isIdle(): Promise<boolean> {
    return this.#all ? this.#reporter.inFlight === 0 : this.#flushQueue(0);
  }

  #flushQueue(timeoutMs: number): Promise<boolean> {
    if (this.#closed || this.#native.outqLen?.() === 0) return Promise.resolve(true);
    if (timeoutMs === 0 && this.#native.outqLen) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#native.flush(Math.max(0, Math.ceil(timeoutMs)), (error) => resolve(!error));
    });
  }
}

/** One for all: callers that are held back by a full queue try again and again, and a stack each time would cost more than the record. */
const queueFull = wrap(KafkaCode.queueFull);

const closedError = () => refuse(KafkaCode.state, 'The producer is closed');

function toNative(headers: readonly Header[]): NativeHeaders {
  return headers.map(({ key, value }) => ({ [key]: value }));
}
