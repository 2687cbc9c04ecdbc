// LRANGE key start stop  ->  elements of a plain list that are not popped yet; nothing is taken
// LRANGE topics:<t> start stop  ->  values of messages in the topic
// At most streams.maxRange elements: the first ones of the range.
import type { Command } from '../command/context.js';
import { peek } from '../streams/list-peek.js';

export const lrange = {
  name: 'lrange',
  arity: 4,
  prefix: 'ERR',
  group: 'list',
  flags: ['readonly'],
  summary: 'Returns a range of elements of a plain list, or of messages of a topic, without taking them.',
  since: '1.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'start', type: 'integer' },
    { name: 'stop', type: 'integer' },
  ],
  run(ctx, args) {
    args.bytes();
    const start = args.integer();
    return peek(ctx, args, { start, stop: args.integer() }, (values) => values);
  },
} as const satisfies Command;
