// XREADGROUP of streams whose groups are read in other processes, or in several.
import { sleep } from '../../core/clock.js';
import { all, own } from '../../core/promises.js';
import { claimKey } from '../../core/streams/group-leases.js';
import { GatewayError } from '../../errors.js';
import { errorReply } from '../command/command.js';
import type { Context } from '../command/context.js';
import { Encoded, hasEntries, nullArray, type Reply } from '../wire/reply.js';
import { againMs, attempts, callOf, runElsewhere } from './group-routing.js';
import type { GroupKey } from './key.js';
import type { ReadArgs } from './read-args.js';
import { GroupElsewhere, isRemote } from './remote-connection.js';

/**
 * Reads where the groups are read.
 * @param places of the streams, in order @param readHere reads where all of them are read by this process, or by none yet
 */
export async function readSomewhere(
  ctx: Context,
  read: ReadArgs,
  places: readonly GroupKey[],
  readHere: (blockMs: number | undefined) => Promise<Reply>,
): Promise<Reply> {
  const { leases } = ctx.server.gateway.streams;
  const until = performance.now() + (read.blockMs ?? 0);
  for (let attempt = 1; ; attempt++) {
    const blockMs = read.blockMs === undefined ? undefined : Math.max(1, until - performance.now());
    const granted = await leases.claimAll(places);
    const claimed = places.filter((_, index) => granted[index]);
    try {
      if (claimed.length === places.length) return await readHere(blockMs);
      if (isRemote(ctx)) throw new GroupElsewhere();
      const parts = places.map((place, index): Part => ({ ctx, read, place, index, isHere: granted[index]! }));
      const reply = parts.length === 1 ? await ask(parts[0]!, blockMs) : await readApart(ctx, parts, blockMs);
      if (reply) return new Encoded(reply);
    } finally {
      leases.doneAll(claimed);
    }
    // A process has left a group, or has died: another one reads it, or this one.
    if (read.blockMs === undefined ? attempt === attempts : performance.now() >= until) return nullArray;
    await sleep(ctx.server.clock, againMs);
  }
}

/** One stream of a command. */
interface Part {
  readonly ctx: Context;
  readonly read: ReadArgs;
  readonly place: GroupKey;
  readonly index: number;
  readonly isHere: boolean;
}

/** @returns undefined: another process reads a stream's group by now, and nothing was handed out. */
async function readApart(
  ctx: Context,
  parts: readonly Part[],
  blockMs: number | undefined,
): Promise<Buffer | undefined> {
  const ready = await all(parts, (part) => askSafely(part, undefined));
  const found = merged(ready);
  if (found) return found;
  const isMoved = ready.includes(undefined);
  const failure = ready.find((reply) => reply && isError(reply));
  if (isMoved || failure || blockMs === undefined) return isMoved ? undefined : (failure ?? ready[0]);
  let over = (): void => {};
  const first = new Promise<void>((resolve) => {
    over = resolve;
  });
  const waiting = all(parts, async (part) => {
    const reply = await askSafely(part, blockMs);
    // Another one may still wait for its fetch.
    if (!reply || hasEntries(reply) || isError(reply)) over();
    return reply;
  });
  await Promise.race([first, waiting]);
  // Entries that other processes hand out before they hear of it are answered as well.
  for (const part of parts) cancel(part);
  const replies = await waiting;
  const come = merged(replies);
  if (come) return come;
  if (ctx.signal.aborted) throw ctx.signal.reason;
  // Cancelled reads are errors.
  return replies.find((reply) => reply && !isError(reply));
}

/** The reply of one stream; a failure is an error reply, so that other processes' entries are not lost. */
async function askSafely(part: Part, blockMs: number | undefined): Promise<Buffer | undefined> {
  try {
    return await ask(part, blockMs);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return Buffer.from(`-${errorReply(part.ctx, undefined, error).text}\r\n`);
  }
}

async function ask(
  { ctx, read, place, index, isHere }: Part,
  blockMs: number | undefined,
): Promise<Buffer | undefined> {
  const argv = commandOf(read, index, blockMs);
  if (!isHere) return runElsewhere(ctx, place, argv, blockMs ?? 0);
  const { remotes } = ctx.server;
  if (ctx.signal.aborted) throw ctx.signal.reason;
  ctx.sessions.streams.isKnownElsewhere = true;
  const stop = (): void => remotes.cancel(ctx.id);
  ctx.signal.addEventListener('abort', stop, { once: true });
  try {
    const reply = await remotes.run(callOf(ctx, argv, blockMs ?? 0));
    return reply === null ? undefined : Buffer.from(reply, 'base64');
  } finally {
    ctx.signal.removeEventListener('abort', stop);
  }
}

function cancel({ ctx, place, isHere }: Part): void {
  if (isHere) ctx.server.remotes.cancel(ctx.id);
  else own(ctx.server.siblings.askHolder(claimKey(place), 'cancelRemote', ctx.id), () => {});
}

/** The command for one of its streams. */
function commandOf(read: ReadArgs, index: number, blockMs: number | undefined): Buffer[] {
  const words = ['XREADGROUP', 'GROUP', read.group, read.consumer];
  if (read.count > 0) words.push('COUNT', String(read.count));
  if (blockMs !== undefined)
    words.push('BLOCK', blockMs === Number.POSITIVE_INFINITY ? '0' : String(Math.ceil(blockMs)));
  if (read.noack) words.push('NOACK');
  words.push('STREAMS');
  return [...words.map((word) => Buffer.from(word)), read.keys[index]!, read.ids[index]!];
}

/** One reply from those with entries; undefined if there is none. Errors are omitted then. */
function merged(replies: readonly (Buffer | undefined)[]): Buffer | undefined {
  const found = replies.filter((reply) => reply !== undefined && hasEntries(reply)) as Buffer[];
  if (found.length === 0) return undefined;
  const heads = found.map((reply) => reply.indexOf('\r\n'));
  const count = found.reduce((sum, reply, index) => sum + Number(reply.toString('latin1', 1, heads[index]!)), 0);
  const kind = String.fromCharCode(found[0]![0]!);
  return Buffer.concat([
    Buffer.from(`${kind}${count}\r\n`),
    ...found.map((reply, index) => reply.subarray(heads[index]! + 2)),
  ]);
}

const isError = (reply: Buffer): boolean => reply[0] === 0x2d;
