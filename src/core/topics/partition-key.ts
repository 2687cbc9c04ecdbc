import type { TopicPartition } from '../ports.js';

/** Identifies a partition in maps. */
export const partitionKey = (topic: string, partition: number): string => `${topic}:${partition}`;

/** partitionKey() for many messages in a row, where neighbours mostly share a partition: the text is made once for them. */
export function partitionKeys(): (at: TopicPartition) => string {
  let last: TopicPartition | undefined;
  let key = '';
  return (at) => {
    if (at.partition !== last?.partition || at.topic !== last.topic) key = partitionKey(at.topic, at.partition);
    last = at;
    return key;
  };
}
