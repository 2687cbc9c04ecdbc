// Logging in over RESP: AUTH and HELLO AUTH.
import type { Login } from '../../core/access/login-guard.js';
import type { User } from '../../core/access/user.js';
import { fail } from '../../errors.js';
import type { Context } from './context.js';

/** The connection as the log and the failure count see it. */
export const loginOf = (ctx: Context, user: string | undefined): Login => ({
  listener: 'resp',
  address: ctx.address,
  user,
});

/**
 * The user of a name and password. Returns a promise only if an address with too many failures must wait for its turn.
 * @throws GatewayError (or rejects with) `wrong-password`, `too-many-logins`.
 */
export function logIn(ctx: Context, name: string, password: Buffer): User | Promise<User> {
  const { users, logins } = ctx.server;
  const found = logins.login(loginOf(ctx, users.get(name)?.name), () => users.authenticate(name, password));
  return found instanceof Promise ? found.then(known) : known(found);
}

function known(user: User | undefined): User {
  if (!user) throw fail('wrong-password');
  return user;
}
