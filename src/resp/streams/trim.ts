// MAXLEN and MINID of XADD and XTRIM.
import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import { type EntryId, parseId } from './ids.js';

export type Trim =
  | { readonly by: 'MAXLEN'; readonly length: number; readonly exact: boolean }
  | { readonly by: 'MINID'; readonly id: EntryId; readonly exact: boolean };

/**
 * The trimming option that follows; undefined if none does.
 * @param takesOther consumes one of the command's other options, which may stand between. @throws GatewayError with Redis' texts.
 */
export function readTrim(args: Args, takesOther: () => boolean = () => false): Trim | undefined {
  let trim: Trim | undefined;
  for (;;) {
    if (takesOther()) continue;
    const next = readOne(args);
    if (!next) return trim;
    // Redis' text, also for a repeated option.
    if (trim) throw fail('stream-argument', twice);
    trim = next;
  }
}

const twice = 'syntax error, MAXLEN and MINID options at the same time are not compatible';

function readOne(args: Args): Trim | undefined {
  const byLength = args.option('MAXLEN');
  if (!byLength && !args.option('MINID')) return undefined;
  const about = args.option('~');
  if (!about) args.option('=');
  const trim: Trim = byLength
    ? { by: 'MAXLEN', length: args.integer(), exact: !about }
    : { by: 'MINID', id: parseId(args.bytes()), exact: !about };
  if (trim.by === 'MAXLEN' && trim.length < 0) throw fail('stream-argument', 'The MAXLEN argument must be >= 0.');
  if (args.option('LIMIT')) {
    if (args.integer() < 0) throw fail('stream-argument', 'The LIMIT argument must be >= 0.');
    if (!about) throw fail('stream-argument', 'syntax error, LIMIT cannot be used without the special ~ option');
  }
  return trim;
}
