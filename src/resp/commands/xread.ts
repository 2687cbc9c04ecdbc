// XREAD [COUNT n] [BLOCK ms] STREAMS key [key ...] id|$|+ [...]  ->  entries by stream, behind the given ids
// An id gives the exact position in its own partition; in the others too on the connection that got it, else by the stream's
// order (docs/STREAMS.md).

import { isLasting } from '../../core/lasting-fault.js';
import { KafkaError, type KafkaFault, type Message } from '../../core/ports.js';
import { own } from '../../core/promises.js';
import { type Marks, marksOf } from '../../core/streams/log/marks.js';
import { readBackward, streamLog } from '../../core/streams/log/stream-log.js';
import { merge, type Read, readKept, readOn } from '../../core/streams/log/stream-tail.js';
import type { Cut } from '../../core/streams/log/time-line.js';
import type { TopicTail } from '../../core/streams/log/topic-tail.js';
import { fail } from '../../errors.js';
import type { Command, Context } from '../command/context.js';
import { entryReplies, streamsReply } from '../streams/entry-reply.js';
import { formatId, parseId, wholeStream } from '../streams/ids.js';
import { readTopic } from '../streams/key.js';
import { type ReadArgs, readReadArgs } from '../streams/read-args.js';
import { startBehind } from '../streams/start.js';
import { waitFor } from '../streams/waiting.js';
import type { Reply } from '../wire/reply.js';

interface Source {
  readonly key: Buffer;
  readonly topic: string;
  readonly id: string;
  /** Undefined: the topic does not exist yet; everything that arrives is new. */
  from: Cut | undefined;
}

export const xread = {
  name: 'xread',
  arity: -4,
  prefix: 'ERR',
  group: 'stream',
  flags: ['readonly', 'blocking', 'movablekeys'],
  summary: 'Reads entries of streams after the given ids, without a group.',
  since: '5.0.0',
  args: [
    { name: 'count', type: 'integer', token: 'COUNT', optional: true },
    { name: 'milliseconds', type: 'integer', token: 'BLOCK', optional: true },
    { name: 'key', type: 'key', token: 'STREAMS', multiple: true },
    { name: 'id', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    const read = readReadArgs(ctx, args, 'xread');
    const topics = read.keys.map((key) => readTopic(ctx, key));
    const ids = read.ids.map(checkedId);
    return run(ctx, read, topics, ids);
  },
} as const satisfies Command;

function checkedId(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  if (text === '>') {
    throw fail(
      'stream-argument',
      'The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.',
    );
  }
  if (text !== '$' && text !== '+') parseId(bytes);
  return text;
}

async function run(ctx: Context, read: ReadArgs, topics: readonly string[], ids: readonly string[]): Promise<Reply> {
  const { maxRange } = ctx.server.gateway.settings.streams;
  const max = Math.min(read.count || maxRange, maxRange);
  const until = performance.now() + (read.blockMs ?? 0);
  const found: [Buffer, Reply[]][] = [];
  const sources: Source[] = [];
  for (const [index, topic] of topics.entries()) {
    const source: Source = { key: read.keys[index]!, topic, id: ids[index]!, from: undefined };
    const ready =
      source.id === '+' ? await readLast(ctx, topic) : await readReady(ctx, source, max, read.blockMs !== undefined);
    if (ready && ready.messages.length > 0) found.push([source.key, answer(ctx, source, ready)]);
    sources.push(source);
  }
  if (found.length > 0 || read.blockMs === undefined) return streamsReply(ctx, found);
  return wait(ctx, sources, max, Math.max(1, until - performance.now()));
}

/** The entries so far; records where to continue if there are none. */
async function readReady(ctx: Context, source: Source, max: number, waits: boolean): Promise<Read | undefined> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const { topic, id } = source;
  const known = ctx.sessions.streams.cursors.find(topic, id);
  if (known) {
    source.from = known;
    const kept = streams.tails.find(topic);
    const read = kept && readKept(kept, known, max);
    // The tail may not have heard yet what was answered to its writer.
    if (read && (waits || read.messages.length > 0)) return read;
  }
  const marks = await marksOf(catalog, admin, topic);
  if (!marks) return undefined;
  source.from = known && isOf(marks, known) ? known : await startBehind(ctx, topic, marks, id);
  return id === '$' ? undefined : readOn(streams.ranges.within(ctx.memory), topic, marks, source.from, max);
}

