// XAUTOCLAIM key group consumer min-idle start [COUNT n] [JUSTID]  ->  [next start, entries or ids, deleted ids]
// Goes through the pending entries of the group in this gateway and moves those that are idle long enough.
import { type Pending, ReplyRoom } from '../../core/streams/group/pending.js';
import { fail } from '../../errors.js';
import { type Args, parseInteger } from '../command/args.js';
import type { Command, Context } from '../command/context.js';
import { claim, claimedReply, openClaim } from '../streams/claim.js';
import { atGroup } from '../streams/group-routing.js';
import { type EntryId, formatId, parseBound } from '../streams/ids.js';
import { type GroupKey, groupKey } from '../streams/key.js';
import type { Reply } from '../wire/reply.js';

const start = '0-0';
/** Entries examined for each one requested, as in Redis. */
const attemptsFactor = 10;

export const xautoclaim = {
  name: 'xautoclaim',
  arity: -6,
  prefix: 'ERR',
  group: 'stream',
  flags: ['write', 'fast'],
  summary: 'Moves pending entries that are idle long enough to another member of the group.',
  since: '6.2.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
    { name: 'consumer', type: 'string' },
    { name: 'min-idle-time', type: 'string' },
    { name: 'start', type: 'string' },
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
    { name: 'justid', type: 'pure-token', token: 'JUSTID', optional: true },
  ],
  run(ctx, args): Reply | Promise<Reply> {
    const at = groupKey(ctx, args.bytes(), args.text());
    const consumer = args.text();
    const minIdle = parseInteger(args.bytes());
    if (minIdle === undefined) throw fail('stream-argument', 'Invalid min-idle-time argument for XAUTOCLAIM');
    const from = parseBound(args.bytes(), 'start');
    const { count, justId } = readOptions(args);
    return atGroup(ctx, at, args, () => autoclaim(ctx, at, { consumer, minIdle, from, count, justId }));
  },
} as const satisfies Command;

interface Wanted {
  readonly consumer: string;
  readonly minIdle: number;
  readonly from: EntryId;
  readonly count: number;
  readonly justId: boolean;
}

async function autoclaim(
  ctx: Context,
  at: GroupKey,
  { consumer, minIdle, from, count, justId }: Wanted,
): Promise<Reply> {
  const opened = await openClaim(ctx, at, consumer);
  if (!opened) return [start, [], []];
  const { group, member, now } = opened;
  const claimed: Pending[] = [];
  const room = new ReplyRoom();
  let looked = 0;
  let next: Pending | undefined;
  for (const entry of group.pendingFrom(from)) {
    if (looked >= count * attemptsFactor || claimed.length >= count || room.isFull) {
      next = entry;
      break;
    }
    looked++;
    if (now - entry.deliveredAt < Math.max(0, minIdle) || group.givesUp(entry)) continue;
    claim(group, entry, member, { justId, deliveredAt: now, retryCount: undefined });
    claimed.push(entry);
    if (!justId) room.take(entry);
  }
  const { replies, deleted } = await claimedReply(ctx, group, claimed, justId);
  return [next ? formatId(next) : start, replies, deleted];
}

function readOptions(args: Args): { count: number; justId: boolean } {
  let count = 100;
  let justId = false;
  while (args.left > 0) {
    if (args.option('JUSTID')) justId = true;
    else if (args.left > 1 && args.option('COUNT')) count = readCount(args.bytes());
    else throw fail('syntax');
  }
  return { count, justId };
}

function readCount(bytes: Buffer): number {
  const count = parseInteger(bytes);
  if (count === undefined || count < 1) throw fail('stream-argument', 'COUNT must be > 0');
  return count;
}
