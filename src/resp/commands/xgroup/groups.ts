// XGROUP CREATE, SETID and DESTROY: a group exists if Kafka has its positions for the topic.

import { committedOf, removePositions, setPositions } from '../../../core/streams/group/positions.js';
import type { Marks } from '../../../core/streams/log/marks.js';
import { type Edge, TimeLine } from '../../../core/streams/log/time-line.js';
import { fail } from '../../../errors.js';
import type { Args } from '../../command/args.js';
import type { Command, Context } from '../../command/context.js';
import { marksOfExisting } from '../../streams/group.js';
import { atGroup, endGroups } from '../../streams/group-routing.js';
import { parseBehind, parseEdge, wholeStream } from '../../streams/ids.js';
import { type GroupKey, groupKey } from '../../streams/key.js';
import { OK, type Reply } from '../../wire/reply.js';

const common = { prefix: 'ERR', group: 'stream', flags: ['write'], since: '5.0.0', keys: [2, 2, 1] } as const;

/**
 * `XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]` -> OK. Commits the start of every partition:
 * 0 the beginning, $ the end, an id its time.
 */
export const create = {
  ...common,
  name: 'create',
  arity: -5,
  summary: 'Creates a consumer group.',
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
    { name: 'id', type: 'string' },
    { name: 'mkstream', type: 'pure-token', token: 'MKSTREAM', optional: true },
    { name: 'entries-read', type: 'integer', token: 'ENTRIESREAD', optional: true },
  ],
  run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const id = args.bytes();
    const { mkstream } = readOptions(args, 'CREATE');
    return createGroup(ctx, at, readStart(id), mkstream);
  },
} satisfies Command;

/** `XGROUP SETID key group id|$ [ENTRIESREAD n]` -> OK. Refused while another gateway reads the group. */
export const setid = {
  ...common,
  name: 'setid',
  arity: -5,
  summary: 'Sets the position of a consumer group.',
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
    { name: 'id', type: 'string' },
    { name: 'entries-read', type: 'integer', token: 'ENTRIESREAD', optional: true },
  ],
  run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const start = readStart(args.bytes());
    readOptions(args, 'SETID');
    return atGroup(ctx, at, args, async () => {
      const marks = await marksOfExisting(ctx, at.topic, 'group-needs-stream');
      if (!(await isThere(ctx, at, marks))) throw fail('group-missing', at.group, at.key);
      await setPositions(positions(ctx), at.kafkaGroup, at.topic, await startsOf(ctx, at.topic, marks, start));
      return OK;
    });
  },
} satisfies Command;

/** `XGROUP DESTROY key group` -> 1, or 0 if there was none. Deletes the group's positions of this topic. */
export const destroy = {
  ...common,
  name: 'destroy',
  arity: 4,
  summary: 'Destroys a consumer group.',
  args: [
    { name: 'key', type: 'key' },
    { name: 'group', type: 'string' },
  ],
  async run(ctx, args) {
    const at = groupKey(ctx, args.bytes(), args.text());
    const marks = await marksOfExisting(ctx, at.topic, 'group-needs-stream');
    if (!(await isThere(ctx, at, marks))) return 0;
    await endGroups(ctx, at.topic, at.kafkaGroup);
    await removePositions(positions(ctx), at.kafkaGroup, at.topic, marks);
    return 1;
  },
} satisfies Command;

function readStart(bytes: Buffer): Edge {
  if (bytes.length === 1 && bytes[0] === 0x24) return wholeStream.to;
  return /^[0-9]/.test(bytes.toString('latin1', 0, 1)) ? parseBehind(bytes) : parseEdge(bytes, 'start');
}

function readOptions(args: Args, name: 'CREATE' | 'SETID'): { mkstream: boolean } {
  let mkstream = false;
  while (args.left > 0) {
    if (name === 'CREATE' && args.option('MKSTREAM')) mkstream = true;
    else if (args.left > 1 && args.option('ENTRIESREAD')) {
      if (args.integer() < -1) throw fail('stream-argument', 'value for ENTRIESREAD must be positive or -1');
    } else {
      throw fail('stream-argument', `unknown subcommand or wrong number of arguments for '${name}'. Try XGROUP HELP.`);
    }
  }
  return { mkstream };
}

async function createGroup(ctx: Context, at: GroupKey, start: Edge, mkstream: boolean): Promise<Reply> {
  const { streams } = ctx.server.gateway;
  if (mkstream && !(await streams.topics.exists(at.topic))) {
    ctx.user.checkProduce(at.topic);
    await streams.topics.make(at.topic);
  }
  const marks = await marksOfExisting(ctx, at.topic, 'group-needs-stream');
  if (await isThere(ctx, at, marks)) throw fail('group-exists');
  await setPositions(positions(ctx), at.kafkaGroup, at.topic, await startsOf(ctx, at.topic, marks, start));
  return OK;
}

async function isThere(ctx: Context, at: GroupKey, marks: readonly Marks[]): Promise<boolean> {
  const { streams } = ctx.server.gateway;
  if (streams.groups.find(at.kafkaGroup, at.topic)) return true;
  return (await committedOf(positions(ctx), at.kafkaGroup, at.topic, marks)).length > 0;
}

/** Where reading starts so that everything behind an id is read. */
async function startsOf(
  ctx: Context,
  topic: string,
  marks: readonly Marks[],
  start: Edge,
): Promise<ReadonlyMap<number, number>> {
  return (await new TimeLine(ctx.server.gateway.streams.ranges, topic, marks).cut(start)).offsets;
}

function positions(ctx: Context) {
  const { admin, streams } = ctx.server.gateway;
  return { admin, groups: streams.groups };
}
