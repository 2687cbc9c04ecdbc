// RPUSH acks <topic>:<partition>:<offset> [...]  ->  number of accepted acks
// Acknowledges a message and all before it in its partition: offset + 1 is stored, and committed within auto.commit.interval.ms.
// With plain lists, any other key: RPUSH <key> <element> [...], answered when Kafka has them.
// Beyond Rafka: several acks in one command, acks from any connection of the same name, RPUSH topics:<t> <message> as RPUSHX.

import { ConsumerSession } from '../../core/consume/consumer-session.js';
import { all } from '../../core/promises.js';
import { partitionKey } from '../../core/topics/partition-key.js';
import { fail } from '../../errors.js';
import type { Acknowledger, Command, Context, Transaction } from '../command/context.js';
import { isProduceKey } from '../keys/produce-key.js';
import { isPlainList, pushToList } from '../streams/lists.js';
import type { Reply } from '../wire/reply.js';
import { produce } from './rpushx.js';

export const rpush = {
  name: 'rpush',
  arity: -3,
  prefix: 'CONS',
  group: 'list',
  flags: ['write', 'fast'],
  pipelined: true,
  summary: 'Acknowledges messages: RPUSH acks <topic>:<partition>:<offset>.',
  keys: [1, 1, 1],
  args: [
    { name: 'acks', type: 'key' },
    { name: 'topic:partition:offset', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    const key = args.bytes();
    if (isProduceKey(key)) return produce(ctx, ctx.sessions.produceKey(key), args);
    if (isPlainList(ctx, key)) return pushToList(ctx, key, args);
    if (key.toString('latin1') !== 'acks') throw fail('ack-key');
    const acks = args.rest().map(parseAck);
    return acknowledge(ctx, acks);
  },
} as const satisfies Command;

/** Maximum per command: the broker is asked about each partition that was not read here. */
const acksAtOnce = 256;

interface Ack {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

function acknowledge(ctx: Context, acks: readonly Ack[]): Reply | Promise<Reply> {
  const session = ctx.sessions.acknowledger();
  if (ctx.transaction) return acknowledgeIn(ctx.transaction, ctx, session, acks);
  if (acks.length > 1) return acknowledgeAll(ctx, session, acks);
  const { topic, partition, offset } = acks[0]!;
  return session.ack(topic, partition, offset)?.then(() => 1) ?? 1;
}

/** With what the EXEC writes. @throws GatewayError `ack-elsewhere` */
async function acknowledgeIn(
  transaction: Transaction,
  ctx: Context,
  session: Acknowledger,
  acks: readonly Ack[],
): Promise<Reply> {
  if (!(session instanceof ConsumerSession)) throw fail('ack-elsewhere', ctx.name);
  await transaction.acknowledge(session, acks);
  return acks.length;
}

/** Applies each valid ack, whatever happens to the others. @throws the first refusal, once all are settled */
async function acknowledgeAll(ctx: Context, session: Acknowledger, acks: readonly Ack[]): Promise<Reply> {
  const furthest = furthestOfEach(acks);
  const refused: unknown[] = [];
  for (let from = 0; from < furthest.length; from += acksAtOnce) {
    const some = furthest.slice(from, from + acksAtOnce);
    const taken = all(some, ({ topic, partition, offset }) => session.ack(topic, partition, offset));
    await taken.catch((error: unknown) => refused.push(error));
  }
  if (refused.length > 0) throw refused[0];
  // The furthest offsets.
  ctx.stats.add('consumer.acks', acks.length - furthest.length);
  return acks.length;
}

/** An ack covers all before it in its partition: only the last of each has to be applied. */
function furthestOfEach(acks: readonly Ack[]): readonly Ack[] {
  const furthest = new Map<string, Ack>();
  for (const ack of acks) {
    const key = partitionKey(ack.topic, ack.partition);
    const before = furthest.get(key);
    if (!before || before.offset < ack.offset) furthest.set(key, ack);
  }
  return [...furthest.values()];
}

function parseAck(bytes: Buffer): Ack {
  const text = bytes.toString('latin1');
  const parts = /^([^:]+):([0-9]+):(-?[0-9]+)$/.exec(text);
  const partition = Number(parts?.[2]);
  const offset = Number(parts?.[3]);
  if (!parts || !Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) throw fail('ack-unparsable', text);
  if (offset < 0) throw fail('ack-negative', offset);
  return { topic: parts[1]!, partition, offset };
}
