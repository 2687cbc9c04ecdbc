// The record accumulator: a producer's records before librdkafka, one batch per topic.
import type { NativeProducer } from '../native.js';
import { Pack, type PackOptions } from './record-batch.js';

/** Topics with a batch at once: a further topic replaces the one whose batch is oldest. */
const mostTopics = 8;

/** Records of different topics need no order: with a batch for each, alternating topics are batched as well. */
export class Packs {
  readonly #native: NativeProducer;
  readonly #options: PackOptions;
  readonly #byTopic = new Map<string, Pack>();
  #lastTopic = '';
  #last: Pack | undefined;

  constructor(native: NativeProducer, options: PackOptions) {
    this.#native = native;
    this.#options = options;
  }

  get isEmpty(): boolean {
    for (const pack of this.#byTopic.values()) if (!pack.isEmpty) return false;
    return true;
  }

  /** As Pack.add(). */
  add(topic: string, key: Buffer | null, value: Buffer | null, number: number, isUrgent: boolean): boolean {
    return this.#of(topic)?.add(topic, key, value, number, isUrgent) ?? false;
  }

  /** Sends the batch of a topic, or all. @returns false if librdkafka's queue is full. */
  submit(topic?: string): boolean {
    if (topic !== undefined) return this.#byTopic.get(topic)?.submit() ?? true;
    let isHandedOver = true;
    for (const pack of this.#byTopic.values()) isHandedOver = pack.submit() && isHandedOver;
    return isHandedOver;
  }

  /** Records that are not sent yet. */
  get count(): number {
    let count = 0;
    for (const pack of this.#byTopic.values()) count += pack.count;
    return count;
  }

  /** Memory that they take. */
  get bytes(): number {
    let bytes = 0;
    for (const pack of this.#byTopic.values()) bytes += pack.bytes;
    return bytes;
  }

  /** Reports unsent records as failed. */
  giveUp(): void {
    for (const pack of this.#byTopic.values()) pack.giveUp();
  }

  /** Sends no more: the producer closes. */
  stop(): void {
    for (const pack of this.#byTopic.values()) pack.stop();
  }

  #of(topic: string): Pack | undefined {
    if (this.#last && topic === this.#lastTopic) return this.#last;
    const pack = this.#byTopic.get(topic) ?? this.#given(topic);
    if (!pack) return undefined;
    this.#lastTopic = topic;
    this.#last = pack;
    return pack;
  }

  #given(topic: string): Pack | undefined {
    let pack: Pack | undefined;
    if (this.#byTopic.size < mostTopics) pack = new Pack(this.#native, this.#options);
    else {
      const [oldest, its] = this.#byTopic.entries().next().value!;
      // Its retained records would be overtaken.
      if (!its.submit()) return undefined;
      this.#byTopic.delete(oldest);
      pack = its;
    }
    this.#byTopic.set(topic, pack);
    return pack;
  }
}
