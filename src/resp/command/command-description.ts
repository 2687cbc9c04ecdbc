// Answers of COMMAND and COMMAND DOCS, from the table that dispatches commands.

import { MapReply, mapOf, type Reply, SetReply, Simple } from '../wire/reply.js';
import { categoriesOf } from './acl-categories.js';
import type { Argument, Command, Resolved } from './context.js';

/** One entry of COMMAND INFO. */
export function describeCommand(command: Command, fullName = command.name): Reply {
  const [first, last, step] = command.keys ?? [0, 0, 0];
  return [
    fullName,
    command.arity,
    new SetReply(command.flags.map((flag) => new Simple(flag))),
    first,
    last,
    step,
    new SetReply(categoriesOf(command).map((category) => new Simple(`@${category}`))),
    new SetReply(command.tips ?? []),
    new SetReply([]),
    new SetReply((command.subcommands ?? []).map((sub) => describeCommand(sub, `${fullName}|${sub.name}`))),
  ];
}

/** One value of COMMAND DOCS. */
function documentCommand({ command, fullName }: Pick<Resolved, 'command' | 'fullName'>): Reply {
  const { summary, since = '1.0.0', group, args, subcommands } = command;
  return mapOf({
    summary,
    since,
    group,
    complexity: 'O(1)',
    ...(args ? { arguments: args.map(documentArgument) } : {}),
    ...(subcommands
      ? { subcommands: documentAll(subcommands.map((sub) => ({ command: sub, fullName: `${fullName}|${sub.name}` }))) }
      : {}),
  });
}

/** The map of COMMAND DOCS: full name -> documentation. */
export const documentAll = (commands: Iterable<Pick<Resolved, 'command' | 'fullName'>>): MapReply =>
  new MapReply([...commands].flatMap((found) => [found.fullName, documentCommand(found)]));

function documentArgument(arg: Argument): Reply {
  const flags = [arg.optional && 'optional', arg.multiple && 'multiple'].filter((flag) => typeof flag === 'string');
  return mapOf({
    name: arg.name,
    type: arg.type,
    ...(arg.type === 'key' ? { key_spec_index: 0 } : {}),
    ...(arg.token === undefined ? {} : { token: arg.token }),
    ...(flags.length > 0 ? { flags: new SetReply(flags.map((flag) => new Simple(flag))) } : {}),
    ...(arg.of ? { arguments: arg.of.map(documentArgument) } : {}),
  });
}
