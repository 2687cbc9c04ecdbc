// CLIENT SETNAME, GETNAME, SETINFO: a connection's name.
import { fail } from '../../../errors.js';
import type { Command } from '../../command/context.js';
import { OK, type Reply } from '../../wire/reply.js';
import { connectionCommand } from './common.js';

/** `CLIENT SETNAME <group.id>:<name>` -> `+OK`. Rafka answers a bulk OK; strict clients require this. */
export const setname = {
  ...connectionCommand,
  name: 'setname',
  arity: 3,
  prefix: 'CONS',
  summary: 'Names the connection: <group.id>:<name> is its identity as a consumer.',
  since: '2.6.9',
  args: [{ name: 'connection-name', type: 'string' }],
  run(ctx, args): Reply | Promise<Reply> {
    return ctx.setName(args.text())?.then(() => OK) ?? OK;
  },
} satisfies Command;

/** `CLIENT GETNAME` -> the name; before SETNAME the peer's host:port, as in Rafka. */
export const getname = {
  ...connectionCommand,
  name: 'getname',
  arity: 2,
  summary: 'Returns the name of the connection.',
  since: '2.6.9',
  run: (ctx) => ctx.name || ctx.address,
} satisfies Command;

const parts: Readonly<Record<string, 'name' | 'version'>> = { 'LIB-NAME': 'name', 'LIB-VER': 'version' };

/** `CLIENT SETINFO LIB-NAME|LIB-VER value` -> `+OK`; other attributes are refused, as in Redis 7.2. */
export const setinfo = {
  ...connectionCommand,
  name: 'setinfo',
  arity: 4,
  summary: 'Sets the name or version of the client library.',
  since: '7.2.0',
  args: [
    {
      name: 'attr',
      type: 'oneof',
      of: [
        { name: 'libname', type: 'string', token: 'LIB-NAME' },
        { name: 'libver', type: 'string', token: 'LIB-VER' },
      ],
    },
  ],
  run(ctx, args) {
    const attribute = args.text();
    const value = args.text();
    const part = parts[attribute.toUpperCase()];
    if (part === undefined) throw fail('library-attribute', attribute);
    if (!/^[!-~]*$/.test(value)) throw fail('library-illegal', attribute.toLowerCase());
    ctx.setLibrary(part, value);
    return OK;
  },
} satisfies Command;
