// Plain lists: a topic as a queue in the shapes of Redis' lists. Popped elements are acknowledged when the same connection requests
// more, or by QUIT: at least once, where Redis is at most once.

import type { Handed } from '../../core/streams/group/pending.js';
import { positionsOf } from '../../core/streams/group/positions.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { claimKey } from '../../core/streams/group-leases.js';
import { deliverable } from '../../core/streams/log/deliverable.js';
import { marksOf } from '../../core/streams/log/marks.js';
import { fail, GatewayError } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Context } from '../command/context.js';
import { messagesOf } from './entry-reply.js';
import { fetchWaitMs, furtherWaitMs } from './fetch-wait.js';
import { type GroupKey, groupKey } from './key.js';
import { popHereOrElsewhere } from './list-routing.js';
import { topicOf } from './names.js';
import { GroupElsewhere, isRemote } from './remote-connection.js';
import { waitFor } from './waiting.js';

/** Popped elements and their key. */
export interface Popped {
  readonly key: Buffer;
  readonly values: readonly Buffer[];
}

const empty = Buffer.alloc(0);

/** The member that holds what LMOVE handed out. It belongs to no connection: each process may acknowledge for another. */
export const processing = ':processing';

/** Whether a key is a plain list here, not one of Rafka's own. */
export function isPlainList(ctx: Context, key: Buffer): boolean {
  return ctx.server.gateway.settings.streams.plainLists && !/^(?:topics?:|acks$)/.test(key.toString('latin1', 0, 8));
}

/** @throws GatewayError `plain-lists-off`. */
export function checkPlainLists(ctx: Context): void {
  if (!ctx.server.gateway.settings.streams.plainLists) throw fail('plain-lists-off');
}

/** Appends the remaining arguments; answers when Kafka has them. @returns how many there were. */
export async function pushToList(ctx: Context, key: Buffer, args: Args): Promise<number> {
  const { streams } = ctx.server.gateway;
  const topic = topicOf(key, ctx.server.gateway.settings);
  ctx.user.checkProduce(topic);
  const values = args.rest();
  const append = () =>
    Promise.all(
      values.map((value) => streams.append(topic, { key: null, value, headers: [], hasValue: true }, ctx.transaction)),
    );
  const reports = await (streams.topics.isKnown(topic)
    ? append()
    : ctx.transaction
      ? streams.topics.provide(topic).then(append)
      : streams.topics.inTurn(topic, () => streams.topics.provide(topic), append));
  const failed = reports.find(({ error }) => error);
  if (failed) throw streams.refusal(failed);
  return values.length;
}

/**
 * Pops from the first list with elements, in the order of keys. What the connection popped before is done.
 * @param waitMs undefined: do not wait; Infinity: no limit. @returns undefined if nothing arrived.
 */
export function popFromLists(
  ctx: Context,
  keys: readonly Buffer[],
  max: number,
  waitMs: number | undefined,
): Promise<Popped | undefined> {
  acknowledgeEarlier(ctx);
  const places = keys.map((key) => listKey(ctx, key));
  return popHereOrElsewhere(ctx, keys, places, max, waitMs, popHere);
}

/** The connection asks for more: what it popped before is done, or goes with the EXEC. */
export function acknowledgeEarlier(ctx: Context): void {
  if (ctx.transaction) ctx.transaction.pops();
  else ctx.sessions.streams.acknowledge();
}

/** Pops from lists that are read here, or joins their groups. @throws GroupElsewhere for another process's connection */
export async function popHere(
  ctx: Context,
  keys: readonly Buffer[],
  max: number,
  waitMs: number | undefined,
): Promise<Popped | undefined> {
  const { leases } = ctx.server.gateway.streams;
  if (isRemote(ctx) && !keys.every((key) => leases.holds(claimKey(listKey(ctx, key))))) throw new GroupElsewhere();
  const until = performance.now() + (waitMs ?? 0);
  for (;;) {
    const leftMs = waitMs === undefined ? undefined : Math.max(1, until - performance.now());
    const taken = await takeAgain(ctx, keys, max, leftMs);
    if (taken === 'ended') continue;
    if (!taken) return undefined;
    const values = await valuesOf(ctx, taken);
    // Elements that are no longer in Kafka are replaced by the next ones.
    if (values.length > 0) return { key: taken.key, values };
  }
}

interface Taken {
  readonly key: Buffer;
  readonly group: StreamGroup;
  readonly handed: readonly Handed[];
}

/**
 * The next element of a list that is read here, or whose group is joined; it stays pending with a member that is no connection.
 * @param waitMs undefined: do not wait
 */
