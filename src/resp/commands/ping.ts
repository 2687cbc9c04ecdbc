// PING [message]: shows that the gateway is alive.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { Simple } from '../wire/reply.js';

const PONG = new Simple('PONG');

/** `PING` -> `+PONG`; `PING message` -> the message. */
export const ping = {
  name: 'ping',
  arity: -1,
  prefix: 'ERR',
  group: 'connection',
  flags: ['fast'],
  summary: "Returns the server's liveliness response.",
  since: '1.0.0',
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  args: [{ name: 'message', type: 'string', optional: true }],
  run(ctx, args) {
    if (args.left > 1) throw fail('wrong-arity', 'ping');
    if (ctx.protocol === 2 && ctx.sessions.isSubscribed) return ['pong', args.left === 0 ? '' : args.bytes()];
    return args.left === 0 ? PONG : args.bytes();
  },
} satisfies Command;
