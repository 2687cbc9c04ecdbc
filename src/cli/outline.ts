// The command line as data: the source of the completions and the manual.
import type { Command, Option } from 'commander';

export interface OutlinedOption {
  /** As the help shows it: `-p, --port <port>`. */
  readonly flags: string;
  readonly short: string | undefined;
  readonly long: string;
  readonly about: string;
  readonly takesValue: boolean;
  /** The name of its value: `file`. */
  readonly value: string | undefined;
  readonly choices: readonly string[];
}

export interface Outline {
  /** Including its parents: `bmp decode`; empty: the program itself. */
  readonly name: string;
  readonly about: string;
  readonly arguments: readonly string[];
  readonly argumentChoices: readonly string[];
  readonly options: readonly OutlinedOption[];
  readonly commands: readonly Outline[];
}

/** Without hidden commands and options. */
export function outlineOf(command: Command, path: readonly string[] = []): Outline {
  const help = command.createHelp();
  return {
    name: path.join(' '),
    about: command.description(),
    arguments: command.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}${argument.variadic ? '...' : ''}]`,
    ),
    argumentChoices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    options: help.visibleOptions(command).map(outlineOption),
    commands: help.visibleCommands(command).map((child) => outlineOf(child, [...path, child.name()])),
  };
}

/** Every command of the tree, the program itself first. */
export const everyCommand = (outline: Outline): Outline[] => [outline, ...outline.commands.flatMap(everyCommand)];

const outlineOption = (option: Option): OutlinedOption => ({
  flags: option.flags,
  short: option.short,
  long: option.long ?? '',
  about: option.description,
  takesValue: option.required || option.optional,
  value: /[<[]([^>\]]+)/.exec(option.flags)?.[1],
  choices: option.argChoices ?? [],
});