export async function takeForProcessing(
  ctx: Context,
  key: Buffer,
  waitMs: number | undefined,
): Promise<Buffer | undefined> {
  const until = performance.now() + (waitMs ?? 0);
  for (;;) {
    const leftMs = waitMs === undefined ? undefined : Math.max(1, until - performance.now());
    const taken = await takeAgain(ctx, [key], 1, leftMs, processing);
    if (taken === 'ended') continue;
    if (!taken) return undefined;
    const [value] = await valuesOf(ctx, taken, true);
    if (value) return value;
  }
}

/** @returns `ended`: the topic of a list was deleted meanwhile. The list is empty then, as in Redis, and waited for. */
async function takeAgain(
  ctx: Context,
  keys: readonly Buffer[],
  max: number,
  waitMs: number | undefined,
  keeper?: string,
): Promise<Taken | undefined | 'ended'> {
  try {
    return await take(ctx, keys, max, waitMs, keeper);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'group-ended') return 'ended';
    throw error;
  }
}

async function take(
  ctx: Context,
  keys: readonly Buffer[],
  max: number,
  waitMs: number | undefined,
  keeper: string | undefined,
): Promise<Taken | undefined> {
  const groups = keys.map((key) => openList(ctx, key));
  const member = keeper ?? memberName(ctx);
  const socket = keeper === undefined ? ctx : undefined;
  const request = (group: StreamGroup) => {
    return { member: group.members.seen(member, group.now(), socket), max, noack: false };
  };
  const ready = (): Taken | undefined => {
    for (const [index, group] of groups.entries()) {
      const handed = group.read(request(group));
      if (handed.length > 0) return { key: keys[index]!, group, handed };
    }
    return undefined;
  };
  const first = ready();
  if (first) return first;
  for (const group of groups) group.checkReadable();
  const ms = waitMs ?? (await fetchWaitMs(ctx, groups));
  // Fetched while Kafka was asked.
  const late = waitMs === undefined ? ready() : undefined;
  if (late) return late;
  if (ms === 0) return undefined;
  const wait = (forMs: number): Promise<Taken | undefined> =>
    waitFor(ctx, forMs, (resolve, refuse) => {
      const stops = groups.map((group, index) =>
        group.wait(request(group), (handed) => resolve({ key: keys[index]!, group, handed }), refuse),
      );
      return () => {
        for (const stop of stops) stop();
      };
    });
  const come = await wait(ms);
  if (come || waitMs === undefined) return come;
  const furtherMs = await furtherWaitMs(ctx, groups, waitMs);
  return furtherMs === 0 ? undefined : (ready() ?? wait(furtherMs));
}

/** LLEN: elements that are not popped yet, or were given back. */
export async function lengthOfList(ctx: Context, key: Buffer): Promise<number> {
  const { catalog, admin, streams } = ctx.server.gateway;
  const { topic, kafkaGroup } = listKey(ctx, key);
  const marks = await marksOf(catalog, admin, topic);
  if (!marks) return 0;
  const { groups } = streams;
  const positions = await positionsOf({ admin, groups }, kafkaGroup, topic, marks);
  const lag = await deliverable(streams.ranges.within(ctx.memory), topic, marks, positions);
  const returned = groups.find(kafkaGroup, topic)?.partitions.reduce((sum, { released }) => sum + released, 0);
  return lag + (returned ?? 0);
}

function openList(ctx: Context, key: Buffer): StreamGroup {
  if (ctx.signal.aborted) throw ctx.signal.reason;
  const { kafkaGroup, topic } = listKey(ctx, key);
  return ctx.server.gateway.streams.groups.open(kafkaGroup, topic);
}

/** @throws GatewayError as groupKey() */
export const listKey = (ctx: Context, key: Buffer): GroupKey => groupKey(ctx, key, groupName(ctx));

/** The group of CLIENT SETNAME's `<group>:<name>`, else the configured one. */
function groupName(ctx: Context): string {
  const colon = ctx.name.indexOf(':');
  return colon > 0 ? ctx.name.slice(0, colon) : ctx.server.gateway.settings.streams.listGroup;
}

/** Each connection is a member of its own: only it has what it popped. */
const memberName = (ctx: Context): string => `${ctx.name}#${ctx.id}`;

/** The elements' values. Elements that cannot be answered are given back: otherwise the connection's next pop would acknowledge them. */
async function valuesOf(ctx: Context, { group, handed }: Taken, isKept = false): Promise<Buffer[]> {
  const entries = handed.map(({ entry }) => entry);
  try {
    const messages = await messagesOf(ctx, group.topic, handed);
    if (ctx.signal.aborted) throw ctx.signal.reason;
    // Elements that Kafka no longer has are done.
    for (const [index, { partition, offset }] of entries.entries()) if (!messages[index]) group.ack(partition, offset);
    const popped = entries.filter((_, index) => messages[index]);
    if (popped.length > 0 && !isKept) ctx.sessions.streams.popped(group, popped);
    return messages.flatMap((message) => (message ? [message.value ?? empty] : []));
  } catch (error) {
    group.release(entries, true);
    throw error;
  }
}
