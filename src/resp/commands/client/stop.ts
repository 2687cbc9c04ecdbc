// CLIENT KILL, UNBLOCK: act on another connection.
import { fail } from '../../../errors.js';
import { meantOf, readKillFilter } from '../../clients/client-filter.js';
import type { Args } from '../../command/args.js';
import type { Command, Context } from '../../command/context.js';
import type { ClientFilter } from '../../siblings/client-test.js';
import { OK, type Reply } from '../../wire/reply.js';
import { adminCommand } from './common.js';

/** `CLIENT KILL addr` -> `+OK`; `CLIENT KILL <filter> <value> ...` -> how many connections were closed. */
export const kill = {
  ...adminCommand,
  name: 'kill',
  arity: -3,
  summary: 'Closes connections.',
  since: '2.4.0',
  args: [
    {
      name: 'filter',
      type: 'oneof',
      of: [
        { name: 'ip:port', type: 'string' },
        {
          name: 'new-format',
          type: 'oneof',
          multiple: true,
          of: [
            { name: 'client-id', type: 'integer', token: 'ID', optional: true },
            { name: 'client-type', type: 'string', token: 'TYPE', optional: true },
            { name: 'username', type: 'string', token: 'USER', optional: true },
            { name: 'ip:port', type: 'string', token: 'ADDR', optional: true },
            { name: 'ip:port', type: 'string', token: 'LADDR', optional: true },
            { name: 'yes/no', type: 'string', token: 'SKIPME', optional: true },
          ],
        },
      ],
    },
  ],
  run(ctx, args): Reply | Promise<Reply> {
    ctx.user.checkAdmin();
    return args.left === 1 ? killAddress(ctx, args) : killAll(ctx, readKillFilter(ctx, args));
  },
} satisfies Command;

/** `CLIENT UNBLOCK id [TIMEOUT|ERROR]` -> 1 if it was waiting: its BLPOP ends as after its time-out, or with an error. */
export const unblock = {
  ...adminCommand,
  name: 'unblock',
  arity: -3,
  summary: 'Ends the wait of another connection.',
  since: '5.0.0',
  args: [
    { name: 'client-id', type: 'integer' },
    {
      name: 'timeout_error',
      type: 'oneof',
      optional: true,
      of: [
        { name: 'timeout', type: 'pure-token', token: 'TIMEOUT' },
        { name: 'error', type: 'pure-token', token: 'ERROR' },
      ],
    },
  ],
  run(ctx, args): Reply | Promise<Reply> {
    ctx.user.checkAdmin();
    const id = args.integer();
    const how = args.left === 0 || args.option('TIMEOUT') ? 'timeout' : args.option('ERROR') ? 'error' : undefined;
    if (how === undefined) throw fail('unblock-reason');
    args.finish();
    const { siblings } = ctx.server;
    const client = ctx.server.client(id);
    if (client || !siblings.exist) return client?.unblock(how) ? 1 : 0;
    return siblings.askAll('unblock', id, how).then((done) => (done.includes(true) ? 1 : 0));
  },
} satisfies Command;

/** The old form kills one connection, and fails if there is none. */
function killAddress(ctx: Context, args: Args): Reply | Promise<Reply> {
  const killed = killAll(ctx, { tests: [{ address: args.text() }] });
  return killed instanceof Promise ? killed.then(killedOne) : killedOne(killed);
}

function killedOne(count: number): Reply {
  if (count === 0) throw fail('no-such-client');
  return OK;
}

function killAll(ctx: Context, filter: ClientFilter): number | Promise<number> {
  const { siblings } = ctx.server;
  const found = meantOf(filter, ctx.server.clients());
  for (const client of found) stop(ctx, client);
  if (!siblings.exist) return found.length;
  return siblings.askAll('kill', filter).then((others) => others.reduce((sum, count) => sum + count, found.length));
}

/** A client that kills itself still gets its answer. */
function stop(ctx: Context, client: Context): void {
  if (client === ctx) client.closeAfterReply();
  else client.destroy();
}
