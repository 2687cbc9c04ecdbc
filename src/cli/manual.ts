// The manual page rafka(1), made from the outline of the command line.
import { everyCommand, type Outline } from './outline.js';

export interface ManualFacts {
  readonly version: string;
  /** `2026-11-30` */
  readonly date: string;
}

/** In the man macros. */
export function manual(outline: Outline, { version, date }: ManualFacts): string {
  const [program, ...commands] = everyCommand(outline);
  const lines = [
    `.TH RAFKA 1 "${date}" "rafka ${version}" "User Commands"`,
    '.SH NAME',
    'rafka \\- the gateway that makes Kafka as easy as Redis',
    '.SH SYNOPSIS',
    ...everyCommand(outline).flatMap(synopsis),
    '.SH DESCRIPTION',
    ...paragraphs(program!.about),
    '.SH OPTIONS',
    ...options(program!),
    '.SH COMMANDS',
    ...commands.flatMap((each) => [`.SS "rafka ${each.name}"`, ...paragraphs(each.about), ...options(each)]),
    '.SH ENVIRONMENT',
    ...paragraphs(
      'Every key of the configuration has a variable: resp.maxClients is RAFKA_RESP_MAX_CLIENTS. RAFKA_BROKERS and RAFKA_PASSWORD are short forms. ' +
        'A flag goes over a variable, a variable over the file.',
    ),
    '.SH SIGNALS',
    ...paragraphs(
      'SIGTERM, SIGINT and SIGQUIT stop in order: acknowledgements are taken, offsets committed, messages delivered. A second one ends at once.',
    ),
    '.SH EXIT STATUS',
    ...paragraphs(
      '0 after an orderly end; 1 when it could not start, a shutdown was cut short, or a check has failed.',
    ),
  ];
  return `${lines.join('\n')}\n`;
}

const synopsis = ({ name, arguments: words, options: all, commands }: Outline): string[] =>
  commands.length > 0 && name !== ''
    ? []
    : [
        '.B',
        `.BR "rafka${name === '' ? '' : ` ${name}`}" ${quoted([all.length > 0 ? ' [options]' : '', ...words.map((word) => ` ${word}`)].join(''))}`,
        '.br',
      ].slice(1);

const options = ({ options: all }: Outline): string[] =>
  all.flatMap(({ flags, about, choices }) => [
    '.TP',
    `.B ${quoted(flags)}`,
    plain(choices.length > 0 ? `${about}; one of ${choices.join(', ')}` : about),
  ]);

/** Indented lines stay unchanged. */
const paragraphs = (text: string): string[] =>
  text
    .split('\n\n')
    .flatMap((part) =>
      part.startsWith('  ')
        ? ['.PP', '.nf', ...part.split('\n').map(plain), '.fi']
        : ['.PP', plain(part.replaceAll('\n', ' '))],
    );

const plain = (text: string): string => {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
};

const quoted = (text: string): string => `"${plain(text).replaceAll('"', '\\(dq')}"`;
