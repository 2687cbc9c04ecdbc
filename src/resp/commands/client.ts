// CLIENT: a connection's name and what the server knows of its connections.
import type { Command } from '../command.js';
import { OK } from '../reply.js';

/** `CLIENT SETNAME <group.id>:<name>` -> `+OK`. Rafka answers a bulk OK; clients can't tell, strict ones want this. */
const setname = {
  name: 'setname',
  arity: 3,
  prefix: 'CONS',
  group: 'connection',
  flags: ['noscript', 'loading', 'stale'],
  summary: 'Names the connection: <group.id>:<name> is its identity as a consumer.',
  since: '2.6.9',
  args: [{ name: 'connection-name', type: 'string' }],
  run(ctx, args) {
    ctx.setName(args.text());
    return OK;
  },
} satisfies Command;

/** `CLIENT GETNAME` -> the name; before SETNAME the peer's host:port, as Rafka. */
const getname = {
  name: 'getname',
  arity: 2,
  prefix: 'ERR',
  group: 'connection',
  flags: ['noscript', 'loading', 'stale'],
  summary: 'Returns the name of the connection.',
  since: '2.6.9',
  run: (ctx) => ctx.name || ctx.address,
} satisfies Command;

export const client = {
  name: 'client',
  arity: -2,
  prefix: 'ERR',
  group: 'connection',
  flags: [],
  summary: 'A container for client connection commands.',
  since: '2.4.0',
  subcommands: [getname, setname],
} satisfies Command;
