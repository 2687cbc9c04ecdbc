// LREM key:processing count element  ->  how many elements of this value are acknowledged: |count| at most, 0: all
// Of other lists nothing can be removed: a topic cannot lose one record.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { atGroup } from '../streams/group-routing.js';
import { checkPlainLists, listKey } from '../streams/lists.js';
import { removeHeld, sourceOf } from '../streams/processing/elements.js';

export const lrem = {
  name: 'lrem',
  arity: 4,
  prefix: 'CONS',
  group: 'list',
  flags: ['write'],
  summary: 'Acknowledges elements that LMOVE has put into <key>:processing.',
  since: '1.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'count', type: 'integer' },
    { name: 'element', type: 'string' },
  ],
  run(ctx, args) {
    const key = args.bytes();
    const count = args.integer();
    const value = args.bytes();
    checkPlainLists(ctx);
    const source = sourceOf(key);
    if (!source) throw fail('list-remove', key.toString());
    return atGroup(ctx, listKey(ctx, source), args, () => removeHeld(ctx, source, count, value));
  },
} as const satisfies Command;
