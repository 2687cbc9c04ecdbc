// XINFO GROUPS and XINFO CONSUMERS.
import type { Member } from '../../../core/streams/group/members.js';
import type { Command } from '../../command/context.js';
import { existingGroup, marksOfExisting } from '../../streams/group.js';
import { atGroup } from '../../streams/group-routing.js';
import { groupsOf } from '../../streams/group-status.js';
import { groupKey, readTopic } from '../../streams/key.js';
import { mapOf, type Reply } from '../../wire/reply.js';

const common = { prefix: 'ERR', group: 'stream', flags: ['readonly'], since: '5.0.0', keys: [2, 2, 1] } as const;

/** `XINFO GROUPS key` -> for each group: name, consumers and pending (of this gateway), last-delivered-id, entries-read, lag. */
export const groups = {
  ...common,
  name: 'groups',
  arity: 3,
  summary: 'Returns the consumer groups of a stream.',
  args: [{ name: 'key', type: 'key' }],
  async run(ctx, args) {
    const topic = readTopic(ctx, args.bytes());
    const marks = await marksOfExisting(ctx, topic, 'stream-missing');
    return (await groupsOf(ctx, topic, marks)).map((group) =>
      mapOf({
        name: group.name,
        consumers: group.open?.members.length ?? 0,
        pending: group.open?.pending ?? 0,
        'last-delivered-id': group.lastDeliveredId,
        'entries-read': group.entriesRead,
        lag: group.lag,
      }),
    );
  },
} satisfies Command;

/** `XINFO CONSUMERS key group` -> for each member in this gateway: name, pending, idle and inactive ms. See docs/decisions/0004. */
export const consumers = {
  ...common,
  name: 'consumers',
  arity: 4,
  summary: 'Returns the members of a consumer group in this gateway.',
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
  ],
  run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    return atGroup(ctx, at, args, async () => {
      await marksOfExisting(ctx, at.topic, 'stream-missing');
      const group = await existingGroup(ctx, at, 'group-missing');
      if (!group) return [];
      const now = group.now();
      const pending = group.pendingCounts();
      const members = [...group.members].sort((one, other) => (one.name < other.name ? -1 : 1));
      return members.map((member): Reply => consumerReply(member, pending.get(member.name) ?? 0, now));
    });
  },
} satisfies Command;

function consumerReply({ name, seenAt, activeAt }: Member, pending: number, now: number): Reply {
  const inactive = activeAt < 0 ? -1 : now - activeAt;
  return mapOf({ name, pending, idle: Math.max(0, now - seenAt), inactive });
}
