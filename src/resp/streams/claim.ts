// Moves pending entries between members, and makes the replies: XCLAIM and XAUTOCLAIM.
import type { Member } from '../../core/streams/group/members.js';
import type { Pending } from '../../core/streams/group/pending.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import type { Context } from '../command/context.js';
import type { Reply } from '../wire/reply.js';
import { entryReply, handedAgain, messagesOf } from './entry-reply.js';
import { existingGroup } from './group.js';
import { formatId } from './ids.js';
import type { GroupKey } from './key.js';

/** The group and the member of a claim. */
export interface Claim {
  readonly group: StreamGroup;
  readonly member: Member;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** @returns undefined if the group is not read here: nothing is pending then. @throws GatewayError `group-or-stream-missing`; KafkaError */
export async function openClaim(ctx: Context, at: GroupKey, consumer: string): Promise<Claim | undefined> {
  const group = await existingGroup(ctx, at, 'group-or-stream-missing');
  if (!group) return undefined;
  // A member must not get a socket that is closed already: its entries would never be offered again.
  if (ctx.signal.aborted) throw ctx.signal.reason;
  const now = group.now();
  const member = group.members.seen(consumer, now, ctx);
  // The socket belongs to the member until it closes: its sessions report that.
  void ctx.sessions.streams;
  return { group, member, now };
}

export interface ClaimOptions {
  readonly justId: boolean;
  /** Milliseconds since the epoch. */
  readonly deliveredAt: number;
  /** Undefined: one more than before, unless only ids are requested. */
  readonly retryCount: number | undefined;
}

/** Gives an entry to a member. */
export function claim(group: StreamGroup, entry: Pending, member: Member, options: ClaimOptions): void {
  group.claim(entry, member);
  entry.deliveredAt = options.deliveredAt;
  if (options.retryCount !== undefined) entry.deliveries = options.retryCount;
  else if (!options.justId) entry.deliveries++;
}

/** Claimed entries as replies; those that Kafka no longer has are acknowledged and omitted. */
export async function claimedReply(
  ctx: Context,
  group: StreamGroup,
  entries: readonly Pending[],
  justId: boolean,
): Promise<{ replies: Reply[]; deleted: string[] }> {
  if (justId) return { replies: entries.map(formatId), deleted: [] };
  const messages = await messagesOf(ctx, group.topic, handedAgain(entries)).catch((error: unknown) => {
    // They belong to the member, but it did not receive them.
    for (const entry of entries) if (entry.deliveries > 0) entry.deliveries--;
    throw error;
  });
  const replies: Reply[] = [];
  const deleted: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const message = messages[index];
    if (message) replies.push(entryReply(message));
    else {
      deleted.push(formatId(entry));
      group.ack(entry.partition, entry.offset);
    }
  }
  return { replies, deleted };
}
