// Completion scripts for bash, zsh and fish, made from the outline of the command line.
import { everyCommand, type Outline, type OutlinedOption } from './outline.js';

export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

export const completion = (shell: Shell, outline: Outline): string => ({ bash, zsh, fish })[shell](outline);

const names = ({ short, long }: OutlinedOption): string[] => (short === undefined ? [long] : [short, long]);
const firstLine = (text: string): string => text.split('\n')[0]!;
const namesFile = ({ value = '' }: OutlinedOption): boolean => /file|path|module/.test(value);
const children = ({ commands }: Outline): string[] => commands.map(({ name }) => name.split(' ').at(-1)!);

/** The words before the cursor select the command; the word at the cursor is completed from its options and subcommands. */
function bash(outline: Outline): string {
  const all = everyCommand(outline);
  const words = all.map(
    (each) =>
      `    '${each.name}') words='${[...each.options.flatMap(names), ...children(each), ...each.argumentChoices].join(' ')}' ;;`,
  );
  const values = all.flatMap((each) =>
    each.options
      .filter(({ takesValue }) => takesValue)
      .map((option) => {
        const pattern = names(option)
          .map((name) => `'${each.name} ${name}'`)
          .join('|');
        const reply =
          option.choices.length > 0 ? `words='${option.choices.join(' ')}'` : namesFile(option) ? 'files=1' : ':';
        return `    ${pattern}) ${reply}; value=1 ;;`;
      }),
  );
  return `# bash completion of rafka: source <(rafka completion bash)
_rafka() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path='' words='' files='' value='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
      ${all
        .slice(1)
        .map(({ name }) => `'${name}'`)
        .join('|')}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path $prev" in
${values.join('\n')}
  esac
  if [ -z "$value" ]; then
    case "$path" in
${words.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ -n "$files" ] || { [ -z "$value" ] && [ \${#COMPREPLY[@]} -eq 0 ]; }; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _rafka rafka
`;
}

const zshText = (text: string): string =>
  firstLine(text)
    .replace(/[[\]:\\]/g, '\\$&')
    .replaceAll("'", "'\\''");

/** One function per command; _arguments knows where the words of a subcommand begin. */
function zsh(outline: Outline): string {
  const functionOf = (name: string): string => ['_rafka', ...name.split(' ')].filter(Boolean).join('_');
  const spec = (option: OutlinedOption): string => {
    const { value = 'value', choices, takesValue, about } = option;
    const action = choices.length > 0 ? `(${choices.join(' ')})` : namesFile(option) ? '_files' : ' ';
    const tail = `[${zshText(about)}]${takesValue ? `:${zshText(value)}:${action}` : ''}`;
    const [first, second] = names(option);
    return second === undefined ? `'${first}${tail}'` : `'(${first} ${second})'{${first},${second}}'${tail}'`;
  };
  const functions = everyCommand(outline).map((each) => {
    const specs = each.options.map(spec);
    const list = each.commands.map(({ name, about }) => `'${name.split(' ').at(-1)}:${zshText(about)}'`);
    if (each.commands.length === 0) {
      const rest =
        each.argumentChoices.length > 0
          ? `'1:${each.argumentChoices.join(', ')}:(${each.argumentChoices.join(' ')})'`
          : "'*:file:_files'";
      return `${functionOf(each.name)}() {\n  _arguments -s ${[...specs, rest].join(' \\\n    ')}\n}`;
    }
    const cases = each.commands.map(({ name }) => `      ${name.split(' ').at(-1)}) ${functionOf(name)} ;;`);
    return `${functionOf(each.name)}() {
  local -a commands=(${list.join(' ')})
  local context state state_descr line
  typeset -A opt_args
  _arguments -s -C ${[...specs, "'1:command:->command'", "'*::argument:->argument'"].join(' \\\n    ')}
  case $state in
    command) _describe command commands ;;
    argument) case $line[1] in
${cases.join('\n')}
    esac ;;
  esac
}`;
  });
  return `#compdef rafka
# zsh completion of rafka: rafka completion zsh > "\${fpath[1]}/_rafka", or source <(rafka completion zsh)
${functions.join('\n\n')}

if [ "$funcstack[1]" = _rafka ]; then _rafka; else compdef _rafka rafka; fi
`;
}

const fishText = (text: string): string => firstLine(text).replace(/[\\']/g, '\\$&');

function fish(outline: Outline): string {
  const top = children(outline).join(' ');
  const lines = everyCommand(outline).flatMap((each) => {
    const path = each.name.split(' ').filter(Boolean);
    const chosen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    const inside = children(each);
    const when = chosen === '' ? `not __fish_seen_subcommand_from ${top}` : chosen;
    const open =
      inside.length > 0 && chosen !== '' ? `${chosen}; and not __fish_seen_subcommand_from ${inside.join(' ')}` : when;
    const begin = `complete -c rafka -n '${when}'`;
    return [
      ...each.commands.map(
        ({ name, about }) => `complete -c rafka -f -n '${open}' -a ${name.split(' ').at(-1)} -d '${fishText(about)}'`,
      ),
      ...each.argumentChoices.map((choice) => `complete -c rafka -f -n '${when}' -a ${choice}`),
      ...each.options.map((option) => {
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
        const value =
          option.choices.length > 0 ? ` -x -a '${option.choices.join(' ')}'` : namesFile(option) ? ' -r' : ' -x';
        return `${begin}${short} -l ${option.long.slice(2)}${option.takesValue ? value : ''} -d '${fishText(option.about)}'`;
      }),
    ];
  });
  return `# fish completion of rafka: rafka completion fish | source\n${lines.join('\n')}\n`;
}
