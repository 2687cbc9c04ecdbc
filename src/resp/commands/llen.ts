// LLEN <key>  ->  with plain lists: elements that are not popped yet
// LLEN topics:<t>  ->  messages in the topic: the sum of end - begin over its partitions
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { isTopicKey, topicOfKey } from '../info/keyspace.js';
import { atGroup } from '../streams/group-routing.js';
import { isPlainList, lengthOfList, listKey } from '../streams/lists.js';
import { heldCount, sourceOf } from '../streams/processing/elements.js';

export const llen = {
  name: 'llen',
  arity: 2,
  prefix: 'ERR',
  group: 'list',
  flags: ['readonly'],
  summary: 'Returns the number of messages in a topic.',
  keys: [1, 1, 1],
  args: [{ name: 'topics', type: 'key' }],
  async run(ctx, args) {
    const key = args.text();
    const list = args.argv[1]!;
    const source = sourceOf(list);
    if (source && isPlainList(ctx, source))
      return atGroup(ctx, listKey(ctx, source), args, () => heldCount(ctx, source));
    if (isPlainList(ctx, list)) return atGroup(ctx, listKey(ctx, list), args, () => lengthOfList(ctx, list));
    const topic = topicOfKey(key);
    if (topic === undefined) throw fail('keys-argument', key);
    const { catalog, admin } = ctx.server.gateway;
    const found = (await isTopicKey(ctx, key)) ? (await catalog.all()).get(topic) : undefined;
    if (!found) return 0;
    const ends = await admin.watermarks(found.partitions.map(({ partition }) => ({ topic, partition })));
    return ends.reduce((sum, { low, high }) => sum + high - low, 0);
  },
} as const satisfies Command;
