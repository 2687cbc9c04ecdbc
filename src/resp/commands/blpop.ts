// BLPOP topics:<t1>[,<t2>...][:<JSON consumer config>] [topics:<t3> ...] <timeout>
// Joins the group of the connection's name on first use and answers the next message as eight elements:
// "topic", <t>, "partition", <p>, "offset", <o>, "value", <bytes>; a null array when none came in time.
// Beyond Rafka: several keys, time-outs in seconds or milliseconds (auto), 0 waits for ever, as in Redis.
import type { ConsumerSession } from '../../core/consumer-session.js';
import type { Message } from '../../core/ports.js';
import { parseBlpopTimeout } from '../blpop-timeout.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { nullArray, type Reply } from '../reply.js';
import { type ConsumeKey, parseConsumeKeys } from '../topics-key.js';

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
    const { settings } = ctx.server.gateway;
    const timeout = parseBlpopTimeout(rest[rest.length - 1]!, settings.blpopTimeoutUnit);
    const wanted = parseConsumeKeys(rest.slice(0, -1), settings.allowInternalTopics);
    const session = ctx.sessions.openConsumer(wanted);
    ctx.sessions.noteTimeoutUnit(timeout.unit);
    const message = session?.ready();
    return message ? reply(message) : wait(ctx, wanted, session, timeout.ms);
  },
} as const satisfies Command;

async function wait(
  ctx: Context,
  wanted: ConsumeKey,
  open: ConsumerSession | undefined,
  timeoutMs: number,
): Promise<Reply> {
  const until = performance.now() + timeoutMs;
  const session = open ?? (await ctx.sessions.makeConsumer(wanted, timeoutMs));
  const message = await session?.next(Math.max(1, until - performance.now()), ctx.signal);
  if (message) return reply(message);
  if (ctx.signal.aborted) throw ctx.signal.reason;
  return nullArray;
}

const labels = {
  topic: Buffer.from('topic'),
  partition: Buffer.from('partition'),
  offset: Buffer.from('offset'),
  value: Buffer.from('value'),
};

function reply({ topic, partition, offset, value }: Message): Reply {
  return [labels.topic, topic, labels.partition, partition, labels.offset, offset, labels.value, value];
}
