// The Consumer port on librdkafka.

import {
  type Consumer,
  type ConsumerOptions,
  KafkaCode,
  KafkaError,
  type KafkaFault,
  type Message,
  type MovedPosition,
  OFFSET_BEGINNING,
  OFFSET_END,
  OFFSET_NONE,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../core/ports.js';
import { own } from '../../core/promises.js';
import { after } from '../../io/clock.js';
import type { Log } from '../../log.js';
import { type Client, connect, metadata } from '../client.js';
import { check, faultFrom, refuse, wrap } from '../fault.js';
import { type NativeConsumer, type NativeError, type NativeTopicPartition, native } from '../native.js';
import type { ClientProperties } from '../properties.js';
import { takeBatch } from './poller.js';
import { Rebalancer } from './rebalance.js';

/** How long commit() waits for the broker. */
const commitTimeoutMs = 10_000;

/** Interval of checking whether a reason has arrived, ms. */
const reasonMs = 10;

/** What to do for topics before subscribing to them. */
type Prepare = (topics: readonly string[]) => Promise<void>;

/** @throws KafkaError if a property is refused or no broker answers within timeoutMs. */
export async function openConsumer(
  options: ConsumerOptions,
  properties: ClientProperties,
  log: Log,
  timeoutMs: number,
  prepare?: Prepare,
): Promise<Consumer> {
  const onFault = (fault: KafkaFault) => options.onFault?.(fault);
  // A rebalance callback only on request: with one, a member that is not polled holds up its whole group.
  const rebalancer = options.rebalance && new Rebalancer(options.rebalance, onFault);
  const client = await connect<NativeConsumer>(
    {
      kind: 'consumer',
      create: native.KafkaConsumer,
      properties,
      log,
      onFault,
      globals: rebalancer ? { rebalance_cb: rebalancer.changed } : {},
    },
    timeoutMs,
  );
  rebalancer?.attach(client.native);
  return new RdConsumer(client, options, rebalancer, prepare, startPolicyOf(properties));
}

class RdConsumer implements Consumer {
  readonly startPolicy: Consumer['startPolicy'];
  readonly #client: Client<NativeConsumer>;
  readonly #native: NativeConsumer;
  readonly #options: ConsumerOptions;
  readonly #rebalancer: Rebalancer | undefined;
  readonly #prepare: Prepare | undefined;
  #polling: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor(
    client: Client<NativeConsumer>,
    options: ConsumerOptions,
    rebalancer: Rebalancer | undefined,
    prepare: Prepare | undefined,
    startPolicy: Consumer['startPolicy'],
  ) {
    this.startPolicy = startPolicy;
    this.#prepare = prepare;
    this.#rebalancer = rebalancer;
    this.#client = client;
    this.#native = client.native;
    this.#options = options;
  }

  subscribe(topics: readonly string[]): void {
    this.#open();
    if (this.#prepare) own(this.#subscribePrepared(topics, this.#prepare), () => {});
    else check(() => this.#native.subscribe(topics));
  }

  async #subscribePrepared(topics: readonly string[], prepare: Prepare): Promise<void> {
    try {
      await prepare(topics);
      if (!this.#closing) check(() => this.#native.subscribe(topics));
    } catch (error) {
      this.#options.onFault?.(error as KafkaError);
    }
  }

  async refreshTopics(timeoutMs: number): Promise<void> {
    this.#open();
    // Of all topics: metadata of some topics does not update the group's subscription.
    await metadata(this.#client, { all: true, timeoutMs });
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    this.#open();
    check(() => this.#native.assign(positions));
  }

  assignments(): TopicPartition[] {
    if (this.#closed) return [];
    const assigned = this.#native.assignments();
    if (typeof assigned === 'number') throw wrap(assigned);
    return assigned.map(({ topic, partition }) => ({ topic, partition }));
  }

  positions(partitions: readonly TopicPartition[]): TopicPartitionOffset[] {
    this.#open();
    const found = this.#native.position(partitions.map(({ topic, partition }) => ({ topic, partition })));
    if (typeof found === 'number') throw wrap(found);
    return partitions.map(({ topic, partition }, index) => {
      const entry = found[index];
      return {
        topic,
        partition,
        offset: entry && !(entry instanceof Error) ? (entry.offset ?? OFFSET_NONE) : OFFSET_NONE,
      };
    });
  }

  poll(max: number, timeoutMs: number): Promise<Message[]> {
    const polled = this.#poll(max, timeoutMs);
    this.#polling = polled.catch(() => undefined);
    return polled;
  }

  async #poll(max: number, timeoutMs: number): Promise<Message[]> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (this.#closing) return [];
      const remaining = Math.max(0, Math.ceil(deadline - performance.now()));
      const { onEnd } = this.#options;
      const { error, messages, ends } = await takeBatch(this.#native, remaining, max);
      for (const end of ends) onEnd?.(end);
      if (error) await this.#failed(error);
      if (messages.length > 0) return messages;
      if (remaining === 0) return [];
    }
  }

  /** What consume() reports besides messages. Only an error that ends the consumer is thrown. */
  async #failed(raw: NativeError | number): Promise<void> {
    if (this.#closing) return;
    const fault = faultFrom(raw);
    if (fault.fatal) throw new KafkaError({ ...fault, message: (await this.#fatalReason()) ?? fault.message });
    // No poll for max.poll.interval.ms: librdkafka left the group and rejoins by itself with this poll.
    if (fault.code !== KafkaCode.maxPollExceeded) this.#options.onFault?.(fault);
    else if (this.#rebalancer) this.#rebalancer.lost = true;
  }

  /** librdkafka reports it in a log line, which may arrive a moment later. */
  async #fatalReason(): Promise<string | undefined> {
    for (let looks = 0; looks < 50 && this.#client.fatalReason === undefined; looks++)
      await new Promise<void>((resolve) => {
        after(reasonMs, resolve);
      });
    return this.#client.fatalReason;
  }

  storeOffset({ topic, partition, offset }: TopicPartitionOffset): void {
    this.#open();
    check(() => this.#native.storeOffset(topic, partition, offset));
  }

  async commit(positions: readonly MovedPosition[]): Promise<void> {
    this.#open();
    if (this.#options.groupId === undefined)
      throw refuse(KafkaCode.unknownGroup, 'A consumer without a group cannot commit');
    if (positions.length === 0) return;
    await this.#client.ask<void>((callback) => this.#native.commitWithResult(positions, commitTimeoutMs, callback));
  }

  async committed(partitions: readonly TopicPartition[], timeoutMs: number): Promise<TopicPartitionOffset[]> {
    this.#open();
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition }));
    return toPositions(await this.#client.ask((callback) => this.#native.committed(asked, timeoutMs, callback)));
  }

  async watermarks({ topic, partition }: TopicPartition, timeoutMs: number): Promise<{ low: number; high: number }> {
    this.#open();
    const { lowOffset, highOffset } = await this.#client.ask<{ lowOffset: number; highOffset: number }>((callback) =>
      this.#native.queryWatermarkOffsets(topic, partition, timeoutMs, callback),
    );
    return { low: lowOffset, high: highOffset };
  }

  async edges(
    partitions: readonly TopicPartition[],
    which: 'low' | 'high',
    timeoutMs: number,
  ): Promise<TopicPartitionOffset[]> {
    this.#open();
    // In Kafka's protocol these stand for times.
    const offset = which === 'low' ? OFFSET_BEGINNING : OFFSET_END;
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition, offset }));
    const found = await this.#client
      .ask<readonly (NativeTopicPartition | Error)[]>((callback) =>
        this.#native.offsetsForTimes(asked, timeoutMs, callback),
      )
      .catch((error: KafkaError) => {
        // One partition without a leader makes the whole request fail.
        if (!unled.has(error.code)) throw error;
        return this.#edgesOneByOne(partitions, which, timeoutMs);
      });
    return toKnown(found);
  }

  async #edgesOneByOne(
    partitions: readonly TopicPartition[],
    which: 'low' | 'high',
    timeoutMs: number,
  ): Promise<TopicPartitionOffset[]> {
    const asked = await Promise.allSettled(partitions.map((each) => this.watermarks(each, timeoutMs)));
    return asked.flatMap((answer, index) =>
      answer.status === 'fulfilled' ? [{ ...partitions[index]!, offset: answer.value[which] }] : [],
    );
  }

  async offsetsForTimes(times: readonly TopicPartitionOffset[], timeoutMs: number): Promise<TopicPartitionOffset[]> {
    this.#open();
    return toPositions(await this.#client.ask((callback) => this.#native.offsetsForTimes(times, timeoutMs, callback)));
  }

  async seek(position: TopicPartitionOffset, timeoutMs: number): Promise<void> {
    this.#open();
    await this.#client.ask((callback) => this.#native.seek(position, timeoutMs, callback));
  }

  groupMetadata(): Buffer | undefined {
    if (this.#closed || this.#options.groupId === undefined) return undefined;
    return this.#native.groupMetadata() ?? undefined;
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#open();
    check(() => this.#native.pause(partitions));
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#open();
    check(() => this.#native.resume(partitions));
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    // A disconnect would wait for the poll anyway, but with a second thread of the pool.
    await this.#polling;
    if (this.#rebalancer?.holding) await this.#giveBack(this.#rebalancer, deadline);
    this.#closed = true;
    await this.#client.disconnect(Math.max(1000, deadline - performance.now()));
  }

  /** Leaves the group while commits still work: once librdkafka is closing they do not. */
  async #giveBack(rebalancer: Rebalancer, deadline: number): Promise<void> {
    this.#native.unsubscribe();
    while (rebalancer.holding && performance.now() < deadline) await takeBatch(this.#native, 20, 100);
  }

  #open(): void {
    if (this.#closed) throw refuse(KafkaCode.state, 'The consumer is closed');
  }
}

/** Codes with which librdkafka reports that not all partitions have a leader. */
const unled: ReadonlySet<number> = new Set([
  KafkaCode.timedOut,
  KafkaCode.unknownPartition,
  KafkaCode.unknownTopicLocal,
  KafkaCode.leaderNotAvailable,
  KafkaCode.notLeader,
  KafkaCode.noEntry,
]);

function toKnown(list: readonly (NativeTopicPartition | Error)[]): TopicPartitionOffset[] {
  return list.flatMap((entry) =>
    entry instanceof Error || entry.offset === undefined || entry.offset < 0
      ? []
      : [{ topic: entry.topic, partition: entry.partition, offset: entry.offset }],
  );
}

function startPolicyOf({ topic }: ClientProperties): Consumer['startPolicy'] {
  const reset = topic['auto.offset.reset'] ?? 'largest';
  if (/^(smallest|earliest|beginning)$/.test(reset)) return 'earliest';
  return reset === 'error' ? 'error' : 'latest';
}

function toPositions(list: readonly (NativeTopicPartition | Error)[]): TopicPartitionOffset[] {
  return list.map((entry) => {
    if (entry instanceof Error) throw wrap(entry) satisfies KafkaError;
    return { topic: entry.topic, partition: entry.partition, offset: entry.offset ?? OFFSET_NONE };
  });
}
