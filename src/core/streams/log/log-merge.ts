// Merges the partitions of a topic in the stream's order, forward or backward, and never skips what was not read yet.
import { messageBytes } from '../../message-bytes.js';
import type { Message } from '../../ports.js';
import { comparePlaced, type Placed, withLevels } from './place.js';
import { type Ranges, requestBytes } from './range-reader.js';
import type { TimeLine } from './time-line.js';

/** The offsets of one partition to merge: from `from` up to, not including, `to`. */
export interface Stretch {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** One partition in a merge: messages read and still to merge, and the range still to read. */
interface Lane {
  readonly partition: number;
  /** In merge order; those before index `at` are taken. */
  ahead: readonly Placed[];
  at: number;
  /** Not read yet: from `from` up to, not including, `to`. */
  from: number;
  to: number;
  /** Backward: how many offsets to read at once. */
  window: number;
  /** Forward: the level of the last message read. */
  level: number;
}

export interface Merged {
  readonly messages: readonly Message[];
  /** By partition, the offset at which the merge continues. */
  readonly positions: ReadonlyMap<number, number>;
  /** The level of the last message. */
  readonly level: number;
}

/** Input of a merge. */
export interface MergeOf {
  readonly reader: Ranges;
  readonly topic: string;
  readonly stretches: readonly Stretch[];
  /** For the result. */
  readonly max: number;
}

/**
 * The first messages, ascending: at most `max`, and no more than one request may return, but at least one if there is one.
 * @param level the minimum level of all of them. @throws GatewayError `kafka-unavailable`
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
        // The last ones, which come first here, are missing: read fewer at once.
        lane.window = Math.max(1, Math.floor((readTo - from) / 2));
        continue;
      }
      lane.to = from;
      lane.ahead = withLevels(found, known?.get(lane.partition) ?? 0).reverse();
      // Compaction and transaction markers leave gaps: the fewer messages were found, the more offsets are read at once.
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

/** @param fill reads on in lanes without buffered messages, given how many messages are missing */
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

/** The lane with the next message; undefined: none. */
function next(lanes: readonly Lane[], direction: 1 | -1): Lane | undefined {
  let found: Lane | undefined;
  for (const lane of lanes) {
    const head = lane.ahead[lane.at];
    const best = found?.ahead[found.at];
    if (head && (!best || comparePlaced(head, best) * direction < 0)) found = lane;
  }
  return found;
}
