// TopicTail: new messages of a topic, for all listeners in this gateway, from one consumer without a group.
import { sleep } from '../../clock.js';
import { isLasting, isOfTopic } from '../../lasting-fault.js';
import { messageBytes } from '../../message-bytes.js';
import {
  type Admin,
  type Clock,
  type Consumer,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Message,
} from '../../ports.js';
import { guard } from '../../promises.js';
import type { TopicCatalog } from '../../topics/topic-catalog.js';
import { type Marks, marksOf } from './marks.js';

export interface TailContext {
  readonly kafka: KafkaFactory;
  readonly admin: Admin;
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly onFault: (fault: KafkaFault) => void;
  /** A topic was deleted and created again while it was followed. */
  readonly onRemade: (topic: string) => void;
  /** Called for errors that are not Kafka's: the tail continues. */
  readonly onBug: (error: unknown) => void;
  /** Bytes of recent messages kept for readers that continue. */
  readonly keepBytes: number;
}

/** The next offset of each partition. */
export type Positions = ReadonlyMap<number, number>;

const pollMs = 500;
const batchMessages = 256;
const connectMs = 10_000;
/** Pause before a missing topic, or an unreachable broker, is tried again, ms. */
const retryMs = 1_000;
/** How soon a broker refuses a topic without read permission, ms. */
const refusalMs = 3_000;
/** Interval of looking for new partitions, ms. */
const partitionCheckMs = 10_000;

const properties = { 'fetch.wait.max.ms': 50, 'fetch.queue.backoff.ms': 5, 'auto.offset.reset': 'earliest' };

export class TopicTail {
  readonly topic: string;
  /** Resolves when everything from then on is heard; also if that is impossible (the topic is missing or the tail closed). */
  readonly ready: Promise<void>;
  readonly #context: TailContext;
  readonly #listeners = new Set<(messages: readonly Message[]) => void>();
  readonly #positions = new Map<number, number>();
  /** The recent messages, by arrival, and where each partition's begin. */
  #kept: Message[] = [];
  #keptBytes = 0;
  readonly #keptFrom = new Map<number, number>();
  #closed = false;
  /** The fault that prevents reading, until an operator fixes it. */
  #fault: KafkaFault | undefined;
  /** Why no position is taken: what comes meanwhile would be missed. */
  #unplaced: KafkaError | undefined;
  readonly #refused = new Set<(fault: KafkaFault) => void>();
  readonly #remade = new Set<() => void>();
  /** The topic differs from the one followed so far. */
  #isRemade = false;
  #loop: Promise<void>;

