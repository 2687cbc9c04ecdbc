// Merging the partitions of a topic by id, forward or backward, without ever passing over what was not read yet.
import { messageBytes } from '../message-bytes.js';
import type { Message } from '../ports.js';
import { comparePlaces, placeOf } from './place.js';
import { type Ranges, requestBytes } from './range-reader.js';

/** The offsets of one partition that a merge goes through: from `from` up to, not including, `to`. */
export interface Stretch {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** One partition in a merge: what was read of it and comes next, and what is still to be read. */
interface Lane {
  readonly partition: number;
  /** In the order of the merge; those in front of `at` are taken. */
  ahead: readonly Message[];
  at: number;
  /** Not read yet: from `from` up to, not including, `to`. */
  from: number;
  to: number;
  /** Backward: how many offsets are read at once. */
  window: number;
}

export interface Merged {
  readonly messages: readonly Message[];
  /** For each partition the offset at which the merge goes on. */
  readonly positions: ReadonlyMap<number, number>;
}

/** What a merge is over. */
export interface MergeOf {
  readonly reader: Ranges;
  readonly topic: string;
  readonly stretches: readonly Stretch[];
  /** Of the result. */
  readonly max: number;
  /** Chooses among the messages; absent: all. */
  readonly fits?: (message: Message) => boolean;
}

/**
 * The first messages by id, ascending, but none before one of its own partition that lies in front of it: at most `max`, and no
 * more than what one request may bring, but at least one where there is one.
 * @throws GatewayError `kafka-unavailable`
 */
export async function mergeForward({ reader, topic, stretches, max, fits = all }: MergeOf): Promise<Merged> {
  const lanes = stretches.map(laneOf(max));
  const messages = await merge(lanes, max, 1, async (dry, missing) => {
    const ranges = dry.map(({ partition, from, to }) => ({ partition, from, to, max: missing }));
    const read = await reader.read(topic, ranges);
    for (const lane of dry) {
      const { messages: found, readTo } = read.get(lane.partition)!;
      lane.from = readTo;
      lane.ahead = found.filter(fits);
    }
  });
  const positions = lanes.map(({ partition, ahead, at, from }): [number, number] => [
    partition,
    ahead[at]?.offset ?? from,
  ]);
  return { messages, positions: new Map(positions) };
}

/** The last messages by id, descending; bounded as mergeForward(). @throws GatewayError `kafka-unavailable` */
export async function mergeBackward({ reader, topic, stretches, max, fits = all }: MergeOf): Promise<Message[]> {
  return merge(stretches.map(laneOf(max)), max, -1, async (dry) => {
    const ranges = dry.map(({ partition, from, to, window }) => {
      return { partition, from: Math.max(from, to - window), to, max: Number.POSITIVE_INFINITY };
    });
    const read = await reader.read(topic, ranges);
    for (const [index, lane] of dry.entries()) {
      const { from, to } = ranges[index]!;
      const { messages: found, readTo } = read.get(lane.partition)!;
      if (readTo < to) {
        // The last ones are missing, which come first here: fewer at once.
        lane.window = Math.max(1, Math.floor((readTo - from) / 2));
        continue;
      }
      lane.to = from;
      lane.ahead = found.filter(fits).reverse();
      // Compaction and transaction marks leave holes: the more offsets are read at once the fewer were found.
      lane.window *= lane.ahead.length === 0 ? 4 : 2;
      if (lane.ahead.length > 0) lane.window = Math.min(lane.window, max);
    }
  });
}

const all = (): boolean => true;

const laneOf =
  (window: number) =>
  ({ partition, from, to }: Stretch): Lane => ({ partition, ahead: [], at: 0, from, to, window });

/** @param fill reads on in lanes that have nothing ahead, with how many messages are missing */
async function merge(
  lanes: readonly Lane[],
  max: number,
  direction: 1 | -1,
  fill: (dry: readonly Lane[], missing: number) => Promise<void>,
): Promise<Message[]> {
  const taken: Message[] = [];
  let bytes = 0;
  while (taken.length < max && bytes < requestBytes) {
    const dry = lanes.filter(({ ahead, at, from, to }) => at === ahead.length && from < to);
    if (dry.length > 0) {
      for (const lane of dry) {
        lane.ahead = [];
        lane.at = 0;
      }
      await fill(dry, max - taken.length);
      continue;
    }
    const lane = next(lanes, direction);
    if (!lane) break;
    const message = lane.ahead[lane.at++]!;
    taken.push(message);
    bytes += messageBytes(message);
  }
  return taken;
}

/** The lane whose next message comes next; undefined: none has any. */
function next(lanes: readonly Lane[], direction: 1 | -1): Lane | undefined {
  let found: Lane | undefined;
  for (const lane of lanes) {
    const head = lane.ahead[lane.at];
    const best = found?.ahead[found.at];
    if (head && (!best || comparePlaces(placeOf(head), placeOf(best)) * direction < 0)) found = lane;
  }
  return found;
}
