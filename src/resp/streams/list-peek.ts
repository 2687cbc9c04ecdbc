// LRANGE and LINDEX: elements of a plain list, or messages of a topic, that stay where they are.
import type { Message } from '../../core/ports.js';
import { positionsOf } from '../../core/streams/group/positions.js';
import { type Marks, marksOf } from '../../core/streams/log/marks.js';
import { elementsAt } from '../../core/streams/log/peek.js';
import { TimeLine } from '../../core/streams/log/time-line.js';
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Context } from '../command/context.js';
import type { Reply } from '../wire/reply.js';
import { valuesReply } from './entry-reply.js';
import { atGroup } from './group-routing.js';
import { readTopic } from './key.js';
import { isPlainList, listKey } from './lists.js';
import { held, sourceOf } from './processing/elements.js';

const prefix = 'topics:';

interface Indexes {
  readonly start: number;
  readonly stop: number;
}

/** What is there to see of a topic: elements that were given back, and everything behind the positions. */
interface Seen {
  readonly first: readonly Message[];
  readonly positions: ReadonlyMap<number, number>;
}

/**
 * The elements between two indexes, of a plain list those that are not popped yet, or were given back.
 * @param shape makes the reply @throws GatewayError `keys-argument`, `stream-argument`, `memory-limit`; KafkaError
 */
export function peek(
  ctx: Context,
  args: Args,
  indexes: Indexes,
  shape: (values: Buffer[]) => Reply,
): Reply | Promise<Reply> {
  const key = args.argv[1]!;
  const source = sourceOf(key);
  if (source && isPlainList(ctx, source))
    return atGroup(ctx, listKey(ctx, source), args, async () => shape(await peekHeld(ctx, source, indexes)));
  if (isPlainList(ctx, key)) {
    const run = async (): Promise<Reply> => shape(await peekList(ctx, key, indexes));
    return atGroup(ctx, listKey(ctx, key), args, run);
  }
  if (key.length === prefix.length || !key.toString().startsWith(prefix)) throw fail('keys-argument', key.toString());
  return peekTopic(ctx, readTopic(ctx, key), indexes).then(shape);
}

/** Elements in processing. */
async function peekHeld(ctx: Context, source: Buffer, { start, stop }: Indexes): Promise<Buffer[]> {
  const values = (await held(ctx, source)).held.map(({ value }) => value);
  const at = (index: number): number => (index < 0 ? Math.max(0, values.length + index) : index);
  if (stop < 0 && values.length + stop < 0) return [];
  return values.slice(at(start), at(stop) + 1);
}

async function peekTopic(ctx: Context, topic: string, indexes: Indexes): Promise<Buffer[]> {
  const { catalog, admin } = ctx.server.gateway;
  const marks = await marksOf(catalog, admin, topic);
  return marks ? read(ctx, topic, marks, { first: [], positions: new Map() }, indexes) : [];
}

async function peekList(ctx: Context, key: Buffer, indexes: Indexes): Promise<Buffer[]> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const { topic, kafkaGroup } = listKey(ctx, key);
  const marks = await marksOf(catalog, admin, topic);
  if (!marks) return [];
  const { groups } = streams;
  const positions = await positionsOf({ admin, groups }, kafkaGroup, topic, marks);
  const returned = groups.find(kafkaGroup, topic)?.returned() ?? [];
  const loaded = await streams.load(topic, returned, ctx.memory);
  const first = returned.flatMap((entry) => entry.message ?? loaded.get(entry) ?? []);
  return read(ctx, topic, marks, { first, positions }, indexes);
}

async function read(
  ctx: Context,
  topic: string,
  marks: readonly Marks[],
  { first, positions }: Seen,
  { start, stop }: Indexes,
): Promise<Buffer[]> {
  const { streams, settings } = ctx.server.gateway;
  const reader = streams.ranges.within(ctx.memory);
  const stretches = marks.map(({ partition, low, high }) => {
    return { partition, from: Math.min(high, Math.max(low, positions.get(partition) ?? low)), to: high };
  });
  const line = new TimeLine(reader, topic, marks);
  const log = { topic, first, stretches, line, reader, passing: streams.ranges, signal: ctx.signal };
  return valuesReply(ctx, await elementsAt(log, start, stop, settings.streams.maxRange));
}
