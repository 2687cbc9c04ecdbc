// PUBLISH topics:<t>[:<key>] <message>  ->  1: RPUSHX under the name that pub/sub programs use
import type { Command } from '../command.js';
import { parseProduceKey } from '../topics-key.js';
import { produce } from './rpushx.js';

export const publish = {
  name: 'publish',
  arity: 3,
  prefix: 'PROD',
  group: 'pubsub',
  flags: ['pubsub', 'loading', 'stale', 'fast'],
  summary: 'Produces one message to a topic, as RPUSHX does.',
  args: [
    { name: 'channel', type: 'string' },
    { name: 'message', type: 'string' },
  ],
  run: (ctx, args) => produce(ctx, parseProduceKey(args.bytes()), args),
} as const satisfies Command;
