// The record accumulator: a producer's records before librdkafka, one batch per topic.
import type { NativeProducer } from '../native.js';
import { RecordBatch, type RecordBatchOptions } from './record-batch.js';

/** Topics with a batch at once: a further topic replaces the one whose batch is oldest. */
const mostTopics = 8;

/** Records of different topics need no order: with a batch for each, alternating topics are batched as well. */
export class RecordAccumulator {
  readonly #native: NativeProducer;
  readonly #options: RecordBatchOptions;
  readonly #byTopic = new Map<string, RecordBatch>();
  #lastTopic = '';
  #last: RecordBatch | undefined;

  constructor(native: NativeProducer, options: RecordBatchOptions) {
    this.#native = native;
    this.#options = options;
  }

  get isEmpty(): boolean {
    for (const batch of this.#byTopic.values()) if (!batch.isEmpty) return false;
    return true;
  }

  /** As RecordBatch.add(). */
  add(topic: string, key: Buffer | null, value: Buffer | null, number: number, isUrgent: boolean): boolean {
    return this.#of(topic)?.add(topic, key, value, number, isUrgent) ?? false;
  }

  /** Sends the batch of a topic, or all. @returns false if librdkafka's queue is full. */
  submit(topic?: string): boolean {
    if (topic !== undefined) return this.#byTopic.get(topic)?.submit() ?? true;
    let isHandedOver = true;
    for (const batch of this.#byTopic.values()) isHandedOver = batch.submit() && isHandedOver;
    return isHandedOver;
  }

  /** Records that are not sent yet. */
  get count(): number {
    let count = 0;
    for (const batch of this.#byTopic.values()) count += batch.count;
    return count;
  }

  /** Memory that they take. */
  get bytes(): number {
    let bytes = 0;
    for (const batch of this.#byTopic.values()) bytes += batch.bytes;
    return bytes;
  }

  /** Reports unsent records as failed. */
  giveUp(): void {
    for (const batch of this.#byTopic.values()) batch.giveUp();
  }

  /** Sends no more: the producer closes. */
  stop(): void {
    for (const batch of this.#byTopic.values()) batch.stop();
  }

  #of(topic: string): RecordBatch | undefined {
    if (this.#last && topic === this.#lastTopic) return this.#last;
    const batch = this.#byTopic.get(topic) ?? this.#given(topic);
    if (!batch) return undefined;
    this.#lastTopic = topic;
    this.#last = batch;
    return batch;
  }

  #given(topic: string): RecordBatch | undefined {
    let batch: RecordBatch | undefined;
    if (this.#byTopic.size < mostTopics) batch = new RecordBatch(this.#native, this.#options);
    else {
      const [oldest, its] = this.#byTopic.entries().next().value!;
      // Its retained records would be overtaken.
      if (!its.submit()) return undefined;
      this.#byTopic.delete(oldest);
      batch = its;
    }
    this.#byTopic.set(topic, batch);
    return batch;
  }
}
