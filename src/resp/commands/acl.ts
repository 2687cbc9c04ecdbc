// ACL: the connection's user, and what tools ask about users. Users are defined in the users file only.
import { fail } from '../../errors.js';
import { aclCategories, categoriesOf } from '../command/acl-categories.js';
import { container } from '../command/container.js';
import type { Command } from '../command/context.js';

const common = {
  prefix: 'ERR',
  group: 'server',
  since: '6.0.0',
} as const satisfies Partial<Command>;

/** `ACL WHOAMI` -> the user's name. */
const whoami = {
  ...common,
  name: 'whoami',
  arity: 2,
  flags: ['noscript', 'loading', 'stale'],
  summary: 'Returns the user of the connection.',
  run: (ctx) => ctx.user.name,
} satisfies Command;

/** `ACL CAT [category]` -> the categories, or the commands of one. */
const cat = {
  ...common,
  name: 'cat',
  arity: -2,
  flags: ['noscript', 'loading', 'stale'],
  summary: 'Lists the categories of commands, or the commands of one.',
  args: [{ name: 'category', type: 'string', optional: true }],
  run(ctx, args) {
    if (args.left === 0) return aclCategories;
    const category = args.text();
    args.finish();
    if (!aclCategories.includes(category.toLowerCase())) throw fail('acl-category-unknown', category);
    return [...ctx.server.commands.all()]
      .filter(({ command }) => categoriesOf(command).includes(category.toLowerCase()))
      .map(({ fullName }) => fullName);
  },
} satisfies Command;

const users = {
  ...common,
  name: 'users',
  arity: 2,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  summary: 'Lists the names of all users.',
  run(ctx) {
    ctx.user.checkAdmin();
    return ctx.server.users.names;
  },
} satisfies Command;

/** `ACL LIST` -> a line per user; password hashes are not shown. */
const list = {
  ...common,
  name: 'list',
  arity: 2,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  summary: 'Lists all users.',
  run(ctx) {
    ctx.user.checkAdmin();
    const { users } = ctx.server;
    const password = users.required ? '(password hidden)' : 'nopass';
    return users.names.map((name) => `user ${name} on ${password} ${users.get(name)?.rules}`);
  },
} satisfies Command;

export const acl = container({
  name: 'acl',
  group: 'server',
  summary: 'A container for commands about users.',
  since: '6.0.0',
  subcommands: [cat, list, users, whoami],
});
