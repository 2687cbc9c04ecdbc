// XACK key group id [id ...]  ->  how many entries were acknowledged now
// From any connection, of any worker of this gateway. Only the part of an id behind the dash counts: it says which record it is.
// Entries of partitions that another gateway has by now, and unknown ones, count nothing: they come again.
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
    return ackAnywhere(
      ctx,
      at,
      args.rest().map((id) => parseId(id)),
    );
  },
} as const satisfies Command;
