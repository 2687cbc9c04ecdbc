// COMMAND: the table of commands that dispatches them.

import { globMatcher } from '../../core/access/glob.js';
import { fail } from '../../errors.js';
import { categoriesOf } from '../command/acl-categories.js';
import type { Args } from '../command/args.js';
import { describeCommand, documentAll } from '../command/command-description.js';
import { container } from '../command/container.js';
import type { Command, Context, Resolved } from '../command/context.js';
import type { Reply } from '../wire/reply.js';

const common = {
  prefix: 'ERR',
  group: 'server',
  flags: ['loading', 'stale'],
} as const satisfies Partial<Command>;

const describeAll = (ctx: Context): Reply =>
  ctx.server.commands.rendered('info', ctx.protocol, () =>
    [...ctx.server.commands].map((command) => describeCommand(command)),
  );

const documentEverything = (ctx: Context): Reply =>
  ctx.server.commands.rendered('docs', ctx.protocol, () =>
    documentAll([...ctx.server.commands].map((command) => ({ command, fullName: command.name }))),
  );

const count = {
  ...common,
  name: 'count',
  arity: 2,
  summary: 'Returns the number of commands.',
  since: '2.8.13',
  run: (ctx) => ctx.server.commands.size,
} satisfies Command;

/** `COMMAND INFO [name ...]` -> an entry for each; null for an unknown name. */
const info = {
  ...common,
  name: 'info',
  arity: -2,
  summary: 'Returns information about commands.',
  since: '2.8.13',
  args: [{ name: 'command-name', type: 'string', optional: true, multiple: true }],
  tips: ['nondeterministic_output_order'],
  run(ctx, args): Reply {
    if (args.left === 0) return describeAll(ctx);
    const known = new Map<Resolved, Reply>();
    return args.rest().map((name) => {
      const found = ctx.server.commands.find(name);
      if (!found) return null;
      // However often a command is named, it is described once.
      const reply = known.get(found) ?? describeCommand(found.command, found.fullName);
      known.set(found, reply);
      return reply;
    });
  },
} satisfies Command;

/** `COMMAND DOCS [name ...]` -> a map of those that exist: redis-cli takes its hints from here. */
const docs = {
  ...common,
  name: 'docs',
  arity: -2,
  summary: 'Returns documentation about commands.',
  since: '7.0.0',
  args: [{ name: 'command-name', type: 'string', optional: true, multiple: true }],
  tips: ['nondeterministic_output_order'],
  run(ctx, args): Reply {
    const { commands } = ctx.server;
    if (args.left === 0) return documentEverything(ctx);
    return documentAll([...new Set(args.rest().flatMap((name) => commands.find(name) ?? []))]);
  },
} satisfies Command;

/** `COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN value]` -> names, those of subcommands as `container|name`. */
const list = {
  ...common,
  name: 'list',
  arity: -2,
  summary: 'Returns the names of commands.',
  since: '7.0.0',
  tips: ['nondeterministic_output_order'],
  args: [
    {
      name: 'filterby',
      type: 'oneof',
      token: 'FILTERBY',
      optional: true,
      of: [
        { name: 'module-name', type: 'string', token: 'MODULE' },
        { name: 'category', type: 'string', token: 'ACLCAT' },
        { name: 'pattern', type: 'pattern', token: 'PATTERN' },
      ],
    },
  ],
  run(ctx, args): Reply {
    if (args.left === 0) return [...ctx.server.commands].map(({ name }) => name);
    const isWanted = readFilter(args);
    return [...ctx.server.commands.all()].filter(isWanted).map(({ fullName }) => fullName);
  },
} satisfies Command;

/** `COMMAND GETKEYS command ...` -> which of its arguments are keys. */
const getkeys = {
  ...common,
  name: 'getkeys',
  arity: -4,
  summary: 'Returns the keys among the arguments of a command.',
  since: '2.8.13',
  args: [
    { name: 'command', type: 'string' },
    { name: 'arg', type: 'string', optional: true, multiple: true },
  ],
  run: (ctx, args): Reply => keysOf(ctx, args.rest()),
} satisfies Command;

export const command = {
  ...container({
    name: 'command',
    group: 'server',
    summary: 'Returns information about all commands.',
    since: '2.8.13',
    subcommands: [count, docs, getkeys, info, list],
  }),
  arity: -1,
  flags: ['loading', 'stale'],
  /** `COMMAND` alone. */
  run: describeAll,
} satisfies Command;

function readFilter(args: Args): (found: Resolved) => boolean {
  if (args.left !== 3 || !args.option('FILTERBY')) throw fail('syntax');
  if (args.option('MODULE')) return () => false;
  if (args.option('ACLCAT')) {
    const category = args.text().toLowerCase();
    return ({ command: found }) => categoriesOf(found).includes(category);
  }
  if (!args.option('PATTERN')) throw fail('syntax');
  const matches = globMatcher(args.text(), { ignoreCase: true });
  return ({ fullName }) => matches(fullName);
}

function keysOf(ctx: Context, argv: readonly Buffer[]): Reply {
  const entry = ctx.server.commands.find(argv[0]!);
  const found = entry?.command.subcommands ? ctx.server.commands.find(Buffer.from(`${argv[0]}|${argv[1]}`)) : entry;
  if (!found) throw fail('getkeys-invalid');
  const { keys, arity } = found.command;
  if (!keys) throw fail('getkeys-none');
  if (arity >= 0 ? argv.length !== arity : argv.length < -arity) throw fail('getkeys-arity');
  const [first, last, step] = keys;
  const end = last < 0 ? argv.length + last : last;
  return argv.filter((_arg, i) => i >= first && i <= end && (i - first) % step === 0);
}
