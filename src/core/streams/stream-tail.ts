// Reading a stream onwards from a place in every partition: what is there by now, merged by id without leaving a partition's order.
import type { Message } from '../ports.js';
import { mergeForward } from './log-merge.js';
import { comparePlaces, placeOf } from './place.js';
import type { Ranges } from './range-reader.js';
import type { Marks } from './stream-log.js';
import type { Positions, TopicTail } from './topic-tail.js';

export interface Read {
  readonly messages: readonly Message[];
  /** Where to go on. */
  readonly positions: Positions;
}

/** What has come since these positions, at most max: fewer where the messages are large. */
export async function readOn(
  reader: Ranges,
  topic: string,
  marks: readonly Marks[],
  positions: Positions,
  max: number,
): Promise<Read> {
  const stretches = marks.map(({ partition, low, high }) => {
    return { partition, from: Math.max(low, positions.get(partition) ?? low), to: high };
  });
  const read = await mergeForward({ reader, topic, stretches, max });
  return { messages: read.messages, positions: new Map([...positions, ...read.positions]) };
}

/** The same out of what a tail keeps; undefined when it does not keep enough. */
export function readKept(tail: TopicTail, positions: Positions, max: number): Read | undefined {
  const messages = tail.since(positions);
  return messages && merge(messages, positions, max);
}

/** Messages of several partitions, each partition's ascending by offset. */
export function merge(messages: readonly Message[], positions: Positions, max: number): Read {
  const lists = new Map<number, Message[]>();
  for (const message of messages) {
    const list = lists.get(message.partition);
    if (list) list.push(message);
    else lists.set(message.partition, [message]);
  }
  return merged([...lists.values()], positions, max);
}

/** By id, but never a record before one of its own partition that lies in front of it: what is left over comes next time. */
function merged(lists: readonly (readonly Message[])[], positions: Positions, max: number): Read {
  const after = new Map(positions);
  const heads = lists.filter((list) => list.length > 0).map((list) => ({ list, at: 0, place: placeOf(list[0]!) }));
  const messages: Message[] = [];
  while (heads.length > 0 && messages.length < max) {
    let least = heads[0]!;
    for (const head of heads) if (comparePlaces(head.place, least.place) < 0) least = head;
    const message = least.list[least.at++]!;
    messages.push(message);
    after.set(message.partition, message.offset + 1);
    const next = least.list[least.at];
    if (next) least.place = placeOf(next);
    else heads.splice(heads.indexOf(least), 1);
  }
  return { messages, positions: after };
}
