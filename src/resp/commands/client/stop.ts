// CLIENT KILL, UNBLOCK: what one connection may do to another.
import { fail } from '../../../errors.js';
import type { Args } from '../../args.js';
import { type ClientTest, readKillFilter } from '../../client-filter.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { OK, type Reply } from '../../reply.js';
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
  run(ctx, args): Reply {
    ctx.user.checkAdmin();
    return args.left === 1 ? killAddress(ctx, args) : killAll(ctx, readKillFilter(ctx, args));
  },
} satisfies Command;

/** `CLIENT UNBLOCK id [TIMEOUT|ERROR]` -> 1 when it was waiting: its BLPOP ends as if its time were over, or with an error. */
export const unblock = {
  ...adminCommand,
  name: 'unblock',
  arity: -3,
  summary: 'Ends the waiting of another connection.',
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
  run(ctx, args): Reply {
    ctx.user.checkAdmin();
    const id = args.integer();
    const how = args.left === 0 || args.option('TIMEOUT') ? 'timeout' : args.option('ERROR') ? 'error' : undefined;
    if (how === undefined) throw fail('unblock-reason');
    args.finish();
    return ctx.server.client(id)?.unblock(how) ? 1 : 0;
  },
} satisfies Command;

function killAddress(ctx: Context, args: Args): Reply {
  const address = args.text();
  const found = [...ctx.server.clients()].find((client) => client.address === address);
  if (!found) throw fail('no-such-client');
  stop(ctx, found);
  return OK;
}

function killAll(ctx: Context, isMeant: ClientTest): Reply {
  const found = [...ctx.server.clients()].filter(isMeant);
  for (const client of found) stop(ctx, client);
  return found.length;
}

/** Who kills itself still gets its answer. */
function stop(ctx: Context, client: Context): void {
  if (client === ctx) client.closeAfterReply();
  else client.destroy();
}
