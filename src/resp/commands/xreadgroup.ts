// XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...]  ->  entries by stream
// `>`: new entries, first come, first served among all members; any other id: the member's own pending entries behind it.
// Without COUNT (or COUNT 0) at most 100 new entries. Without BLOCK, or when BLOCK was too short for it, a read waits for the fetch while
// there is something to deliver.

import { all } from '../../core/promises.js';
import { type Handed, type Pending, ReplyRoom } from '../../core/streams/group/pending.js';
import { committedOf } from '../../core/streams/group/positions.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { marksOf } from '../../core/streams/log/marks.js';
import { fail } from '../../errors.js';
import type { Command, Context } from '../command/context.js';
import { handedAgain, handedReply, streamsReply } from '../streams/entry-reply.js';
import { fetchWaitMs, furtherWaitMs } from '../streams/fetch-wait.js';
import { compareIds, type EntryId, idOf, parseId } from '../streams/ids.js';
import { type GroupKey, groupKey } from '../streams/key.js';
import { type ReadArgs, readReadArgs } from '../streams/read-args.js';
import { readSomewhere } from '../streams/read-routing.js';
import { waitFor } from '../streams/waiting.js';
import { nullArray, type Reply } from '../wire/reply.js';

const defaultCount = 100;

interface Wanted {
  readonly key: Buffer;
  readonly at: GroupKey;
  /** Undefined: new entries. */
  readonly after: EntryId | undefined;
}

/** A stream's entries for the caller. */
interface Found {
  readonly key: Buffer;
  readonly group: StreamGroup;
  /** New entries: they belong to the member from now on. */
  readonly handed: readonly Handed[];
  /** Makes the reply; loading begins with this call. @throws GatewayError `memory-limit` */
  readonly entries: () => Reply[] | Promise<Reply[]>;
}

