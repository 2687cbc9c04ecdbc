// Pops from lists that are read in several processes: each element goes to one client, and elements of a lost race are given back.
import { sleep } from '../../core/clock.js';
import { all, own } from '../../core/promises.js';
import { claimKey, type GroupPlace } from '../../core/streams/group-leases.js';
import type { Context } from '../command/context.js';
import { againMs, attempts, popCallOf, popElsewhere } from './group-routing.js';
import { isRemote } from './remote-connection.js';

interface Popped {
  readonly key: Buffer;
  readonly values: readonly Buffer[];
}

type Pop = (
  ctx: Context,
  keys: readonly Buffer[],
  max: number,
  waitMs: number | undefined,
) => Promise<Popped | undefined>;

/** One list, and the process that reads it. */
interface Source {
  readonly key: Buffer;
  readonly place: GroupPlace;
  readonly isHere: boolean;
}

/**
 * Pops from the first list with elements, in the order of keys.
 * @param places of the keys @param popHere pops from lists of this process @param waitMs undefined: do not wait
 */
export function popHereOrElsewhere(
  ctx: Context,
  keys: readonly Buffer[],
  places: readonly GroupPlace[],
  max: number,
  waitMs: number | undefined,
  popHere: Pop,
): Promise<Popped | undefined> {
  const { siblings, gateway } = ctx.server;
  const { groups } = gateway.streams;
  const isHere = ({ kafkaGroup, topic }: GroupPlace): boolean => groups.find(kafkaGroup, topic) !== undefined;
  if (!siblings.exist || isRemote(ctx) || places.every(isHere)) return popHere(ctx, keys, max, waitMs);
  return popSomewhere(ctx, keys, places, max, waitMs, popHere);
}

async function popSomewhere(
  ctx: Context,
  keys: readonly Buffer[],
  places: readonly GroupPlace[],
  max: number,
  waitMs: number | undefined,
  popHere: Pop,
): Promise<Popped | undefined> {
  const { leases } = ctx.server.gateway.streams;
  const until = performance.now() + (waitMs ?? 0);
  for (let attempt = 1; ; attempt++) {
    const leftMs = waitMs === undefined ? undefined : Math.max(1, until - performance.now());
    const granted = await leases.claimAll(places);
    const claimed = places.filter((_, index) => granted[index]);
    try {
      if (claimed.length === places.length) return await popHere(ctx, keys, max, leftMs);
      const sources = keys.map((key, index): Source => ({ key, place: places[index]!, isHere: granted[index]! }));
      const popped = await popApart(ctx, sources, max, leftMs);
      if (popped !== 'moved') return popped;
    } finally {
      leases.doneAll(claimed);
    }
    if (waitMs === undefined ? attempt >= attempts : performance.now() >= until) return undefined;
    await sleep(ctx.server.clock, againMs);
  }
}

/** @returns `moved`: another process reads a list by now, and nothing was popped. */
async function popApart(
  ctx: Context,
  sources: readonly Source[],
  max: number,
  waitMs: number | undefined,
): Promise<Popped | undefined | 'moved'> {
  const [only] = sources;
  if (sources.length === 1) return (await popOne(ctx, only!, max, waitMs)) ?? 'moved';
  let isMoved = false;
  for (const source of sources) {
    const popped = await popOne(ctx, source, max, undefined);
    if (popped && popped.values.length > 0) return popped;
    isMoved ||= popped === undefined;
  }
  if (isMoved) return 'moved';
  return waitMs === undefined ? undefined : race(ctx, sources, max, waitMs);
}

/** The first list that pops wins. Others that pop before they hear of it give their elements back. */
async function race(
  ctx: Context,
  sources: readonly Source[],
  max: number,
  waitMs: number,
): Promise<Popped | undefined | 'moved'> {
  let over = (): void => {};
  const first = new Promise<void>((resolve) => {
    over = resolve;
  });
  let isOver = false;
  const pops = all(sources, async (source) => {
    try {
      const popped = await popOne(ctx, source, max, waitMs);
      // Another one may still wait for its fetch.
      if (!popped || popped.values.length > 0) over();
      return { popped };
    } catch (error) {
      if (isOver) return { popped: { key: source.key, values: [] } };
      over();
      return { error };
    }
  });
  await Promise.race([first, pops]);
  isOver = true;
  for (const source of sources) cancel(ctx, source);
  const results = await pops;
  const failed = results.find((each) => 'error' in each);
  let winner: Popped | undefined;
  let isMoved = false;
  for (const [index, each] of results.entries()) {
    const popped = 'popped' in each ? each.popped : undefined;
    if (!popped) isMoved = true;
    else if (popped.values.length > 0) {
      if (winner || failed) giveBack(ctx, sources[index]!);
      else winner = popped;
    }
  }
  if (failed) throw failed.error;
  return winner ?? (isMoved ? 'moved' : undefined);
}

/** @returns without values if nothing arrived; undefined: another process reads the list by now */
async function popOne(
  ctx: Context,
  { key, place, isHere }: Source,
  max: number,
  waitMs: number | undefined,
): Promise<Popped | undefined> {
  const { streams } = ctx.sessions;
  streams.isKnownElsewhere = true;
  const values = isHere ? await popAsRemote(ctx, key, max, waitMs) : await popElsewhere(ctx, place, key, max, waitMs);
  if (values && values.length > 0) streams.poppedElsewhere(place);
  return values && { key, values };
}

/** In this process, but so that it can be cancelled by itself. */
async function popAsRemote(
  ctx: Context,
  key: Buffer,
  max: number,
  waitMs: number | undefined,
): Promise<Buffer[] | undefined> {
  if (ctx.signal.aborted) throw ctx.signal.reason;
  const { remotes } = ctx.server;
  const stop = (): void => remotes.cancel(ctx.id);
  ctx.signal.addEventListener('abort', stop, { once: true });
  try {
    const values = await remotes.pop(popCallOf(ctx, key, max, waitMs));
    return values?.map((value) => Buffer.from(value, 'base64'));
  } finally {
    ctx.signal.removeEventListener('abort', stop);
  }
}

function cancel(ctx: Context, { place, isHere }: Source): void {
  if (isHere) ctx.server.remotes.cancel(ctx.id);
  else own(ctx.server.siblings.askHolder(claimKey(place), 'cancelRemote', ctx.id), () => {});
}

function giveBack(ctx: Context, { place, isHere }: Source): void {
  if (isHere) ctx.server.remotes.giveBack(ctx.id, place);
  else own(ctx.server.siblings.askHolder(claimKey(place), 'giveBackRemote', ctx.id, place), () => {});
}
