// Merging the partitions of a topic in the order of the stream, forward or backward, without ever passing over what was not read yet.
import { messageBytes } from '../../message-bytes.js';
import type { Message } from '../../ports.js';
import { comparePlaced, type Placed, withLevels } from './place.js';
import { type Ranges, requestBytes } from './range-reader.js';
import type { TimeLine } from './time-line.js';

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
  ahead: readonly Placed[];
  at: number;
  /** Not read yet: from `from` up to, not including, `to`. */
  from: number;
  to: number;
  /** Backward: how many offsets are read at once. */
  window: number;
  /** Forward: the level of what was read last. */
  level: number;
}

export interface Merged {
  readonly messages: readonly Message[];
  /** For each partition the offset at which the merge goes on. */
  readonly positions: ReadonlyMap<number, number>;
  /** The level of the last message. */
  readonly level: number;
}

/** What a merge is over. */
export interface MergeOf {
  readonly reader: Ranges;
  readonly topic: string;
  readonly stretches: readonly Stretch[];
  /** Of the result. */
  readonly max: number;
}

/**
 * The first messages, ascending: at most `max`, and no more than what one request may bring, but at least one where there is one.
 * @param level what all of them have at least. @throws GatewayError `kafka-unavailable`
 */
export async function mergeForward({
  reader,
  topic,
  stretches,
  max,
  level,
}: MergeOf & { readonly level: number }): Promise<Merged> {
  const lanes = stretches.map(laneOf(max, level));
  const taken = await merge(lanes, max, 1, async (dry, missing) => {
    const ranges = dry.map(({ partition, from, to }) => ({ partition, from, to, max: missing }));
    const read = await reader.read(topic, ranges);
    for (const lane of dry) {
      const { messages: found, readTo } = read.get(lane.partition)!;
      lane.from = readTo;
      lane.ahead = withLevels(found, lane.level);
      lane.level = lane.ahead.at(-1)?.level ?? lane.level;
    }
  });
  const positions = lanes.map(({ partition, ahead, at, from }): [number, number] => [
    partition,
    ahead[at]?.message.offset ?? from,
  ]);
  return { messages: taken.map(messageOf), positions: new Map(positions), level: taken.at(-1)?.level ?? level };
}

/** The last messages, descending; bounded as mergeForward(). @throws GatewayError `kafka-unavailable`, KafkaError */
export async function mergeBackward({
  reader,
  topic,
  stretches,
  max,
  line,
}: MergeOf & { readonly line: TimeLine }): Promise<Message[]> {
  // A single partition is in order whatever its levels are.
  const levels = (firsts: readonly Message[]) => (stretches.length > 1 ? line.levelsOf(firsts) : undefined);
  const taken = await merge(stretches.map(laneOf(max, 0)), max, -1, async (dry) => {
    const ranges = dry.map(({ partition, from, to, window }) => {
      return { partition, from: Math.max(from, to - window), to, max: Number.POSITIVE_INFINITY };
    });
    const read = await reader.read(topic, ranges);
    const known = await levels(ranges.flatMap(({ partition }) => read.get(partition)!.messages[0] ?? []));
    for (const [index, lane] of dry.entries()) {
      const { from, to } = ranges[index]!;
      const { messages: found, readTo } = read.get(lane.partition)!;
      if (readTo < to) {
        // The last ones are missing, which come first here: fewer at once.
        lane.window = Math.max(1, Math.floor((readTo - from) / 2));
        continue;
      }
      lane.to = from;
      lane.ahead = withLevels(found, known?.get(lane.partition) ?? 0).reverse();
      // Compaction and transaction marks leave holes: the more offsets are read at once the fewer were found.
      lane.window *= lane.ahead.length === 0 ? 4 : 2;
      if (lane.ahead.length > 0) lane.window = Math.min(lane.window, max);
    }
  });
  return taken.map(messageOf);
}

const messageOf = ({ message }: Placed): Message => message;

const laneOf =
  (window: number, level: number) =>
  ({ partition, from, to }: Stretch): Lane => ({ partition, ahead: [], at: 0, from, to, window, level });

/** @param fill reads on in lanes that have nothing ahead, with how many messages are missing */
async function merge(
  lanes: readonly Lane[],
  max: number,
  direction: 1 | -1,
  fill: (dry: readonly Lane[], missing: number) => Promise<void>,
): Promise<Placed[]> {
  const taken: Placed[] = [];
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
    const placed = lane.ahead[lane.at++]!;
    taken.push(placed);
    bytes += messageBytes(placed.message);
  }
  return taken;
}

/** The lane whose next message comes next; undefined: none has any. */
function next(lanes: readonly Lane[], direction: 1 | -1): Lane | undefined {
  let found: Lane | undefined;
  for (const lane of lanes) {
    const head = lane.ahead[lane.at];
    const best = found?.ahead[found.at];
    if (head && (!best || comparePlaced(head, best) * direction < 0)) found = lane;
  }
  return found;
}
