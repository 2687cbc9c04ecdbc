// XACK key group id [id ...]  ->  number of entries acknowledged now
// From any connection, in any worker of this gateway. Only the part of an id behind the dash counts: it locates the record.
// Entries of partitions that another gateway has, and unknown ones, count 0: they are redelivered. See docs/decisions/0013.
import type { Command } from '../command/context.js';
import { ackAnywhere } from '../streams/acks.js';
import { parseId } from '../streams/ids.js';
import { groupKey } from '../streams/key.js';

export const xack = {
  name: 'xack',
  arity: -4,
  prefix: 'ERR',
  group: 'stream',
  flags: ['write', 'fast'],
  summary: 'Acknowledges entries for a consumer group.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
    { name: 'id', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const entries = args.rest().map((id) => parseId(id));
    if (!ctx.transaction) return ackAnywhere(ctx, at, entries);
    const { kafkaGroup, topic } = at;
    const group = ctx.server.gateway.streams.groups.find(kafkaGroup, topic);
    const otherwise = () => ackAnywhere(ctx, at, entries);
    return ctx.transaction.acknowledgeEntries({ group, kafkaGroup, topic, entries, otherwise });
  },
} as const satisfies Command;
