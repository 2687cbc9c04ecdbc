// XACK key group id [id ...]  ->  how many entries were acknowledged now
// From any connection. Only the part of an id behind the dash counts: it says which record it is.
// Entries of partitions that another gateway has by now, and unknown ones, count nothing: they come again.
import { fail } from '../../errors.js';
import type { Command } from '../command.js';
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
    const { topic, kafkaGroup } = groupKey(ctx, args.bytes(), args.text());
    const { groups, settings } = ctx.server.gateway.streams;
    const ids = args.rest().map((id) => parseId(id));
    const open = groups.find(kafkaGroup, topic);
    if (!open) return 0;
    let acked = 0;
    for (const { partition, offset } of ids) if (open.ack(partition, offset)) acked++;
    if (settings.commit === 'async' || acked === 0) return acked;
    return open.commit().then((done) => {
      if (!done) throw fail('kafka-unavailable', 'the position could not be committed');
      return acked;
    });
  },
} as const satisfies Command;
