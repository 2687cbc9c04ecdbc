// The messages of one consumeBatch(): two buffers packed by the binding's worker thread, unpacked without a native call. See docs/decisions/0001.
import type { Header, Message, TopicPartitionOffset } from '../../core/ports.js';
import type { NativeError } from '../native.js';

/** The result of one wait; an error may accompany messages. */
export interface Batch {
  readonly error: NativeError | undefined;
  readonly messages: Message[];
  /** Partitions that were read to their end (with enable.partition.eof). */
  readonly ends: TopicPartitionOffset[];
}

const noHeaders: readonly Header[] = Object.freeze([]);
const noBytes = Buffer.alloc(0);

/**
 * Unpacks a batch; the values are views of its one buffer.
 * @param bytes keys, values and headers one behind the other
 * @param fields of each message: topic's index, partition, offset, timestamp, length of key and of value (-1: null), number of
 * headers (-1: the end of the partition instead of a message); then of each header the length of its name and of its value
 */
export function unpack(
  bytes: Buffer | null,
  fields: Buffer | null,
  topics: readonly string[],
): Pick<Batch, 'messages' | 'ends'> {
  const messages: Message[] = [];
  const ends: TopicPartitionOffset[] = [];
  if (fields === null) return { messages, ends };
  const numbers = new Float64Array(fields.buffer, fields.byteOffset, fields.byteLength / 8);
  const source = bytes ?? noBytes;
  let start = 0;
  const next = (length: number): Buffer | null => {
    if (length < 0) return null;
    start += length;
    return source.subarray(start - length, start);
  };
  for (let at = 0; at < numbers.length; ) {
    const topic = topics[numbers[at++]!]!;
    const partition = numbers[at++]!;
    const offset = numbers[at++]!;
    const timestamp = numbers[at++]!;
    const key = next(numbers[at++]!);
    const value = next(numbers[at++]!);
    const count = numbers[at++]!;
    if (count < 0) {
      ends.push({ topic, partition, offset });
      continue;
    }
    let headers = noHeaders;
    if (count > 0) {
      const list: Header[] = [];
      for (let i = 0; i < count; i++) {
        const name = String(next(numbers[at++]!));
        list.push({ key: name, value: next(numbers[at++]!) });
      }
      headers = list;
    }
    messages.push({ topic, partition, offset, timestamp, key, value, headers });
  }
  return { messages, ends };
}
