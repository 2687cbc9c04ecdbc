// BLPOP topics:<t1>[,<t2>...][:<JSON consumer config>] [topics:<t3> ...] <timeout>
// Joins the group of the connection's name on first use and answers the next message as eight elements:
// "topic", <t>, "partition", <p>, "offset", <o>, "value", <bytes>; a null array if none came in time.
// topics:<t>:{"rafka.reply":"pair"} answers [topics:<t>, value] and acknowledges it with the next request, or by QUIT.
// topics:<t>:{"rafka.reply":"strings"} and `resp.blpopNumbers: strings` answer partition and offset as bulk strings.
// With plain lists, any other key: BLPOP <key> [<key> ...] <timeout> answers [key, element].
// Beyond Rafka: several keys, time-outs in seconds or milliseconds (auto), 0 waits forever, as in Redis. See docs/decisions/0004.
import type { ConsumerSession } from '../../core/consume/consumer-session.js';
import { KafkaError, type Message } from '../../core/ports.js';
import { fail, GatewayError } from '../../errors.js';
import type { Command, Context } from '../command/context.js';
import type { KafkaSettings } from '../config.js';
import { type BlpopTimeout, parseBlpopTimeout } from '../keys/blpop-timeout.js';
import type { ConsumeKey } from '../keys/produce-key.js';
import { notAcknowledged } from '../streams/connection-streams.js';
import { acknowledgeEarlier, isPlainList } from '../streams/lists.js';
import { blockingPop } from '../streams/pop.js';
import { nullArray, type Reply } from '../wire/reply.js';

export const blpop = {
  name: 'blpop',
  arity: -3,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'blocking'],
  summary: 'Waits for the next message of the topics, as a member of the group named by CLIENT SETNAME.',
  keys: [1, -2, 1],
  args: [
    { name: 'topics', type: 'key', multiple: true },
    { name: 'timeout', type: 'double' },
  ],
  run(ctx, args) {
    const rest = args.rest();
    const [keys, last] = [rest.slice(0, -1), rest[rest.length - 1]!];
    if (isPlainList(ctx, rest[0]!)) return blockingPop(ctx, keys, last);
    const { settings } = ctx.server.gateway;
    const timeout = parseBlpopTimeout(last, settings.blpopTimeoutUnit);
    const wanted = ctx.sessions.consumeKey(keys);
    if (replyProperty in wanted.properties) return popInShape(ctx, wanted, timeout);
    const session = ctx.sessions.openConsumer(wanted);
    ctx.sessions.noteTimeoutUnit(timeout.unit);
    const numbers = settings.blpopNumbers;
    const message = session?.ready();
    if (!message) return wait(ctx, wanted, session, timeout.ms, numbers);
    ctx.transaction?.took(session!, message);
    return reply(message, numbers);
  },
} as const satisfies Command;

async function wait(
  ctx: Context,
  wanted: ConsumeKey,
  open: ConsumerSession | undefined,
  timeoutMs: number,
  numbers: Numbers,
): Promise<Reply> {
  const message = await waitForMessage(ctx, wanted, open, timeoutMs);
  return message ? reply(message, numbers) : nullArray;
}

/** Minimum time for a consumer that this call opened to join its group, even if opening took the whole time-out, ms. */
const leastJoinMs = 1_000;

/** @throws the signal's reason if the client is gone or the server drains. */
async function waitForMessage(
  ctx: Context,
  wanted: ConsumeKey,
  open: ConsumerSession | undefined,
  timeoutMs: number,
): Promise<Message | undefined> {
  if (ctx.isInExec) return nextInExec(ctx, open);
  const until = performance.now() + timeoutMs;
  const session = open ?? (await ctx.sessions.makeConsumer(wanted, timeoutMs));
  const least = open ? 1 : Math.min(timeoutMs, leastJoinMs);
  const message = await session?.next(Math.max(least, until - performance.now()), ctx.signal);
  if (!message && ctx.signal.aborted) throw ctx.signal.reason;
  return message;
}

async function nextInExec(ctx: Context, open: ConsumerSession | undefined): Promise<Message | undefined> {
  const { transaction } = ctx;
  const message = await open?.next(0, ctx.signal);
  if (message) transaction?.took(open!, message);
  return message;
}

/** The shape of this consumer's answers; not a setting of librdkafka. */
const replyProperty = 'rafka.reply';

type Numbers = KafkaSettings['blpopNumbers'];

function popInShape(ctx: Context, { topics, properties }: ConsumeKey, timeout: BlpopTimeout): Promise<Reply> {
  const { [replyProperty]: shape, ...others } = properties;
  const wanted = { topics, properties: others };
  if (shape === 'pair') return pairPop(ctx, wanted, timeout);
  if (shape !== 'strings' && shape !== 'integers') throw fail('config-unparsable', replyProperty, shapes);
  return eightPop(ctx, wanted, timeout, shape);
}

const shapes = "the replies that can be asked for are 'pair', 'strings' and 'integers'";

/** The eight elements, with these numbers. */
async function eightPop(ctx: Context, wanted: ConsumeKey, timeout: BlpopTimeout, numbers: Numbers): Promise<Reply> {
  const session = ctx.sessions.openConsumer(wanted);
  ctx.sessions.noteTimeoutUnit(timeout.unit);
  const message = session?.ready();
  if (!message) return wait(ctx, wanted, session, timeout.ms, numbers);
  ctx.transaction?.took(session!, message);
  return reply(message, numbers);
}

/** [topics:<t>, value]. The previous answer is acknowledged first: a client that reads pairs does not know offsets. */
async function pairPop(ctx: Context, wanted: ConsumeKey, timeout: BlpopTimeout): Promise<Reply> {
  acknowledgeEarlier(ctx);
  const session = ctx.sessions.openConsumer(wanted);
  ctx.sessions.noteTimeoutUnit(timeout.unit);
  const ready = session?.ready();
  if (ready) ctx.transaction?.took(session!, ready);
  const message = ready ?? (await waitForMessage(ctx, wanted, session, timeout.ms));
  if (!message) return nullArray;
  ctx.sessions.streams.paired(message, () => acknowledgePair(ctx, message));
  return [`topics:${message.topic}`, message.value];
}

/** A revoked partition or an unavailable broker does not fail the next call: the message is redelivered. */
async function acknowledgePair(ctx: Context, { topic, partition, offset }: Message): Promise<void> {
  try {
    await ctx.sessions.acknowledger().ack(topic, partition, offset);
  } catch (error) {
    if (!(error instanceof GatewayError || error instanceof KafkaError)) throw error;
    ctx.log.info({ conn: ctx.id, topic, partition, offset, reason: error.message }, notAcknowledged);
  }
}

const labels = {
  topic: Buffer.from('topic'),
  partition: Buffer.from('partition'),
  offset: Buffer.from('offset'),
  value: Buffer.from('value'),
};

function reply({ topic, partition, offset, value }: Message, numbers: Numbers): Reply {
  if (numbers === 'integers')
    return [labels.topic, topic, labels.partition, partition, labels.offset, offset, labels.value, value];
  return [labels.topic, topic, labels.partition, `${partition}`, labels.offset, `${offset}`, labels.value, value];
}
