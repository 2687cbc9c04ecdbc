// Entries as replies: [id, [field, value, ...]], in the shapes of RESP2 and RESP3.
import type { Message } from '../../core/ports.js';
import type { Handed, Pending } from '../../core/streams/pending.js';
import type { Context } from '../context.js';
import { MapReply, nullArray, type Reply } from '../reply.js';
import { recordToFields } from './fields.js';
import { formatId } from './ids.js';

export const entryReply = (message: Message): Reply => [formatId(message), recordToFields(message)];

/** The answer of XREAD and XREADGROUP: for each stream its entries; none at all: null. */
export function streamsReply(
  ctx: Context,
  streams: readonly (readonly [key: Buffer, entries: readonly Reply[]])[],
): Reply {
  if (streams.length === 0) return nullArray;
  return ctx.protocol === 3 ? new MapReply(streams.flat()) : streams;
}

/** Entries on their way to a member, those without their message read again. Null fields: Kafka has the record no more. */
export function handedReply(ctx: Context, topic: string, handed: readonly Handed[]): Reply[] | Promise<Reply[]> {
  const missing: Pending[] = [];
  for (const { entry, message } of handed) if (!message) missing.push(entry);
  if (missing.length > 0) return reload(ctx, topic, handed, missing);
  return handed.map(({ message }) => entryReply(message!));
}

async function reload(
  ctx: Context,
  topic: string,
  handed: readonly Handed[],
  missing: readonly Pending[],
): Promise<Reply[]> {
  const loaded = await ctx.server.gateway.streams.load(topic, missing);
  return handed.map(({ entry, message }) => {
    const found = message ?? loaded.get(entry);
    return found ? entryReply(found) : [formatId(entry), nullArray];
  });
}
