// The list <key>:processing: elements of a plain list that LMOVE has handed out and LREM has not acknowledged yet. Redis' reliable queue.
import type { Message } from '../../../core/ports.js';
import type { Pending } from '../../../core/streams/group/pending.js';
import type { StreamGroup } from '../../../core/streams/group/stream-group.js';
import { fail } from '../../../errors.js';
import type { Context } from '../../command/context.js';
import { messagesOf } from '../entry-reply.js';
import { listKey, processing } from '../lists.js';

const suffix = ':processing';

const empty = Buffer.alloc(0);

/** The list whose elements are in this one; undefined: it is no list of elements in processing. */
export function sourceOf(key: Buffer): Buffer | undefined {
  if (key.length <= suffix.length || !key.subarray(-suffix.length).equals(Buffer.from(suffix))) return undefined;
  return key.subarray(0, -suffix.length);
}

/** @throws GatewayError `list-move` unless one is the other's list of elements in processing */
export function checkMove(from: Buffer, to: Buffer): 'takes' | 'returns' {
  if (sourceOf(to)?.equals(from)) return 'takes';
  if (sourceOf(from)?.equals(to)) return 'returns';
  throw fail('list-move', from.toString(), to.toString());
}

interface Held {
  readonly entry: Pending;
  readonly value: Buffer;
}

/** The elements in processing of a list that is read here, the oldest first. @throws GatewayError `memory-limit`; KafkaError */
export async function held(ctx: Context, source: Buffer): Promise<{ group: StreamGroup | undefined; held: Held[] }> {
  const { kafkaGroup, topic } = listKey(ctx, source);
  const group = ctx.server.gateway.streams.groups.find(kafkaGroup, topic);
  const entries = group?.pendingOf(processing) ?? [];
  const handed = entries.map((entry) => ({ entry, message: entry.message }));
  const messages: (Message | undefined)[] = entries.length > 0 ? await messagesOf(ctx, topic, handed) : [];
  const elements = entries.flatMap((entry, index): Held[] => {
    const message = messages[index];
    return message ? [{ entry, value: message.value ?? empty }] : [];
  });
  return { group, held: elements };
}

/** How many there are. */
export function heldCount(ctx: Context, source: Buffer): number {
  const { kafkaGroup, topic } = listKey(ctx, source);
  const group = ctx.server.gateway.streams.groups.find(kafkaGroup, topic);
  return group?.pendingCounts().get(processing) ?? 0;
}

/** Acknowledges elements with this value. @param count how many, from the end if negative; 0: all @returns how many */
export async function removeHeld(ctx: Context, source: Buffer, count: number, value: Buffer): Promise<number> {
  const found = await held(ctx, source);
  const equal = found.held.filter((each) => each.value.equals(value)).map(({ entry }) => entry);
  if (count < 0) equal.reverse();
  const entries = count === 0 ? equal : equal.slice(0, Math.abs(count));
  const { group } = found;
  const otherwise = (): number => entries.filter(({ partition, offset }) => group?.ack(partition, offset)).length;
  if (!ctx.transaction) return otherwise();
  const { kafkaGroup, topic } = listKey(ctx, source);
  return ctx.transaction.acknowledgeEntries({ group, kafkaGroup, topic, entries, otherwise, needsOne: true });
}

/** Gives the oldest element back to its list. @returns its value; null: there is none */
export async function returnHeld(ctx: Context, source: Buffer): Promise<Buffer | null> {
  const { group, held: elements } = await held(ctx, source);
  const [oldest] = elements;
  if (!oldest) return null;
  group?.release([oldest.entry], true);
  return oldest.value;
}
