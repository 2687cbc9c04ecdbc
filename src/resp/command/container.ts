// Commands made of subcommands (CLIENT, CONFIG): the container itself and its HELP.

import { Simple } from '../wire/reply.js';
import type { Argument, Command, Flag, Group } from './context.js';

interface Container {
  readonly name: string;
  readonly group: Group;
  readonly summary: string;
  readonly since: string;
  readonly subcommands: readonly Command[];
}

/** A command that consists of subcommands; HELP is added to them. */
export function container({ subcommands, ...own }: Container): Command {
  const all = [...subcommands, help(own.name, own.group, subcommands)];
  return { ...own, arity: -2, prefix: 'ERR', flags: [], subcommands: all };
}

function help(name: string, group: Group, subcommands: readonly Command[]): Command {
  const upper = name.toUpperCase();
  const lines = [
    `${upper} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...subcommands.flatMap((sub) => [usage(sub), `    ${sub.summary}`]),
    'HELP',
    '    Prints this help.',
  ].map((line) => new Simple(line));
  return {
    name: 'help',
    arity: 2,
    prefix: 'ERR',
    group,
    flags: HELP_FLAGS,
    summary: 'Shows helpful text about the different subcommands.',
    since: '5.0.0',
    run: () => lines,
  };
}

const HELP_FLAGS: readonly Flag[] = ['loading', 'stale'];

const usage = ({ name, args = [] }: Command): string => [name.toUpperCase(), ...args.map(argumentUsage)].join(' ');

function argumentUsage(arg: Argument): string {
  const inner = arg.of ? arg.of.map(argumentUsage).join(arg.type === 'oneof' ? '|' : ' ') : `<${arg.name}>`;
  const body = arg.type === 'pure-token' ? arg.token! : [arg.token, inner].filter(Boolean).join(' ');
  const repeated = arg.multiple ? `${body} ...` : body;
  return arg.optional ? `[${repeated}]` : repeated;
}