  constructor(topic: string, context: TailContext) {
    this.topic = topic;
    this.#context = context;
    let started: () => void = () => {};
    this.ready = new Promise((resolve) => {
      started = resolve;
    });
    this.#loop = this.#run(started);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Its current position; empty before it is ready. */
  get positions(): Positions {
    return this.#positions;
  }

  /** @returns a function that stops listening. */
  listen(listener: (messages: readonly Message[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The last reported fault that prevents reading, until an operator fixes it. */
  get fault(): KafkaFault | undefined {
    return this.#fault;
  }

  /** Why nothing is heard yet although the topic may exist; undefined once a position is taken in each partition. */
  get unplaced(): KafkaError | undefined {
    return this.#unplaced;
  }

  /** @param refused called if the topic cannot be read until an operator fixes the cause. @returns a function that stops the calls. */
  onRefused(refused: (fault: KafkaFault) => void): () => void {
    this.#refused.add(refused);
    return () => this.#refused.delete(refused);
  }

  /** Called when the topic was deleted and created again: everything in it is new. @returns a function that stops the calls */
  onRemade(remade: () => void): () => void {
    this.#remade.add(remade);
    return () => this.#remade.delete(remade);
  }

  /** Messages after these positions, as far as heard; undefined if not all are kept. */
  since(positions: Positions): Message[] | undefined {
    for (const [partition, from] of this.#keptFrom) if ((positions.get(partition) ?? 0) < from) return undefined;
    if (this.#keptFrom.size === 0) return undefined;
    return this.#kept.filter(({ partition, offset }) => offset >= (positions.get(partition) ?? 0));
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop;
  }

  async #run(started: () => void): Promise<void> {
    let existed = true;
    const unwatch = this.#context.catalog.ids.watch([this.topic], {
      remade: () => {
        this.#isRemade = true;
      },
    });
    while (!this.#closed) {
      try {
        if (this.#isRemade) {
          this.#beginAnew();
          existed = false;
        }
        const marks = await marksOf(this.#context.catalog, this.#context.admin, this.topic);
        this.#unplaced = undefined;
        if (marks) await this.#follow(marks, existed, started);
        existed = marks !== undefined;
      } catch (error) {
        if (error instanceof KafkaError) {
          // Of a topic that did not exist everything is new, whenever it is found.
          if (existed && this.#positions.size === 0) this.#unplaced = error;
          this.#failed(error);
        } else this.#context.onBug(error);
      }
      started();
      if (!this.#closed && !this.#isRemade) await sleep(this.#context.clock, retryMs);
    }
    unwatch();
    started();
  }

  /** The name now stands for a new topic: all of it is new. */
  #beginAnew(): void {
    this.#isRemade = false;
    this.#positions.clear();
    this.#kept = [];
    this.#keptBytes = 0;
    this.#keptFrom.clear();
    this.#context.onRemade(this.topic);
    for (const remade of [...this.#remade]) guard(remade, this.#context.onBug);
  }

  /** Until it is closed, fails, or the topic has more partitions or is another one. */
  async #follow(marks: readonly Marks[], existed: boolean, started: () => void): Promise<void> {
    const { kafka, onFault, clock } = this.#context;
    const again = this.#positions.size > 0;
    for (const { partition, low, high } of marks) {
      // A partition that was added meanwhile is read from its start.
      if (!this.#positions.has(partition)) this.#positions.set(partition, existed && !again ? high : low);
      if (!this.#keptFrom.has(partition)) this.#keptFrom.set(partition, this.#positions.get(partition)!);
    }
    let refusal: KafkaFault | undefined;
    const heard = (fault: KafkaFault): void => {
      // It needs nothing of its group.
      if (isOfTopic(fault)) refusal = fault;
      else onFault(fault);
    };
    const consumer = await kafka.consumer({ properties, onFault: heard }, connectMs);
    try {
      this.#assign(consumer);
      started();
      let checkAt = clock.monotonic() + partitionCheckMs;
      const trustedAt = clock.monotonic() + refusalMs;
      while (!this.#closed && !this.#isRemade) {
        // A new consumer gets the fault again, or can read.
        if (refusal) throw new KafkaError(refusal);
        if (clock.monotonic() > trustedAt) this.#fault = undefined;
        this.#heard(await consumer.poll(batchMessages, pollMs));
        if (clock.monotonic() < checkAt) continue;
        checkAt = clock.monotonic() + partitionCheckMs;
        const now = (await this.#context.catalog.all().catch(() => undefined))?.get(this.topic);
        if (now && now.partitions.length > this.#positions.size) return;
      }
    } finally {
      await consumer.close(1_000);
    }
  }

  #failed(error: KafkaError): void {
    this.#context.onFault(error);
    if (!isLasting(error)) return;
    this.#fault = error;
    for (const refused of [...this.#refused]) guard(() => refused(error), this.#context.onBug);
  }

  #assign(consumer: Consumer): void {
    consumer.assign([...this.#positions].map(([partition, offset]) => ({ topic: this.topic, partition, offset })));
  }

  #heard(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    this.#fault = undefined;
    for (const message of messages) {
      this.#positions.set(message.partition, message.offset + 1);
      this.#kept.push(message);
      this.#keptBytes += messageBytes(message);
    }
    this.#forget();
    // An error of one listener must not keep the messages from the others.
    for (const listener of this.#listeners) guard(() => listener(messages), this.#context.onBug);
  }

  #forget(): void {
    let drop = 0;
    while (this.#keptBytes > this.#context.keepBytes && drop < this.#kept.length) {
      const message = this.#kept[drop++]!;
      this.#keptBytes -= messageBytes(message);
      this.#keptFrom.set(message.partition, message.offset + 1);
    }
    if (drop > 0) this.#kept = this.#kept.slice(drop);
  }
}
