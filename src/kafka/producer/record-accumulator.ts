// Packs: a producer's records on their way to librdkafka, a pack a topic.
import type { NativeProducer } from '../native.js';
import { Pack, type PackOptions } from './record-batch.js';

/** Topics that have a pack at once: one more takes the place of the one that has had its for longest. */
const mostTopics = 8;

/** Records of different topics need no order among each other: with a pack for each, topics that take turns are gathered as well. */
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

  /** Hands over what is there of a topic, or of all. @returns false when librdkafka's queue is full. */
  submit(topic?: string): boolean {
    if (topic !== undefined) return this.#byTopic.get(topic)?.submit() ?? true;
    let isHandedOver = true;
    for (const pack of this.#byTopic.values()) isHandedOver = pack.submit() && isHandedOver;
    return isHandedOver;
  }

  /** Records that are not handed over yet. */
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

  /** Reports what is not handed over as failed. */
  giveUp(): void {
    for (const pack of this.#byTopic.values()) pack.giveUp();
  }

  /** Nothing more is handed over: the producer closes. */
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
      // What it keeps would be overtaken.
      if (!its.submit()) return undefined;
      this.#byTopic.delete(oldest);
      pack = its;
    }
    this.#byTopic.set(topic, pack);
    return pack;
  }
}
