// XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count]  ->  number of deleted entries
// The user needs the right to delete. MINID deletes what precedes the id (DeleteRecords), if the brokers allow it; MAXLEN and all else: 0.
import { KafkaError } from '../../core/ports.js';
import { marksOf } from '../../core/streams/log/marks.js';
import { TimeLine } from '../../core/streams/log/time-line.js';
import { fail } from '../../errors.js';
import type { Command, Context } from '../command/context.js';
import type { EntryId } from '../streams/ids.js';
import { topicOf } from '../streams/names.js';
import { readTrim } from '../streams/trim.js';

export const xtrim = {
  name: 'xtrim',
  arity: -4,
  prefix: 'ERR',
  group: 'stream',
  flags: ['write'],
  summary: 'Deletes entries before an id.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'strategy', type: 'string' },
    { name: 'threshold', type: 'string' },
  ],
  run(ctx, args) {
    const topic = topicOf(args.bytes(), ctx.server.gateway.settings);
    ctx.user.checkDelete(topic);
    const trim = readTrim(args);
    if (!trim) throw fail('syntax');
    args.finish();
    return trim.by === 'MINID' ? trimBefore(ctx, topic, trim.id) : 0;
  },
} as const satisfies Command;

async function trimBefore(ctx: Context, topic: string, id: EntryId): Promise<number> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const marks = await marksOf(catalog, admin, topic);
  if (!marks) return 0;
  const { offsets: starts } = await new TimeLine(streams.ranges, topic, marks).cut({ id, side: 'before' });
  const before = marks
    .filter(({ partition, low }) => starts.get(partition)! > low)
    .map(({ partition }) => ({ topic, partition, offset: starts.get(partition)! }));
  if (before.length === 0) return 0;
  try {
    await admin.deleteRecords(before);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    ctx.log.warn({ topic, reason: error.message }, 'XTRIM: the brokers do not delete records');
    return 0;
  }
  return marks.reduce((sum, { partition, low }) => sum + Math.max(0, starts.get(partition)! - low), 0);
}
