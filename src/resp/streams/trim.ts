// MAXLEN and MINID as XADD and XTRIM take them.
import { fail } from '../../errors.js';
import type { Args } from '../args.js';
import { type EntryId, parseId } from './ids.js';

export type Trim =
  | { readonly by: 'MAXLEN'; readonly length: number; readonly exact: boolean }
  | { readonly by: 'MINID'; readonly id: EntryId; readonly exact: boolean };

/** The trimming that follows; undefined when none does. @throws GatewayError with Redis' texts. */
export function readTrim(args: Args): Trim | undefined {
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
