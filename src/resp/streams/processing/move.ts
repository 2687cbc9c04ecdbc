// LMOVE, BLMOVE, RPOPLPUSH and BRPOPLPUSH: an element of a plain list goes to <key>:processing, or back.

import { fail } from '../../../errors.js';
import type { Args } from '../../command/args.js';
import type { Context } from '../../command/context.js';
import { nullArray, type Reply } from '../../wire/reply.js';
import { atGroup } from '../group-routing.js';
import { checkPlainLists, listKey, takeForProcessing } from '../lists.js';
import { checkMove, returnHeld } from './elements.js';

/** LEFT or RIGHT: a topic has one order, so both are its oldest element. @throws GatewayError `syntax` */
export function side(args: Args): void {
  if (!args.option('LEFT') && !args.option('RIGHT')) throw fail('syntax');
}

/** @param waitMs undefined: do not wait; Infinity: no limit @returns the element; null if there is none */
export function move(
  ctx: Context,
  args: Args,
  [from, to]: readonly [Buffer, Buffer],
  waitMs?: number,
): Reply | Promise<Reply> {
  checkPlainLists(ctx);
  const how = checkMove(from, to);
  const source = how === 'takes' ? from : to;
  const ms = ctx.isInExec ? undefined : waitMs;
  const none = ms === undefined ? null : nullArray;
  const run = async (): Promise<Reply> =>
    how === 'takes' ? ((await takeForProcessing(ctx, source, ms)) ?? none) : returnHeld(ctx, source);
  return atGroup(ctx, listKey(ctx, source), args, run, ms ?? 0);
}