async function readLast(ctx: Context, topic: string): Promise<Read | undefined> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const marks = await marksOf(catalog, admin, topic);
  if (!marks) return undefined;
  const messages = await readBackward(streamLog(streams.ranges.within(ctx.memory), topic, marks), {
    ...wholeStream,
    max: 1,
  });
  return { messages, next: endOf(marks) };
}

/** A topic that was created again starts from its beginning. */
const isOf = (marks: readonly Marks[], { offsets }: Cut): boolean =>
  marks.every(({ partition, high }) => (offsets.get(partition) ?? 0) <= high);

const endOf = (marks: readonly Marks[]): Cut => ({
  offsets: new Map(marks.map(({ partition, high }) => [partition, high])),
  level: 0,
});

function answer(ctx: Context, { topic }: Source, { messages, next }: Read): Reply[] {
  ctx.sessions.streams.cursors.keep(topic, formatId(messages.at(-1)!), next);
  return entryReplies(ctx, messages);
}

/** Waits until entries arrive behind the sources' positions. Entries from before a tail was ready are read as a range. */
async function wait(ctx: Context, sources: readonly Source[], max: number, ms: number): Promise<Reply> {
  if (ctx.signal.aborted) throw ctx.signal.reason;
  const { streams } = ctx.server.gateway;
  const used: ReturnType<typeof streams.tails.use>[] = [];
  try {
    // A source that cannot be read must not block those before it.
    for (const { topic } of sources) used.push(streams.tails.use(topic));
    const come = await waitFor<{ source: Source; read: Read }>(ctx, ms, (resolve, refuse) => {
      const stops = sources.map((source, index) =>
        hear(ctx, source, used[index]!.tail, max, (read) => resolve({ source, read }), refuse),
      );
      return () => {
        for (const stop of stops) stop();
      };
    });
    return streamsReply(ctx, come ? [[come.source.key, answer(ctx, come.source, come.read)]] : []);
  } finally {
    for (const { giveBack } of used) giveBack();
  }
}

function hear(
  ctx: Context,
  source: Source,
  tail: TopicTail,
  max: number,
  come: (read: Read) => void,
  refuse: (error: unknown) => void,
): () => void {
  let stopped = false;
  // Entries between the source's position and the tail's start must be answered before those that the tail hears.
  let caughtUp = false;
  const look = (heard: readonly Message[]): void => {
    if (!caughtUp || stopped) return;
    const from = source.from ?? beginning;
    const read = readKept(tail, from, max) ?? merge(heard.filter(isBehind(from)), from, max);
    if (read.messages.length > 0) come(read);
  };
  const stopListening = tail.listen(look);
  const refused = (fault: KafkaFault): void => refuse(new KafkaError(fault));
  const stopRefused = tail.onRefused(refused);
  if (tail.fault) refused(tail.fault);
  const lookBack = async (): Promise<void> => {
    await tail.ready;
    const read = stopped ? undefined : await readSince(ctx, source, max);
    if (stopped) return;
    if (read && read.messages.length > 0) come(read);
    else {
      caughtUp = true;
      look([]);
    }
  };
  const catchUp = (): void =>
    own(lookBack(), (err: unknown) => {
      if (err instanceof KafkaError && isLasting(err)) refuse(err);
      else ctx.log.warn({ conn: ctx.id, topic: source.topic, err }, 'XREAD could not look back');
      caughtUp = true;
    });
  const stopRemade = tail.onRemade(() => {
    source.from = undefined;
    caughtUp = false;
    catchUp();
  });
  catchUp();
  return () => {
    stopped = true;
    stopListening();
    stopRemade();
    stopRefused();
  };
}

/** New entries behind the source's position; without any, it moves to the end. */
async function readSince(ctx: Context, source: Source, max: number): Promise<Read | undefined> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const marks = await marksOf(catalog, admin, source.topic);
  if (!marks) return undefined;
  const read = await readOn(streams.ranges.within(ctx.memory), source.topic, marks, source.from ?? beginning, max);
  if (read.messages.length === 0) source.from = { ...endOf(marks), level: source.from?.level ?? 0 };
  return read;
}

/** The topic was created meanwhile: everything in it is new. */
const beginning: Cut = { offsets: new Map(), level: 0 };

const isBehind =
  ({ offsets }: Cut) =>
  ({ partition, offset }: Message): boolean =>
    offset >= (offsets.get(partition) ?? 0);
