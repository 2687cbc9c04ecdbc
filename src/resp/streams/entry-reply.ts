// Entries as replies: [id, [field, value, ...]], in the shapes of RESP2 and RESP3.
import { messageBytes } from '../../core/message-bytes.js';
import type { Message } from '../../core/ports.js';
import type { Handed, Pending } from '../../core/streams/group/pending.js';
import type { Context } from '../command/context.js';
import { MapReply, nullArray, type Reply } from '../wire/reply.js';
import { recordToFields } from './fields.js';
import { formatId } from './ids.js';

export const entryReply = (message: Message): Reply => [formatId(message), recordToFields(message)];

/** Parts of an entry's reply. */
const entryBytes = 400;

/** Memory of an entry's reply beside its message: the reply is copied when it is written. */
const replyBytes = (message: Message): number => messageBytes(message) + entryBytes;

/** Reserves memory for the replies of these messages. @throws GatewayError `memory-limit` */
function takeReplies(ctx: Context, messages: readonly (Message | undefined)[]): void {
  let bytes = 0;
  for (const message of messages) if (message) bytes += replyBytes(message);
  ctx.memory.take(bytes);
}

/** Entries as replies. @throws GatewayError `memory-limit` */
export function entryReplies(ctx: Context, messages: readonly Message[]): Reply[] {
  takeReplies(ctx, messages);
  return messages.map(entryReply);
}

/** Values alone; a tombstone's is empty. @throws GatewayError `memory-limit` */
export function valuesReply(ctx: Context, messages: readonly Message[]): Buffer[] {
  takeReplies(ctx, messages);
  return messages.map(({ value }) => value ?? Buffer.alloc(0));
}

/** The answer of XREAD and XREADGROUP: entries by stream; null if there are none at all. */
export function streamsReply(
  ctx: Context,
  streams: readonly (readonly [key: Buffer, entries: readonly Reply[]])[],
): Reply {
  if (streams.length === 0) return nullArray;
  return ctx.protocol === 3 ? new MapReply(streams.flat()) : streams;
}

/**
 * The messages of entries on their way to a member, read again if they are not in memory: at most as many as one reply may have.
 * Undefined: Kafka no longer has it. Memory for their replies is reserved.
 * @throws GatewayError `kafka-unavailable`, `memory-limit`
 */
export async function messagesOf(
  ctx: Context,
  topic: string,
  handed: readonly Handed[],
): Promise<(Message | undefined)[]> {
  const missing = handed.filter(({ message }) => !message).map(({ entry }) => entry);
  const { streams } = ctx.server.gateway;
  const loaded = missing.length > 0 ? await streams.load(topic, missing, ctx.memory) : undefined;
  const messages = handed.map(({ entry, message }) => message ?? loaded?.get(entry));
  takeReplies(ctx, messages);
  return messages;
}

/** Pending entries for redelivery. */
export const handedAgain = (entries: readonly Pending[]): Handed[] =>
  entries.map((entry) => ({ entry, message: entry.message }));

/** Entries on their way to a member. Null fields: Kafka no longer has the record. @throws GatewayError as messagesOf() */
export function handedReply(ctx: Context, topic: string, handed: readonly Handed[]): Reply[] | Promise<Reply[]> {
  if (handed.every(({ message }) => message)) {
    return entryReplies(
      ctx,
      handed.map(({ message }) => message!),
    );
  }
  return messagesOf(ctx, topic, handed).then((messages) =>
    messages.map((message, index) => (message ? entryReply(message) : [formatId(handed[index]!.entry), nullArray])),
  );
}
