// RPUSHX topics:<t>[:<key>] <message> [<message> ...]  ->  how many messages were queued
// Answers as soon as librdkafka's queue has them: DUMP tells when Kafka has them. While the queue is full the connection is held back.
// Beyond Rafka: several messages in one command; keys with any bytes.
import { fail } from '../../errors.js';
import type { Args } from '../args.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { Reply } from '../reply.js';
import type { ProduceKey } from '../topics-key.js';

export const rpushx = {
  name: 'rpushx',
  arity: -3,
  prefix: 'PROD',
  group: 'list',
  flags: ['write', 'denyoom', 'fast'],
  summary: 'Produces messages to a topic; answers when they are queued (DUMP: when Kafka has them).',
  keys: [1, 1, 1],
  args: [
    { name: 'topics', type: 'key' },
    { name: 'message', type: 'string', multiple: true },
  ],
  wrongArity: (count) => fail('produce-arity', count),
  run: (ctx, args) => produce(ctx, ctx.sessions.produceKey(args.bytes()), args),
} as const satisfies Command;

/** Queues all that is left of args for a topic; shared by the commands that produce. */
export function produce(ctx: Context, { topic, key }: ProduceKey, args: Args): Reply | Promise<Reply> {
  ctx.user.checkProduce(topic);
  const producer = ctx.sessions.producer();
  ctx.server.gateway.catalog.produced(topic);
  const count = args.left;
  while (args.left > 0) {
    const held = producer.enqueue({ topic, key, value: args.bytes() });
    if (held) return produceHeld(ctx, { topic, key }, args, count, held);
  }
  return count;
}

async function produceHeld(
  ctx: Context,
  { topic, key }: ProduceKey,
  args: Args,
  count: number,
  held: Promise<void>,
): Promise<Reply> {
  await held;
  const producer = ctx.sessions.producer();
  while (args.left > 0) await producer.enqueue({ topic, key, value: args.bytes() });
  return count;
}
