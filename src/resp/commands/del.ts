// DEL stats  ->  1: the gateway's counters start again at 0
// DEL <stream> [...]  ->  how many topics were deleted, where resp.streams.allowDelete allows it and the user has the right to delete
import { fail } from '../../errors.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { resetStats } from '../facts.js';
import type { Reply } from '../reply.js';
import { isTopicKey, streamOfKey } from '../topic-keys.js';

export const del = {
  name: 'del',
  arity: -2,
  prefix: 'ERR',
  group: 'generic',
  flags: ['write'],
  summary: "Resets the gateway's counters: DEL stats.",
  args: [{ name: 'stats', type: 'key' }],
  run(ctx, args): Reply | Promise<Reply> {
    const keys = args.rest().map(String);
    if (!keys.includes('stats')) return deleteStreams(ctx, keys);
    const key = keys.find((each) => each !== 'stats');
    if (key !== undefined) throw fail('stats-key', key.toUpperCase());
    ctx.user.checkAdmin();
    return resetStats(ctx)?.then(() => 1) ?? 1;
  },
} as const satisfies Command;

/** @throws GatewayError `stats-key` for keys that are no streams, `delete-refused`; KafkaError */
async function deleteStreams(ctx: Context, keys: readonly string[]): Promise<number> {
  const { streams, admin, catalog } = ctx.server.gateway;
  const wrong = keys.find((key) => streamOfKey(key) === undefined);
  if (wrong !== undefined) throw fail('stats-key', wrong.toUpperCase());
  if (!streams.settings.allowDelete) throw fail('stats-key', keys[0]!.toUpperCase());
  for (const topic of keys) ctx.user.checkDelete(topic);
  let deleted = 0;
  for (const topic of keys) {
    if (!(await isTopicKey(ctx, topic))) continue;
    await admin.deleteTopic(topic);
    catalog.forget();
    streams.topics.forget(topic);
    await ctx.server.peers.askAll('forgetTopics', topic);
    deleted++;
  }
  return deleted;
}
