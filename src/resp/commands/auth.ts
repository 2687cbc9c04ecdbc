// AUTH [username] password: authenticates the connection.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { logIn } from '../command/login.js';
import { OK, type Reply } from '../wire/reply.js';

/**
 * `AUTH password` (the default user) or `AUTH username password` -> `+OK`. When the user changes, name, consumer, producer,
 * subscriptions and MONITOR of the previous one have ended before the answer.
 */
export const auth = {
  name: 'auth',
  arity: -2,
  prefix: 'ERR',
  group: 'connection',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  summary: 'Authenticates the connection.',
  since: '1.0.0',
  args: [
    { name: 'username', type: 'string', optional: true },
    { name: 'password', type: 'string' },
  ],
  run(ctx, args): Reply | Promise<Reply> {
    if (args.left > 2) throw fail('syntax');
    const { users } = ctx.server;
    if (args.left === 1 && !users.required) throw fail('no-password-set');
    const name = args.left === 2 ? args.text() : 'default';
    const user = logIn(ctx, name, args.bytes());
    if (user instanceof Promise) return user.then((found) => ctx.authenticate(found)).then(() => OK);
    return ctx.authenticate(user)?.then(() => OK) ?? OK;
  },
} satisfies Command;
