// XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * field value [field value ...]  ->  the entry's id
// Answers after Kafka has the entry (acks=all). Pipelined XADDs are written in batches and answered in order.
// Unlike Redis: only `*` as the id; MAXLEN and MINID are accepted without effect (a topic has its own retention).

import type { RecordParts } from '../../core/streams/record-parts.js';
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Command, Context } from '../command/context.js';
import { fieldsToRecord } from '../streams/fields.js';
import { formatId, parseId } from '../streams/ids.js';
import { writtenTopic } from '../streams/key.js';
import { readTrim } from '../streams/trim.js';
import type { Reply } from '../wire/reply.js';

export const xadd = {
  name: 'xadd',
  arity: -5,
  prefix: 'ERR',
  group: 'stream',
  flags: ['write', 'denyoom', 'fast'],
  pipelined: true,
  summary: 'Appends an entry to a stream; answers its id when Kafka has it.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'nomkstream', type: 'pure-token', token: 'NOMKSTREAM', optional: true },
    { name: 'id', type: 'string' },
    { name: 'field value', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    const topic = writtenTopic(ctx, args);
    const make = readOptions(args);
    checkId(args.bytes());
    if (args.left === 0 || args.left % 2 !== 0) throw fail('wrong-arity', 'xadd');
    const { streams, settings } = ctx.server.gateway;
    const record = fieldsToRecord(args.rest(), settings.streams.valueField);
    return streams.topics.isKnown(topic) ? append(ctx, topic, record) : appendToNew(ctx, topic, record, make);
  },
} as const satisfies Command;

/** @returns whether to create a missing stream. */
function readOptions(args: Args): boolean {
  let make = true;
  readTrim(args, () => {
    if (!args.option('NOMKSTREAM')) return false;
    make = false;
    return true;
  });
  return make;
}

function checkId(bytes: Buffer): void {
  if (bytes.length === 1 && bytes[0] === 0x2a) return;
  const text = bytes.toString('latin1');
  parseId(text.endsWith('-*') ? bytes.subarray(0, -2) : bytes);
  throw fail('stream-id-assigned');
}

async function append(ctx: Context, topic: string, record: RecordParts): Promise<Reply> {
  const { streams } = ctx.server.gateway;
  const report = await streams.append(topic, record, ctx.transaction);
  if (report.error) throw streams.refusal(report);
  return formatId(report);
}

function appendToNew(ctx: Context, topic: string, record: RecordParts, make: boolean): Promise<Reply> {
  const { topics } = ctx.server.gateway.streams;
  const prepare = () => (make ? topics.provide(topic).then(() => true) : topics.exists(topic));
  // Behind another of the same EXEC it would wait for its end.
  if (ctx.transaction) return prepare().then((isThere) => (isThere ? append(ctx, topic, record) : null));
  return topics.inTurn(topic, prepare, async (isThere) => (isThere ? append(ctx, topic, record) : null));
}
