// XGROUP CREATECONSUMER and DELCONSUMER: members of a group in this gateway.
import type { Command } from '../../command/context.js';
import { existingGroup, marksOfExisting } from '../../streams/group.js';
import { atGroup } from '../../streams/group-routing.js';
import { groupKey } from '../../streams/key.js';

const common = {
  prefix: 'ERR',
  group: 'stream',
  flags: ['write'],
  keys: [2, 2, 1],
  arity: 5,
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
    { name: 'consumer', type: 'string' },
  ],
} as const;

/** `XGROUP CREATECONSUMER key group consumer` -> 1, or 0 if the member exists. */
export const createconsumer = {
  ...common,
  name: 'createconsumer',
  summary: 'Creates a consumer in a consumer group.',
  since: '6.2.0',
  run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const name = args.text();
    return atGroup(ctx, at, args, async () => {
      await marksOfExisting(ctx, at.topic, 'group-needs-stream');
      const found = await existingGroup(ctx, at, 'group-missing');
      const group = found ?? ctx.server.gateway.streams.groups.open(at.kafkaGroup, at.topic);
      if (group.members.get(name)) return 0;
      group.members.seen(name, group.now());
      return 1;
    });
  },
} satisfies Command;

/** `XGROUP DELCONSUMER key group consumer` -> number of its pending entries. Unlike in Redis they are not lost: they are redelivered through `>`. */
export const delconsumer = {
  ...common,
  name: 'delconsumer',
  summary: 'Deletes a consumer from a consumer group; its pending entries are offered to the others.',
  since: '5.0.0',
  run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const name = args.text();
    return atGroup(ctx, at, args, async () => {
      await marksOfExisting(ctx, at.topic, 'group-needs-stream');
      const group = await existingGroup(ctx, at, 'group-missing');
      if (!group?.members.get(name)) return 0;
      const entries = group.pendingOf(name);
      group.release(entries, false);
      group.members.delete(name);
      return entries.length;
    });
  },
} satisfies Command;
