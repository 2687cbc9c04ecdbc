// RPUSHX topics:<t>[:<key>] <message> [<message> ...]  ->  number of queued messages
// With `rpushx: delivered` it answers when Kafka has them, or with the error; pipelined commands are written in batches and answered in order.
// Otherwise it answers when librdkafka's queue has them; DUMP says when Kafka has them. While the queue is full the connection is held back.
// Beyond Rafka: several messages in one command; keys with any bytes.
import { KafkaCode } from '../../core/ports.js';
import type { ProducerSession } from '../../core/produce/producer-session.js';
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Command, Context } from '../command/context.js';
import type { ProduceKey } from '../keys/produce-key.js';
import type { Reply } from '../wire/reply.js';

export const rpushx = {
  name: 'rpushx',
  arity: -3,
  prefix: 'PROD',
  group: 'list',
  flags: ['write', 'denyoom', 'fast'],
  pipelined: isDelivered,
  summary: 'Produces messages to a topic; answers when they are queued (DUMP: when Kafka has them).',
  keys: [1, 1, 1],
  args: [
    { name: 'topics', type: 'key' },
    { name: 'message', type: 'string', multiple: true },
  ],
  wrongArity: (count) => fail('produce-arity', count),
  run: (ctx, args) => produce(ctx, ctx.sessions.produceKey(args.bytes()), args),
} as const satisfies Command;

/** Queues the remaining arguments for a topic; shared by the commands that produce. */
export function produce(ctx: Context, { topic, key }: ProduceKey, args: Args): Reply | Promise<Reply> {
  ctx.user.checkProduce(topic);
  if (ctx.transaction || isDelivered(ctx)) return deliver(ctx, { topic, key }, args.rest());
  const producer = ctx.sessions.producer();
  ctx.server.gateway.catalog.produced(topic);
  const count = args.left;
  while (args.left > 0) {
    const value = args.bytes();
    if (!producer.offer({ topic, key, value }))
      return produceHeld(producer, { topic, key }, [value, ...args.rest()], count);
  }
  return count;
}

/** Whether this connection's messages are answered when Kafka has them. */
export function isDelivered(ctx: Context): boolean {
  return (ctx.user.rpushx ?? ctx.server.settings.rpushx) === 'delivered';
}

/** Answers when Kafka has all messages. @throws GatewayError `produce-unconfirmed`, `produce-refused`, and as ProducerSession.send() */
export async function deliver(
  ctx: Context,
  place: ProduceKey & { readonly partition?: number },
  values: readonly Buffer[],
): Promise<number> {
  const { gateway } = ctx.server;
  gateway.catalog.produced(place.topic);
  const producer: Pick<ProducerSession, 'send'> = ctx.transaction ?? ctx.sessions.deliveringProducer();
  const reports = await Promise.all(values.map((value) => producer.send({ ...place, value }, true)));
  const errors = reports.flatMap(({ error }) => error ?? []);
  if (errors.length === 0) return values.length;
  const [error] = errors;
  const failure =
    error!.code === KafkaCode.messageTimedOut
      ? fail('produce-unconfirmed', gateway.settings.streams.produceTimeoutMs / 1_000)
      : fail('produce-refused', error!.message);
  if (values.length === 1) throw failure;
  throw fail('produce-failed-some', errors.length, values.length, failure.message);
}

/** All messages are queued at once: those of a pipelined command behind this one follow them. */
async function produceHeld(
  producer: ProducerSession,
  place: ProduceKey,
  values: readonly Buffer[],
  count: number,
): Promise<Reply> {
  await producer.enqueueInOrder(values.map((value) => ({ ...place, value })));
  return count;
}
