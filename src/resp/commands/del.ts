// DEL stats  ->  1: resets the gateway's counters
// DEL <stream> [...]  ->  number of deleted topics, if resp.streams.allowDelete allows it and the user has the right to delete
import { KafkaError } from '../../core/ports.js';
import { all } from '../../core/promises.js';
import { fail } from '../../errors.js';
import type { Command, Context } from '../command/context.js';
import { isTopicKey, streamOfKey } from '../info/keyspace.js';
import { resetStats } from '../info/status.js';
import { endGroups } from '../streams/group-routing.js';
import type { Reply } from '../wire/reply.js';

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

/** @throws GatewayError `stats-key` for keys that are not streams, `delete-refused`; KafkaError */
async function deleteStreams(ctx: Context, keys: readonly string[]): Promise<number> {
  const { streams, admin, catalog, settings } = ctx.server.gateway;
  const wrong = keys.find((key) => streamOfKey(key) === undefined);
  if (wrong !== undefined) throw fail('stats-key', wrong.toUpperCase());
  if (!settings.streams.allowDelete) throw fail('stats-key', keys[0]!.toUpperCase());
  for (const topic of keys) ctx.user.checkDelete(topic);
  let deleted = 0;
  for (const topic of keys) {
    if (!(await isTopicKey(ctx, topic))) continue;
    await forgetGroups(ctx, topic);
    await admin.deleteTopic(topic);
    catalog.forget();
    catalog.written.forget(topic);
    streams.topics.forget(topic);
    streams.cursors.end(topic);
    await ctx.server.siblings.askAll('forgetTopics', topic);
    deleted++;
  }
  return deleted;
}

/**
 * The stream's groups end with it, as in Redis: their members leave, and their positions are removed. If Kafka cannot remove them now,
 * because another gateway reads the group, it does so with the topic.
 */
async function forgetGroups(ctx: Context, topic: string): Promise<void> {
  const { admin, catalog, streams } = ctx.server.gateway;
  await endGroups(ctx, topic);
  const partitions = (await catalog.all()).get(topic)?.partitions.map(({ partition }) => ({ topic, partition })) ?? [];
  const groups = (await admin.groups()).filter((group) => streams.groupForm.groupOf(group, topic) !== undefined);
  await all(groups, (group) =>
    admin.deleteGroupOffsets(group, partitions).catch((error: unknown) => {
      if (!(error instanceof KafkaError)) throw error;
      ctx.log.info({ group, topic, err: error }, 'positions of a deleted stream remain in Kafka');
    }),
  );
}
