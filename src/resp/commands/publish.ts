// PUBLISH topics:<t>[:<key>] | <topic> <message>  ->  1: RPUSHX under the name that pub/sub programs use
// A missing topic without the prefix `topics:` is created, as by XADD.
import type { Command, Context } from '../command/context.js';
import { isProduceKey, parseProduceKey } from '../keys/produce-key.js';
import { topicOf } from '../streams/names.js';
import type { Reply } from '../wire/reply.js';
import { deliver, isDelivered, produce } from './rpushx.js';

export const publish = {
  name: 'publish',
  arity: 3,
  prefix: 'PROD',
  group: 'pubsub',
  flags: ['pubsub', 'loading', 'stale', 'fast'],
  summary: 'Produces one message to a topic, as RPUSHX does.',
  args: [
    { name: 'channel', type: 'string' },
    { name: 'message', type: 'string' },
  ],
  pipelined: isDelivered,
  run(ctx, args) {
    const channel = args.bytes();
    if (isProduceKey(channel)) return produce(ctx, parseProduceKey(channel), args);
    return publishTo(ctx, channel, args.bytes());
  },
} as const satisfies Command;

async function publishTo(ctx: Context, channel: Buffer, message: Buffer): Promise<Reply> {
  const { streams } = ctx.server.gateway;
  const topic = topicOf(channel, ctx.server.gateway.settings);
  ctx.user.checkProduce(topic);
  const write = async (): Promise<Reply> => {
    const partition = streams.topics.firstPartition(topic);
    const placed = partition === undefined ? {} : { partition };
    if (ctx.transaction || isDelivered(ctx)) return deliver(ctx, { topic, ...placed, key: null }, [message]);
    await ctx.sessions.producer().enqueue({ topic, ...placed, key: null, value: message });
    return 1;
  };
  if (streams.topics.isKnown(topic)) return write();
  // Behind another of the same EXEC it would wait for its end.
  if (ctx.transaction) return streams.topics.provide(topic).then(write);
  return streams.topics.inTurn(topic, () => streams.topics.provide(topic), write);
}
