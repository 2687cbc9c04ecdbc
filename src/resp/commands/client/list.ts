// CLIENT ID, INFO, LIST: the server's connections.
import { fail } from '../../../errors.js';
import { readType } from '../../clients/client-filter.js';
import { clientLine, clientLines } from '../../clients/client-line.js';
import { type Args, parseInteger } from '../../command/args.js';
import type { Command } from '../../command/context.js';
import type { ClientFilter } from '../../siblings/client-test.js';
import type { ClientLine } from '../../siblings/siblings.js';
import { type Reply, Verbatim } from '../../wire/reply.js';
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

/** `CLIENT LIST [TYPE type | ID id ...]` -> a line per connection. */
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
  run(ctx, args): Reply | Promise<Reply> {
    ctx.user.checkAdmin();
    const { siblings } = ctx.server;
    const ids = args.left > 1 && args.option('ID') ? [...new Set(args.rest().map(readId))] : undefined;
    const filter = { tests: ids ? [{ ids }] : readTests(args) };
    const own = clientLines(ctx.server, filter);
    if (!siblings.exist) return shown(own, ids);
    return siblings.askAll('clients', filter).then((others) => shown([own, ...others].flat(), ids));
  },
} satisfies Command;

function readTests(args: Args): ClientFilter['tests'] {
  if (args.left === 0) return [];
  if (args.left !== 2 || !args.option('TYPE')) throw fail('syntax');
  return [readType(args)];
}

function readId(bytes: Buffer): number {
  const id = parseInteger(bytes);
  if (id === undefined) throw fail('client-id-invalid');
  return id;
}

/** The requested connections in the requested order, or all of them by age. */
function shown(found: readonly ClientLine[], ids: readonly number[] | undefined): Reply {
  const byId = new Map(found.map(({ id, line }) => [id, line]));
  const order = ids ?? [...byId.keys()].sort((a, b) => a - b);
  return new Verbatim(order.flatMap((id) => (byId.has(id) ? [`${byId.get(id)}\n`] : [])).join(''));
}