export const xreadgroup = {
  name: 'xreadgroup',
  arity: -7,
  prefix: 'ERR',
  group: 'stream',
  flags: ['write', 'blocking', 'movablekeys'],
  summary: 'Reads new or pending entries of streams as a member of a consumer group.',
  since: '5.0.0',
  args: [
    { name: 'group consumer', type: 'string', token: 'GROUP' },
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
    { name: 'milliseconds', type: 'integer', token: 'BLOCK', optional: true },
    { name: 'noack', type: 'pure-token', token: 'NOACK', optional: true },
    { name: 'key', type: 'key', token: 'STREAMS', multiple: true },
    { name: 'id', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    const read = readReadArgs(ctx, args, 'xreadgroup');
    const wanted = read.keys.map((key, index): Wanted => {
      return { key, at: groupKey(ctx, key, read.group), after: readAfter(read.ids[index]!) };
    });
    const { siblings, gateway } = ctx.server;
    const { groups } = gateway.streams;
    const open = wanted.map(({ at }) => groups.find(at.kafkaGroup, at.topic));
    if (open.every((group) => group !== undefined)) return readOpen(ctx, read, wanted, open);
    if (!siblings.exist) return join(ctx, read, wanted);
    const places = wanted.map(({ at }) => at);
    return readSomewhere(ctx, read, places, (blockMs) => join(ctx, { ...read, blockMs }, wanted));
  },
} as const satisfies Command;

function readAfter(bytes: Buffer): EntryId | undefined {
  const text = bytes.toString('latin1');
  if (text === '>') return undefined;
  if (text === '$') {
    throw fail(
      'stream-argument',
      'The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.',
    );
  }
  return parseId(bytes);
}

/** Joins existing groups that are not read here yet. */
async function join(ctx: Context, read: ReadArgs, wanted: readonly Wanted[]): Promise<Reply> {
  const { gateway } = ctx.server;
  const { catalog, admin, streams } = gateway;
  const { groups } = streams;
  // A stream may be named repeatedly.
  const asked = new Set<string>();
  for (const { key, at } of wanted) {
    if (asked.has(at.topic) || groups.find(at.kafkaGroup, at.topic)) continue;
    if (ctx.signal.aborted) throw ctx.signal.reason;
    asked.add(at.topic);
    const marks = await marksOf(catalog, admin, at.topic);
    const committed = marks ? await committedOf({ admin, groups }, at.kafkaGroup, at.topic, marks) : [];
    if (committed.length === 0) throw fail('group-missing-reading', key.toString(), at.group);
  }
  if (ctx.signal.aborted) throw ctx.signal.reason;
  return readOpen(
    ctx,
    read,
    wanted,
    wanted.map(({ at }) => groups.open(at.kafkaGroup, at.topic)),
  );
}

function readOpen(
  ctx: Context,
  read: ReadArgs,
  wanted: readonly Wanted[],
  groups: readonly StreamGroup[],
): Reply | Promise<Reply> {
  // The socket belongs to the member until it closes: its sessions report that.
  void ctx.sessions.streams;
  const found = findReady(ctx, read, wanted, groups);
  if (found.length > 0) return answer(ctx, found);
  for (const group of groups) group.checkReadable();
  if (read.blockMs === undefined) return readFetched(ctx, read, wanted, groups);
  return readWaiting(ctx, read, wanted, groups, read.blockMs);
}

async function readWaiting(
  ctx: Context,
  read: ReadArgs,
  wanted: readonly Wanted[],
  groups: readonly StreamGroup[],
  blockMs: number,
): Promise<Reply> {
  const come = await wait(ctx, read, wanted, groups, blockMs);
  if (come !== nullArray) return come;
  const ms = await furtherWaitMs(ctx, groups, blockMs);
  return ms === 0 ? come : readSoon(ctx, read, wanted, groups, ms);
}

/** New entries that Kafka has and that the group has not fetched yet; null if there are none, or not soon. */
async function readFetched(
  ctx: Context,
  read: ReadArgs,
  wanted: readonly Wanted[],
  groups: readonly StreamGroup[],
): Promise<Reply> {
  return readSoon(ctx, read, wanted, groups, await fetchWaitMs(ctx, groups));
}

/** What has come meanwhile, or comes within ms. */
function readSoon(
  ctx: Context,
  read: ReadArgs,
  wanted: readonly Wanted[],
  groups: readonly StreamGroup[],
  ms: number,
): Reply | Promise<Reply> {
  if (ctx.signal.aborted) throw ctx.signal.reason;
  const found = findReady(ctx, read, wanted, groups);
  if (found.length > 0) return answer(ctx, found);
  return ms === 0 ? nullArray : wait(ctx, read, wanted, groups, ms);
}

/** Each stream's entries that are ready; a member's own pending ones always are, even if there are none. */
function findReady(ctx: Context, read: ReadArgs, wanted: readonly Wanted[], groups: readonly StreamGroup[]): Found[] {
  const found: Found[] = [];
  for (const [index, { key, after }] of wanted.entries()) {
    const group = groups[index]!;
    if (after) {
      const entries = history(ctx, read, group, after);
      found.push({ key, group, handed: [], entries: () => historyReply(ctx, group, entries) });
    } else {
      const handed = group.read(request(ctx, read, group));
      if (handed.length > 0) found.push(foundNew(ctx, key, group, handed));
    }
  }
  return found;
}

function request(ctx: Context, read: ReadArgs, group: StreamGroup) {
  return {
    member: group.members.seen(read.consumer, group.now(), ctx),
    max: read.count || defaultCount,
    noack: read.noack,
  };
}

async function wait(
  ctx: Context,
  read: ReadArgs,
  wanted: readonly Wanted[],
  groups: readonly StreamGroup[],
  blockMs: number,
): Promise<Reply> {
  const come = await waitFor<{ index: number; handed: Handed[] }>(ctx, blockMs, (resolve, refuse) => {
    // The first group with entries answers; the others hand nothing out.
    const stops = groups.map((group, index) =>
      group.wait(request(ctx, read, group), (handed) => resolve({ index, handed }), refuse),
    );
    return () => {
      for (const stop of stops) stop();
    };
  });
  if (!come) return nullArray;
  return answer(ctx, [foundNew(ctx, wanted[come.index]!.key, groups[come.index]!, come.handed)]);
}

function foundNew(ctx: Context, key: Buffer, group: StreamGroup, handed: readonly Handed[]): Found {
  return { key, group, handed, entries: () => handedReply(ctx, group.topic, handed) };
}

/** The member's own pending entries behind an id: reading them counts as a delivery. */
function history(ctx: Context, { consumer, count }: ReadArgs, group: StreamGroup, after: EntryId): Pending[] {
  group.used();
  group.members.seen(consumer, group.now(), ctx);
  const { maxRange } = ctx.server.gateway.settings.streams;
  const max = Math.min(count || maxRange, maxRange);
  const first: Pending[] = [];
  const room = new ReplyRoom();
  let looked = 0;
  for (const entry of group.pendingFrom(after, consumer)) {
    if (looked >= max || room.isFull) break;
    if (compareIds(idOf(entry), after) === 0) continue;
    looked++;
    if (group.givesUp(entry)) continue;
    room.take(entry);
    first.push(entry);
  }
  for (const entry of first) {
    entry.deliveries++;
    entry.deliveredAt = group.now();
  }
  return first;
}

function historyReply(ctx: Context, group: StreamGroup, entries: readonly Pending[]): Reply[] | Promise<Reply[]> {
  const failed = (error: unknown): never => {
    for (const entry of entries) entry.deliveries--;
    throw error;
  };
  try {
    const replies = handedReply(ctx, group.topic, handedAgain(entries));
    return replies instanceof Promise ? replies.catch(failed) : replies;
  } catch (error) {
    return failed(error);
  }
}

function answer(ctx: Context, found: readonly Found[]): Reply | Promise<Reply> {
  if (found.length > 1)
    return whenMade(
      ctx,
      found,
      all(found, async ({ key, entries }) => [key, await entries()] as const),
    );
  const { key, entries: make } = found[0]!;
  try {
    const entries = make();
    if (!(entries instanceof Promise) && !ctx.signal.aborted) return streamsReply(ctx, [[key, entries]]);
    const making = Promise.resolve(entries).then((made) => [[key, made] as const]);
    return whenMade(ctx, found, making);
  } catch (error) {
    giveBack(found);
    throw error;
  }
}

async function whenMade(
  ctx: Context,
  found: readonly Found[],
  making: Promise<readonly (readonly [key: Buffer, entries: Reply[]])[]>,
): Promise<Reply> {
  try {
    const streams = await making;
    if (ctx.signal.aborted) throw ctx.signal.reason;
    return streamsReply(ctx, streams);
  } catch (error) {
    giveBack(found);
    throw error;
  }
}

/** New entries whose reply cannot be made, or whose caller is gone, are requeued. */
function giveBack(found: readonly Found[]): void {
  for (const { group, handed } of found) {
    const entries = handed.map(({ entry }) => entry);
    group.release(
      entries.filter((entry) => group.find(entry.partition, entry.offset) === entry),
      true,
    );
  }
}
