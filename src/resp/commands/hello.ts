// HELLO [protover [AUTH username password] [SETNAME name]]: the handshake that selects RESP2 or RESP3.

import { fail } from '../../errors.js';
import { type Args, parseInteger } from '../command/args.js';
import type { Command, Context } from '../command/context.js';
import { logIn } from '../command/login.js';
import { REDIS_VERSION } from '../info/compatibility.js';
import { mapOf, type Reply } from '../wire/reply.js';

interface Wishes {
  readonly protocol: 2 | 3 | undefined;
  readonly login: { readonly name: string; readonly password: Buffer } | undefined;
  readonly clientName: string | undefined;
}

/** Answers the server's properties; nothing changes unless the whole request succeeds. */
export const hello = {
  name: 'hello',
  arity: -1,
  prefix: 'ERR',
  group: 'connection',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  summary: 'Handshakes with the server: protocol version, authentication, connection name.',
  since: '6.0.0',
  args: [
    {
      name: 'arguments',
      type: 'block',
      optional: true,
      of: [
        { name: 'protover', type: 'integer' },
        {
          name: 'username_password',
          type: 'block',
          token: 'AUTH',
          optional: true,
          of: [
            { name: 'username', type: 'string' },
            { name: 'password', type: 'string' },
          ],
        },
        { name: 'clientname', type: 'string', token: 'SETNAME', optional: true },
      ],
    },
  ],
  run(ctx, args): Reply | Promise<Reply> {
    const { protocol, login, clientName } = readWishes(args);
    if (!login && !ctx.isAuthenticated) throw fail('hello-no-auth');
    const user = login && logIn(ctx, login.name, login.password);
    const changed =
      user instanceof Promise ? user.then((found) => ctx.authenticate(found)) : user && ctx.authenticate(user);
    return changed
      ? changed.then(() => nameAndGreet(ctx, clientName, protocol))
      : nameAndGreet(ctx, clientName, protocol);
  },
} satisfies Command;

function nameAndGreet(
  ctx: Context,
  clientName: string | undefined,
  protocol: 2 | 3 | undefined,
): Reply | Promise<Reply> {
  const named = clientName === undefined ? undefined : ctx.setName(clientName);
  return named ? named.then(() => greet(ctx, protocol)) : greet(ctx, protocol);
}

function greet(ctx: Context, protocol: 2 | 3 | undefined): Reply {
  if (protocol !== undefined) ctx.setProtocol(protocol);
  return greeting(ctx);
}

function readWishes(args: Args): Wishes {
  const protocol = args.left > 0 ? readProtocol(args.bytes()) : undefined;
  let login: Wishes['login'];
  let clientName: string | undefined;
  while (args.left > 0) {
    const { left } = args;
    const option = args.text();
    if (/^auth$/i.test(option) && left > 2) login = { name: args.text(), password: args.bytes() };
    else if (/^setname$/i.test(option) && left > 1) clientName = args.text();
    else throw fail('hello-option', option);
  }
  if (clientName !== undefined && !/^[!-~]*$/.test(clientName)) throw fail('name-illegal');
  return { protocol, login, clientName };
}

function readProtocol(bytes: Buffer): 2 | 3 {
  const version = parseInteger(bytes);
  if (version === undefined) throw fail('invalid-protocol-version');
  if (version !== 2 && version !== 3) throw fail('protocol-version');
  return version;
}

const greeting = (ctx: Context): Reply =>
  mapOf({
    server: 'redis',
    version: REDIS_VERSION,
    proto: ctx.protocol,
    id: ctx.id,
    mode: 'standalone',
    role: 'master',
    modules: [],
  });
