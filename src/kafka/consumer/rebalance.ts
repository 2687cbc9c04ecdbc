// A consumer's part in its group's rebalances: librdkafka's callback as the port's Rebalance.
import type { KafkaFault, Rebalance, TopicPartition, TopicPartitionOffset } from '../../core/ports.js';
import { faultFrom, faultOf } from '../fault.js';
import type { NativeConsumer, NativeError, NativeTopicPartition } from '../native.js';

const assignPartitions = -175;
const fail = -196;

/** Answers each assignment and revocation in turn; the group waits for every answer. */
export class Rebalancer {
  /** Whether it holds partitions that were not given back yet. */
  holding = false;
  /** Set when other members have the partitions already. */
  lost = false;
  readonly #rebalance: Rebalance;
  readonly #onFault: (fault: KafkaFault) => void;
  #native: NativeConsumer | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(rebalance: Rebalance, onFault: (fault: KafkaFault) => void) {
    this.#rebalance = rebalance;
    this.#onFault = onFault;
  }

  attach(native: NativeConsumer): void {
    this.#native = native;
  }

  /** librdkafka's rebalance_cb. */
  readonly changed = (code: number | undefined, list: readonly NativeTopicPartition[]): void => {
    const partitions = list.map(({ topic, partition }) => ({ topic, partition }));
    this.#queue = this.#queue.then(() =>
      code === assignPartitions ? this.#assign(partitions) : this.#revoke(partitions),
    );
  };

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const starts = await this.#ask(() => this.#rebalance.assigned(partitions));
    const at = (topic: string, partition: number) =>
      starts?.find((start) => start.topic === topic && start.partition === partition)?.offset;
    this.holding = true;
    this.lost = false;
    this.#answer(
      partitions.map(({ topic, partition }): NativeTopicPartition => {
        const offset = at(topic, partition);
        return offset === undefined
          ? { topic, partition }
          : ({ topic, partition, offset } satisfies TopicPartitionOffset);
      }),
    );
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#ask(() => this.#rebalance.revoked(partitions, this.lost));
    this.#answer(undefined);
    this.holding = false;
  }

  async #ask<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      this.#onFault(faultOf(fail, error instanceof Error ? error.message : String(error)));
      return undefined;
    }
  }

  #answer(positions: readonly NativeTopicPartition[] | undefined): void {
    try {
      if (positions) this.#native?.assign(positions);
      else this.#native?.unassign();
    } catch (error) {
      // The consumer was closed meanwhile.
      this.#onFault(faultFrom(error as NativeError));
    }
  }
}
