// Runs commands on a group in the process that reads it: here, or in another worker of this gateway. See docs/decisions/0011.
import { sleep } from '../../core/clock.js';
import { own } from '../../core/promises.js';
import { claimKey, type GroupPlace } from '../../core/streams/group-leases.js';
import { fail, GatewayError } from '../../errors.js';
import type { Args } from '../command/args.js';
import type { Context } from '../command/context.js';
import type { GroupCall, PopCall } from '../siblings/siblings.js';
import { Encoded, hasEntries, type Reply } from '../wire/reply.js';
import { GroupElsewhere, isRemote } from './remote-connection.js';

/** How long a group is looked for whose process has just left it or died, and the pause in between, ms. */
export const attempts = 5;
export const againMs = 50;
/** An unlimited wait, as sent to other processes, ms. */
const forEverMs = 1e11;

/**
 * Runs a command that names one group: here if it is read here or by no process, else where it is.
 * @param waitMs how long it may wait
 */
export function atGroup(
  ctx: Context,
  place: GroupPlace,
  { argv }: Args,
  run: () => Reply | Promise<Reply>,
  waitMs = 0,
): Reply | Promise<Reply> {
  const { siblings, gateway } = ctx.server;
  if (!siblings.exist || gateway.streams.groups.find(place.kafkaGroup, place.topic)) return run();
  return claimed(ctx, place, argv, run, waitMs);
}

async function claimed(
  ctx: Context,
  place: GroupPlace,
  argv: readonly Buffer[],
  run: () => Reply | Promise<Reply>,
  waitMs: number,
): Promise<Reply> {
  const { leases } = ctx.server.gateway.streams;
  for (let attempt = 1; ; attempt++) {
    if (await leases.claim(place)) {
      try {
        return await run();
      } finally {
        leases.done(place);
      }
    }
    if (isRemote(ctx)) throw new GroupElsewhere();
    const reply = await runElsewhere(ctx, place, argv, waitMs);
    if (reply) return new Encoded(reply);
    if (attempt === attempts) throw fail('peer-silent');
    await sleep(ctx.server.clock, againMs);
  }
}

/**
 * Runs a command in the process that has claimed a group.
 * @param waitMs how long the command may wait there @returns undefined: that process no longer has it.
 * @throws GatewayError; the signal's reason if the client no longer waits and there is no result
 */
export async function runElsewhere(
  ctx: Context,
  place: GroupPlace,
  argv: readonly Buffer[],
  waitMs: number,
): Promise<Buffer | undefined> {
  const answer = await askElsewhere(ctx, place, (key) => {
    const { siblings } = ctx.server;
    return siblings.askHolder(key, 'groupCommand', callOf(ctx, argv, waitMs));
  });
  const reply = typeof answer === 'string' ? Buffer.from(answer, 'base64') : undefined;
  // Entries that were handed out nevertheless belong to the client, if it is still there.
  if (ctx.signal.aborted && !(reply && hasEntries(reply))) throw ctx.signal.reason;
  return reply;
}

/** A command as it is sent to another process. */
export const callOf = (ctx: Context, argv: readonly Buffer[], waitMs: number): GroupCall => ({
  conn: ctx.id,
  name: ctx.name,
  protocol: ctx.protocol,
  argv: argv.map((word) => word.toString('latin1')),
  waitMs: Math.min(waitMs, forEverMs),
});

/** Pops elements of a list where it is read. @param waitMs undefined: do not wait @returns undefined: that process no longer has it. */
export async function popElsewhere(
  ctx: Context,
  place: GroupPlace,
  key: Buffer,
  max: number,
  waitMs: number | undefined,
): Promise<Buffer[] | undefined> {
  const { siblings } = ctx.server;
  const values = await askElsewhere(ctx, place, (claim) =>
    siblings.askHolder(claim, 'popElements', popCallOf(ctx, key, max, waitMs)),
  );
  return values?.map((value) => Buffer.from(value, 'base64'));
}

export const popCallOf = (ctx: Context, key: Buffer, max: number, waitMs: number | undefined): PopCall => ({
  conn: ctx.id,
  name: ctx.name,
  key: key.toString('latin1'),
  max,
  waitMs: waitMs === undefined ? null : Math.min(waitMs, forEverMs),
});

/** A process that has died meanwhile counts as one that no longer has the group; one that is alive and silent throws. */
async function askElsewhere<T>(
  ctx: Context,
  place: GroupPlace,
  ask: (key: string) => Promise<T | null | undefined>,
): Promise<T | undefined> {
  const key = claimKey(place);
  if (ctx.signal.aborted) throw ctx.signal.reason;
  ctx.sessions.streams.isKnownElsewhere = true;
  const cancel = (): void => own(ctx.server.siblings.askHolder(key, 'cancelRemote', ctx.id), () => {});
  ctx.signal.addEventListener('abort', cancel, { once: true });
  const { clock } = ctx.server;
  const begunAt = clock.monotonic();
  const { leases } = ctx.server.gateway.streams;
  try {
    const answer = (await ask(key)) ?? undefined;
    if (answer === undefined) leases.moved(place);
    return answer;
  } catch (error) {
    // A late answer is not requested again: its effects have happened.
    const isGone = error instanceof GatewayError && error.code === 'peer-silent' && (await isFree(ctx, place));
    if (!isGone) throw error;
    ctx.log.info({ conn: ctx.id, ...place, afterMs: Math.round(clock.monotonic() - begunAt) }, 'a group is taken over');
    return undefined;
  } finally {
    ctx.signal.removeEventListener('abort', cancel);
  }
}

/** Whether no other process has the group: it is claimed and released. */
async function isFree(ctx: Context, place: GroupPlace): Promise<boolean> {
  const { leases } = ctx.server.gateway.streams;
  leases.moved(place);
  if (!(await leases.claim(place))) return false;
  leases.done(place);
  return true;
}

/** A stream was deleted, or one group of it destroyed: they end in all processes. @throws GatewayError `peer-silent` */
export async function endGroups(ctx: Context, topic: string, kafkaGroup?: string): Promise<void> {
  const { siblings, gateway } = ctx.server;
  await gateway.streams.groups.end(topic, kafkaGroup);
  await siblings.askAll('endGroups', topic, kafkaGroup);
}
