// Topics with fewer partitions on the embedded Kafka, which creates every topic with four: only the first ones are written and shown.
import { crc32 } from 'node:zlib';
import type { Producer, ProducerRecord, TopicMetadata } from '../../core/ports.js';

/** The number of partitions of the embedded Kafka's topics. */
export const mostPartitions = 4;
/** How long neighbours without a key go to one partition, ms. */
const stickyMs = 10;

export class EmbeddedPartitions {
  readonly count: number;
  #sticky = 0;
  #stickyUntil = 0;

  /** @param count partitions of a topic; a larger number counts as all. */
  constructor(count: number) {
    this.count = Math.min(count, mostPartitions);
  }

  /** The same producer, which writes to the first partitions only. */
  limit(producer: Producer): Producer {
    if (this.count === mostPartitions) return producer;
    const produce = producer.produce.bind(producer);
    return Object.assign(producer, {
      produce: (record: ProducerRecord, tag?: unknown) => produce(this.#placed(record), tag),
    });
  }

  /** A topic without the partitions that are never written. */
  shown(topic: TopicMetadata): TopicMetadata {
    return { ...topic, partitions: topic.partitions.filter(({ partition }) => partition < this.count) };
  }

  #placed(record: ProducerRecord): ProducerRecord {
    if (record.partition !== undefined) return record;
    return { ...record, partition: record.key === null ? this.#next() : crc32(record.key) % this.count };
  }

  #next(): number {
    const now = performance.now();
    if (now > this.#stickyUntil) {
      this.#sticky = (this.#sticky + 1) % this.count;
      this.#stickyUntil = now + stickyMs;
    }
    return this.#sticky;
  }
}
