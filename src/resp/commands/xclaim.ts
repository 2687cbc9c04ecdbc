// XCLAIM key group consumer min-idle id [id ...] [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id]  ->  entries or ids
// Moves pending entries to another member of the group in this gateway. FORCE also takes entries that are read and not handed out yet;
// an acknowledged entry cannot become pending again.

import type { Member } from '../../core/streams/group/members.js';
import { type Pending, ReplyRoom } from '../../core/streams/group/pending.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { fail } from '../../errors.js';
import { type Args, parseInteger } from '../command/args.js';
import type { Command, Context } from '../command/context.js';
import { claim, claimedReply, openClaim } from '../streams/claim.js';
import { atGroup } from '../streams/group-routing.js';
import { type EntryId, parseId } from '../streams/ids.js';
import { type GroupKey, groupKey } from '../streams/key.js';
import type { Reply } from '../wire/reply.js';

interface Options {
  idle: number | undefined;
  time: number | undefined;
  retryCount: number | undefined;
  force: boolean;
  justId: boolean;
}

export const xclaim = {
  name: 'xclaim',
  arity: -6,
  prefix: 'ERR',
  group: 'stream',
  flags: ['write', 'fast'],
  summary: 'Moves pending entries to another member of the group.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
    { name: 'consumer', type: 'string' },
    { name: 'min-idle-time', type: 'string' },
    { name: 'id', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const consumer = args.text();
    const minIdle = parseInteger(args.bytes());
    return atGroup(ctx, at, args, () => claimIds(ctx, at, consumer, minIdle, args));
  },
} as const satisfies Command;

async function claimIds(
  ctx: Context,
  at: GroupKey,
  consumer: string,
  minIdle: number | undefined,
  args: Args,
): Promise<Reply> {
  const opened = await openClaim(ctx, at, consumer);
  if (minIdle === undefined) throw fail('stream-argument', 'Invalid min-idle-time argument for XCLAIM');
  const { ids, options } = readRest(args);
  if (!opened) return [];
  const { group, member, now } = opened;
  const deliveredAt = options.time ?? now - (options.idle ?? 0);
  const room = new ReplyRoom();
  const take = (entry: Pending): Pending[] => {
    if (!options.justId) room.take(entry);
    return [entry];
  };
  const entries = ids.flatMap(({ partition, offset }) => {
    // Entries that exceed the reply stay with their member.
    if (room.isFull) return [];
    const entry = group.find(partition, offset);
    if (!entry) return options.force ? forced(group, partition, offset, member, options).flatMap(take) : [];
    if (now - entry.deliveredAt < Math.max(0, minIdle) || group.givesUp(entry)) return [];
    claim(group, entry, member, { ...options, deliveredAt: Math.min(deliveredAt, now) });
    return take(entry);
  });
  return (await claimedReply(ctx, group, entries, options.justId)).replies;
}

function forced(group: StreamGroup, partition: number, offset: number, member: Member, options: Options): Pending[] {
  const entry = group.force(partition, offset, member);
  if (!entry) return [];
  if (options.retryCount !== undefined) entry.deliveries = options.retryCount;
  return [entry];
}

/** Ids first, as long as they parse as ids; then options. */
function readRest(args: Args): { ids: EntryId[]; options: Options } {
  const ids: EntryId[] = [];
  const options: Options = { idle: undefined, time: undefined, retryCount: undefined, force: false, justId: false };
  let inIds = true;
  for (const [index, bytes] of args.argv.entries()) {
    if (index < 5) continue;
    const text = bytes.toString('latin1');
    if (inIds && /^[0-9]/.test(text)) {
      ids.push(parseId(bytes));
      args.bytes();
    } else inIds = false;
  }
  while (args.left > 0) {
    if (args.option('FORCE')) options.force = true;
    else if (args.option('JUSTID')) options.justId = true;
    else if (args.left > 1 && args.option('IDLE'))
      options.idle = number(args, 'Invalid IDLE option argument for XCLAIM');
    else if (args.left > 1 && args.option('TIME'))
      options.time = number(args, 'Invalid TIME option argument for XCLAIM');
    else if (args.left > 1 && args.option('RETRYCOUNT')) {
      options.retryCount = Math.max(0, number(args, 'Invalid RETRYCOUNT option argument for XCLAIM'));
    } else if (args.left > 1 && args.option('LASTID')) parseId(args.bytes());
    else throw fail('stream-argument', `Unrecognized XCLAIM option '${args.text()}'`);
  }
  return { ids, options };
}

function number(args: Args, complaint: string): number {
  const value = parseInteger(args.bytes());
  if (value === undefined) throw fail('stream-argument', complaint);
  return value;
}
