// XPENDING key group [[IDLE min-idle] start end count [consumer]]  ->  a summary, or [[id, consumer, idle ms, deliveries], ...]
// Shows the members in this gateway: those of another gateway are seen there.
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Command } from '../command/context.js';
import { existingGroup } from '../streams/group.js';
import { atGroup } from '../streams/group-routing.js';
import { compareIds, formatId, type IdRange, idOf, lowestId, parseBound } from '../streams/ids.js';
import { groupKey } from '../streams/key.js';
import { nullArray, type Reply } from '../wire/reply.js';

interface Query {
  readonly range: IdRange;
  readonly minIdle: number;
  readonly count: number;
  readonly consumer: string | undefined;
}

export const xpending = {
  name: 'xpending',
  arity: -3,
  prefix: 'ERR',
  group: 'stream',
  flags: ['readonly'],
  summary: 'Returns pending entries of a consumer group: a summary, or one by one.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
    { name: 'min-idle-time', type: 'integer', token: 'IDLE', optional: true },
    { name: 'start end count', type: 'string', optional: true },
    { name: 'consumer', type: 'string', optional: true },
  ],
  async run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const query = args.left === 0 ? undefined : readQuery(args);
    return atGroup(ctx, at, args, async () => {
      const group = await existingGroup(ctx, at, 'group-or-stream-missing');
      return query ? list(group, query) : summary(group);
    });
  },
} as const satisfies Command;

function readQuery(args: Args): Query {
  // As in Redis, which counts the words and ignores those after the consumer.
  if (args.left > 6) throw fail('syntax');
  const minIdle = args.option('IDLE') ? args.integer() : 0;
  if (args.left < 3) throw fail('syntax');
  const bounds = [args.bytes(), args.bytes()] as const;
  const count = args.integer();
  const range = { from: parseBound(bounds[0], 'start'), to: parseBound(bounds[1], 'end') };
  return { range, minIdle, count: Math.max(0, count), consumer: args.left > 0 ? args.text() : undefined };
}

function list(group: StreamGroup | undefined, { range, minIdle, count, consumer }: Query): Reply {
  if (!group || count === 0) return [];
  const now = group.now();
  const found: Reply[] = [];
  for (const entry of group.pendingFrom(range.from, consumer)) {
    if (found.length >= count || compareIds(idOf(entry), range.to) > 0) break;
    const idle = now - entry.deliveredAt;
    if (idle >= minIdle) found.push([formatId(entry), entry.member, Math.max(0, idle), entry.deliveries]);
  }
  return found;
}

function summary(group: StreamGroup | undefined): Reply {
  const first = group?.pendingFrom(lowestId).next().value;
  if (!group || !first) return [0, null, null, nullArray];
  const members = [...group.pendingCounts()].sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    members.reduce((sum, [, count]) => sum + count, 0),
    formatId(first),
    formatId(group.lastPending!),
    members.map(([name, count]) => [name, String(count)]),
  ];
}
