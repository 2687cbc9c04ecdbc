// Elements of a log by their indexes, counted from either end as LRANGE counts them. Nothing is taken.
import { fail } from '../../../errors.js';
import type { Message } from '../../ports.js';
import { mergeBackward, mergeForward, type Stretch } from './log-merge.js';
import type { Ranges } from './range-reader.js';
import type { TimeLine } from './time-line.js';

/** A log as it is at one moment. */
export interface PeekedLog {
  readonly topic: string;
  /** Elements in front of the stretches. */
  readonly first: readonly Message[];
  readonly stretches: readonly Stretch[];
  readonly line: TimeLine;
  /** Reads elements that are returned. */
  readonly reader: Ranges;
  /** Reads elements that are passed over: a page at a time is kept. */
  readonly passing: Ranges;
  /** Aborted when no caller waits for the result. */
  readonly signal: AbortSignal;
}

/** Elements read at once. */
const pageElements = 1_000;
/** Maximum distance of an index from the end that it is counted from: what lies in between is read. */
const deepest = 100_000;

/**
 * The elements from index start to index stop, both inclusive, ascending; -1 is the last one.
 * @param max how many are returned at most: the first ones
 * @throws GatewayError `stream-argument` for an index that is too far from its end; as RangeReader.read(); the signal's reason
 */
export function elementsAt(log: PeekedLog, start: number, stop: number, max: number): Promise<readonly Message[]> {
  // Compaction and transaction markers leave gaps: there may be fewer.
  const most = log.first.length + log.stretches.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
  const first = start < -most ? 0 : start;
  const last = Math.min(stop, most - 1);
  if (first > last && first < 0 === last < 0) return Promise.resolve([]);
  if (first >= most || last < -most) return Promise.resolve([]);
  checkDepth(first < 0 ? -first : first);
  if (last < 0) checkDepth(-last);
  else if (first < 0) checkDepth(last);
  return first < 0 ? fromTheEnd(log, -first, last, max) : fromTheStart(log, first, last, max);
}

function checkDepth(distance: number): void {
  if (distance > deepest)
    throw fail('stream-argument', `an index may be ${deepest} elements from its end of the list: read on with XRANGE`);
}

/** @param last negative: counted from the end */
async function fromTheStart(log: PeekedLog, first: number, last: number, max: number): Promise<readonly Message[]> {
  if (last >= 0) return forward(log, first, Math.min(max, last - first + 1));
  const behind = -last - 1;
  const found = await forward(log, first, max + behind);
  return found.slice(0, Math.max(0, found.length - behind));
}

/** @param count how many elements lie from the first wanted one to the end */
async function fromTheEnd(log: PeekedLog, count: number, last: number, max: number): Promise<readonly Message[]> {
  const tail = await backward(log, count);
  if (last < 0) return tail.slice(0, Math.max(0, tail.length + last + 1)).slice(0, max);
  const head = await forward(log, 0, last + 1);
  const ends = new Set(tail.map(placeOf));
  return head.filter((message) => ends.has(placeOf(message))).slice(0, max);
}

const placeOf = ({ partition, offset }: Message): string => `${partition}:${offset}`;

async function forward(log: PeekedLog, skip: number, take: number): Promise<Message[]> {
  const found = log.first.slice(skip, skip + take);
  let toSkip = Math.max(0, skip - log.first.length);
  let { stretches } = log;
  let level = 0;
  while (found.length < take) {
    log.signal.throwIfAborted();
    const reader = toSkip > 0 ? log.passing : log.reader;
    const max = Math.min(pageElements, toSkip > 0 ? toSkip : take - found.length);
    const read = await mergeForward({ reader, topic: log.topic, stretches, max, level });
    if (read.messages.length === 0) return found;
    if (toSkip > 0) toSkip -= read.messages.length;
    else found.push(...read.messages);
    level = read.level;
    stretches = stretches.map((stretch) => ({ ...stretch, from: read.positions.get(stretch.partition)! }));
  }
  return found;
}

/** The last elements, ascending. */
async function backward({ first, line, reader, signal, topic, ...log }: PeekedLog, take: number): Promise<Message[]> {
  const found: Message[] = [];
  let { stretches } = log;
  while (found.length < take) {
    signal.throwIfAborted();
    const max = Math.min(pageElements, take - found.length);
    const read = await mergeBackward({ reader, topic, stretches, max, line });
    if (read.length === 0) break;
    found.push(...read);
    // Descending: the last one of a partition is its lowest.
    const lowest = new Map(read.map(({ partition, offset }) => [partition, offset]));
    stretches = stretches.map((stretch) => ({ ...stretch, to: lowest.get(stretch.partition) ?? stretch.to }));
  }
  const missing = take - found.length;
  return [...(missing > 0 ? first.slice(-missing) : []), ...found.reverse()];
}
