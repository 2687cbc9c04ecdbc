// CLIENT ID, INFO, LIST: the server's connections.
import { fail } from '../../../errors.js';
import { type Args, parseInteger } from '../../args.js';
import { readType } from '../../client-filter.js';
import { clientLine } from '../../client-line.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { Verbatim } from '../../reply.js';
import { adminCommand, connectionCommand } from './common.js';

export const id = {
  ...connectionCommand,
  name: 'id',
  arity: 2,
  summary: 'Returns the id of the connection.',
  since: '5.0.0',
  run: (ctx) => ctx.id,
} satisfies Command;

export const info = {
  ...connectionCommand,
  name: 'info',
  arity: 2,
  summary: 'Returns information about the connection.',
  since: '6.2.0',
  tips: ['nondeterministic_output'],
  run: (ctx) => new Verbatim(`${clientLine(ctx)}\n`),
} satisfies Command;

/** `CLIENT LIST [TYPE type | ID id ...]` -> a line a connection. */
export const list = {
  ...adminCommand,
  name: 'list',
  arity: -2,
  summary: 'Lists open connections.',
  since: '2.4.0',
  tips: ['nondeterministic_output'],
  args: [
    { name: 'client-type', type: 'string', token: 'TYPE', optional: true },
    { name: 'client-id', type: 'integer', token: 'ID', optional: true, multiple: true },
  ],
  run(ctx, args) {
    ctx.user.checkAdmin();
    return new Verbatim(
      selected(ctx, args)
        .map((client) => `${clientLine(client)}\n`)
        .join(''),
    );
  },
} satisfies Command;

function selected(ctx: Context, args: Args): Context[] {
  if (args.left === 0) return [...ctx.server.clients()];
  if (args.left === 2 && args.option('TYPE')) return [...ctx.server.clients()].filter(readType(args));
  if (args.left < 2 || !args.option('ID')) throw fail('syntax');
  return args.rest().flatMap((bytes) => {
    const wanted = parseInteger(bytes);
    if (wanted === undefined) throw fail('client-id-invalid');
    return ctx.server.client(wanted) ?? [];
  });
}
