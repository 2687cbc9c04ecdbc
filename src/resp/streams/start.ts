// Where reading behind an id starts in every partition, if this connection has no position for it.
import type { Marks } from '../../core/streams/log/marks.js';
import { type Cut, TimeLine } from '../../core/streams/log/time-line.js';
import type { Context } from '../command/context.js';
import { highestId, parseBehind } from './ids.js';

/**
 * An answer up to this id on any connection is continued from its positions: later records with an older time stand in front
 * of the id, and no client has seen them.
 * @param id as a client wrote it: `$` is the end. @throws KafkaError, GatewayError `kafka-unavailable`.
 */
export async function startBehind(ctx: Context, topic: string, marks: readonly Marks[], id: string): Promise<Cut> {
  const { streams } = ctx.server.gateway;
  const line = new TimeLine(streams.ranges, topic, marks);
  const edge = id === '$' ? end : parseBehind(Buffer.from(id, 'latin1'));
  const { offsets, level } = await line.cut(edge);
  if (level === 0 || edge.side === 'before') return { offsets, level };
  const answered = (await answeredUpTo(ctx, topic, id)) ?? (await skewed(ctx, topic, line, level));
  const starts = [...offsets].map(([partition, offset]): [number, number] => {
    // The record of this id exists: its own partition continues right behind it.
    if (partition === edge.id.partition) return [partition, offset];
    return [partition, Math.min(offset, answered?.get(partition) ?? offset)];
  });
  return { offsets: new Map(starts), level };
}

const end = { id: highestId, side: 'behind' } as const;

/** The position of connections here, else of other workers; undefined: none has answered this id, or it is forgotten. */
async function answeredUpTo(
  { server: { gateway, siblings } }: Context,
  topic: string,
  id: string,
): Promise<ReadonlyMap<number, number> | undefined> {
  const here = gateway.streams.cursors.ofAny(topic, id)?.offsets;
  if (here || !siblings.exist) return here;
  const answers = (await siblings.askAll('answeredUpTo', topic, id)).filter((answer) => answer !== undefined);
  if (answers.length === 0) return undefined;
  // The lowest position of all: entries read beyond it on another connection may come twice.
  const least = new Map<number, number>();
  for (const [partition, offset] of answers.flat())
    least.set(partition, Math.min(offset, least.get(partition) ?? offset));
  return least;
}

async function skewed(
  { server: { gateway } }: Context,
  topic: string,
  line: TimeLine,
  level: number,
): Promise<ReadonlyMap<number, number> | undefined> {
  const skew = await gateway.streams.topics.skewOf(topic);
  return skew > 0 ? line.firstAt(level - skew) : undefined;
}
