// Reads a stream onwards from a position in every partition, in the stream's order.
import type { Message } from '../../ports.js';
import { mergeForward } from './log-merge.js';
import type { Marks } from './marks.js';
import { comparePlaced, type Placed, withLevels } from './place.js';
import type { Ranges } from './range-reader.js';
import type { Cut } from './time-line.js';
import type { TopicTail } from './topic-tail.js';

export interface Read {
  readonly messages: readonly Message[];
  /** Where to continue. */
  readonly next: Cut;
}

/** Messages after a position, at most max: fewer if they are large. */
export async function readOn(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  { offsets, level }: Cut,
  max: number,
): Promise<Read> {
  const stretches = marks.map(({ partition, low, high }) => {
    return { partition, from: Math.max(low, offsets.get(partition) ?? low), to: high };
  });
  const read = await mergeForward({ reader, topic, stretches, max, level });
  return { messages: read.messages, next: { offsets: new Map([...offsets, ...read.positions]), level: read.level } };
}

/** The same from a tail's memory; undefined if it does not hold enough. */
export function readKept(tail: TopicTail, from: Cut, max: number): Read | undefined {
  const messages = tail.since(from.offsets);
  return messages && merge(messages, from, max);
}

/** The first messages of several partitions, each ascending by offset. The rest is returned next time. */
export function merge(messages: readonly Message[], { offsets, level }: Cut, max: number): Read {
  const lists = new Map<number, Message[]>();
  for (const message of messages) {
    const list = lists.get(message.partition);
    if (list) list.push(message);
    else lists.set(message.partition, [message]);
  }
  const placed = [...lists.values()].flatMap((list): Placed[] => withLevels(list, level));
  const first = placed.sort(comparePlaced).slice(0, max);
  const after = new Map(offsets);
  for (const { message } of first) after.set(message.partition, message.offset + 1);
  return {
    messages: first.map(({ message }) => message),
    next: { offsets: after, level: first.at(-1)?.level ?? level },
  };
}
