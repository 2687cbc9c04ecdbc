// XINFO STREAM key [FULL [COUNT n]]  ->  length, first and last entry, groups; FULL: entries, groups with their pending entries

import { lengthOf } from '../../../core/streams/log/marks.js';
import { readBackward, readForward, streamLog } from '../../../core/streams/log/stream-log.js';
import { fail } from '../../../errors.js';
import type { Args } from '../../command/args.js';
import type { Command } from '../../command/context.js';
import { entryReplies } from '../../streams/entry-reply.js';
import { marksOfExisting } from '../../streams/group.js';
import { type GroupFacts, groupsOf } from '../../streams/group-status.js';
import { formatId, wholeStream } from '../../streams/ids.js';
import { readTopic } from '../../streams/key.js';
import { mapOf, type Reply } from '../../wire/reply.js';

export const stream = {
  name: 'stream',
  arity: -3,
  prefix: 'ERR',
  group: 'stream',
  flags: ['readonly'],
  summary: 'Returns information about a stream.',
  since: '5.0.0',
  keys: [2, 2, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'full', type: 'pure-token', token: 'FULL', optional: true },
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
  ],
  async run(ctx, args) {
    const topic = readTopic(ctx, args.bytes());
    const { streams, settings } = ctx.server.gateway;
    const { maxRange } = settings.streams;
    const ranges = streams.ranges.within(ctx.memory);
    const count = readOptions(args, maxRange);
    const marks = await marksOfExisting(ctx, topic, 'stream-missing');
    const log = streamLog(ranges, topic, marks);
    const [last] = await readBackward(log, { ...wholeStream, max: 1 });
    const entriesAdded = marks.reduce((sum, { high }) => sum + high, 0);
    const [first, ...more] = await readForward(log, { ...wholeStream, max: count ?? 1 });
    const common = {
      length: lengthOf(marks),
      'radix-tree-keys': marks.length,
      'radix-tree-nodes': marks.length + 1,
      'last-generated-id': last ? formatId(last) : '0-0',
      'max-deleted-entry-id': '0-0',
      'entries-added': entriesAdded,
      'recorded-first-entry-id': first ? formatId(first) : '0-0',
    };
    const groups = await groupsOf(ctx, topic, marks, count === undefined ? 0 : maxRange);
    if (count === undefined) {
      return mapOf({
        ...common,
        groups: groups.length,
        'first-entry': first ? entryReplies(ctx, [first])[0]! : null,
        'last-entry': last ? entryReplies(ctx, [last])[0]! : null,
      });
    }
    const entries = first ? entryReplies(ctx, [first, ...more]) : [];
    return mapOf({ ...common, entries, groups: groups.map((group) => fullGroup(group, count)) });
  },
} satisfies Command;

/** @returns undefined without FULL. */
function readOptions(args: Args, mostEntries: number): number | undefined {
  const { left } = args;
  if (left === 0) return undefined;
  if ((left !== 1 && left !== 3) || !args.option('FULL')) {
    throw fail('stream-argument', "unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.");
  }
  if (left === 1) return 10;
  if (!args.option('COUNT')) throw fail('syntax');
  const count = args.integer();
  // As in Redis 0 means all; here as many as a range may have.
  return count > 0 ? Math.min(count, mostEntries) : count === 0 ? mostEntries : 10;
}

function fullGroup({ name, open, lastDeliveredId, entriesRead, lag }: GroupFacts, count: number): Reply {
  const entries = open?.entries ?? [];
  return mapOf({
    name,
    'last-delivered-id': lastDeliveredId,
    'entries-read': entriesRead,
    lag,
    'pel-count': open?.pending ?? 0,
    pending: entries
      .slice(0, count)
      .map(({ id, member, deliveredAt, deliveries }) => [id, member, deliveredAt, deliveries]),
    consumers: (open?.members ?? []).map((member) => {
      const own = entries.filter((entry) => entry.member === member.name).slice(0, count);
      return mapOf({
        name: member.name,
        'seen-time': member.seenAt,
        'active-time': member.activeAt,
        'pel-count': member.pending,
        pending: own.map(({ id, deliveredAt, deliveries }) => [id, deliveredAt, deliveries]),
      });
    }),
  });
}
