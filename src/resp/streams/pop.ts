// The argument and reply shapes of plain-list pops.
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import { parseInteger } from '../command/args.js';
import type { Context } from '../command/context.js';
import { parseBlpopTimeout } from '../keys/blpop-timeout.js';
import { nullArray, type Reply } from '../wire/reply.js';
import { atGroup } from './group-routing.js';
import { checkPlainLists, lengthOfList, listKey, popFromLists } from './lists.js';

/** `key [count]`: one element, or with a count an array. */
export async function pop(ctx: Context, args: Args): Promise<Reply> {
  checkPlainLists(ctx);
  const key = args.bytes();
  if (args.left > 1) throw fail('wrong-arity', args.argv[0]!.toString('latin1').toLowerCase());
  if (args.left === 0) return (await popFromLists(ctx, [key], 1, undefined))?.values[0] ?? null;
  const count = parseInteger(args.bytes());
  if (count === undefined || count < 0) throw fail('stream-argument', 'value is out of range, must be positive');
  if (count === 0) {
    return atGroup(ctx, listKey(ctx, key), args, async () => ((await lengthOfList(ctx, key)) > 0 ? [] : nullArray));
  }
  return (await popFromLists(ctx, [key], count, undefined))?.values ?? nullArray;
}

/** `key [key ...] timeout`: [key, element]. */
export async function blockingPop(ctx: Context, keys: readonly Buffer[], timeout: Buffer): Promise<Reply> {
  const { ms } = parseBlpopTimeout(timeout, 's');
  const popped = await popFromLists(ctx, keys, 1, ctx.isInExec ? undefined : ms);
  return popped?.values[0] ? [popped.key, popped.values[0]] : nullArray;
}

/** `numkeys key [key ...] LEFT|RIGHT [COUNT n]`: [key, elements]. @param timeout undefined: do not wait */
export async function multiPop(ctx: Context, args: Args, timeout?: Buffer): Promise<Reply> {
  checkPlainLists(ctx);
  const numkeys = parseInteger(args.bytes());
  if (numkeys === undefined || numkeys < 1) throw fail('stream-argument', 'numkeys should be greater than 0');
  if (args.left <= numkeys) throw fail('syntax');
  const keys = Array.from({ length: numkeys }, () => args.bytes());
  if (!args.option('LEFT') && !args.option('RIGHT')) throw fail('syntax');
  let count: number | undefined = 1;
  if (args.option('COUNT')) count = parseInteger(args.bytes());
  if (count === undefined || count < 1) throw fail('stream-argument', 'count should be greater than 0');
  args.finish();
  const waitMs = timeout && parseBlpopTimeout(timeout, 's').ms;
  const popped = await popFromLists(ctx, keys, count, ctx.isInExec ? undefined : waitMs);
  return popped ? [popped.key, popped.values] : nullArray;
}
