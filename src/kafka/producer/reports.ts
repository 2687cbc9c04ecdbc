// Reports: the delivery reports of one producer, fetched many at a time when librdkafka signals them.
import { setImmediate as turn } from 'node:timers/promises';
import type { ProducerOptions } from '../../core/ports.js';
import { faultOf } from '../fault.js';
import type { NativeProducer } from '../native.js';

/** Of one report: the tag's number, the topic's index, partition, offset, timestamp, error code. */
const fields = 6;
/** Fetched with one native call. */
const batch = 128;
/** Calls per turn of the event loop: other work gets its turn. */
const callsPerTurn = 16;

/**
 * No polling: librdkafka signals the event loop when reports are queued, and one native call drains them as plain numbers. (An object for
 * each report costs more than producing; a timer adds its interval to every report.)
 */
export class Reports {
  readonly #options: ProducerOptions;
  readonly #all: boolean;
  readonly #numbers = new Float64Array(batch * fields);
  readonly #topics: string[] = [];
  /** Tags of records in flight, by number; 0 means none. Numbers are reused. */
  readonly #tags: unknown[] = [undefined];
  readonly #free: number[] = [];
  #native: NativeProducer | undefined;
  #flushes = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#all = options.reports === 'all';
  }

  /** The producer is connected. */
  attach(native: NativeProducer): void {
    this.#native = native;
    // Faults while it connected.
    this.collect();
  }

  /** The producer is closing: no more calls. */
  detach(): void {
    this.#native = undefined;
  }

  /** Stores the tag of a record before it is produced. @returns the number that its report carries. */
  expect(tag: unknown): number {
    // With reports of failures only, nothing would say when a number is free again.
    if (tag === undefined || !this.#all) return 0;
    const number = this.#free.pop() ?? this.#tags.length;
    this.#tags[number] = tag;
    return number;
  }

  /** No report will carry this number: the record was refused. */
  forget(number: number): void {
    if (number === 0) return;
    this.#tags[number] = undefined;
    this.#free.push(number);
  }

  /** Reports a record that librdkafka did not take. */
  refused(number: number, topic: string, code: number): void {
    const tag = this.#tags[number];
    this.forget(number);
    this.#options.onReport({ topic, partition: -1, offset: -1, timestamp: -1, error: faultOf(code) }, tag);
  }

  /** Waits for librdkafka's flush, which polls on a thread of its own: two polls at once would mix up the order of reports. */
  async during(flush: Promise<void>): Promise<void> {
    this.#flushes += 1;
    await flush;
    this.#flushes -= 1;
    this.collect();
  }

  /** Fetches the queued reports and passes them on, some now and the rest in the next turns. During a flush, waits for its end. */
  readonly collect = (): void => {
    if (this.#flushes > 0) return;
    if (this.#handSome()) setImmediate(this.collect);
  };

  /** The same; settles when all queued reports were passed on. */
  async drain(): Promise<void> {
    while (this.#handSome()) await turn();
  }

  /** @returns whether there are more. */
  #handSome(): boolean {
    for (let call = 0; call < callsPerTurn; call++) {
      const count = this.#native?.pollReports(this.#numbers) ?? 0;
      for (let at = 0; at < count * fields; at += fields) this.#hand(at);
      if (count < batch) return false;
    }
    return true;
  }

  #hand(at: number): void {
    const numbers = this.#numbers;
    const number = numbers[at]!;
    const tag = this.#tags[number];
    this.forget(number);
    const topic = this.#topicOf(numbers[at + 1]!);
    const partition = numbers[at + 2]!;
    const timestamp = numbers[at + 4]!;
    const error = numbers[at + 5]!;
    this.#options.onReport(
      error === 0
        ? { topic, partition, offset: numbers[at + 3]!, timestamp }
        : { topic, partition, offset: -1, timestamp, error: faultOf(error) },
      tag,
    );
  }

  #topicOf(index: number): string {
    this.#topics[index] ??= this.#native!.reportTopic(index);
    return this.#topics[index];
  }
}
