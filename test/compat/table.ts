// The table of client libraries in docs/CLIENTS.md, written between its markers.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(import.meta.dirname, '../../../docs/CLIENTS.md');
const [begin, end] = ['<!-- clients: written by test/compat/clients.ts -->', '<!-- clients: end -->'];

export interface Result {
  readonly language: string;
  readonly version: string;
  /** The day of the run. */
  readonly date: string;
  /** `ok` or `no`, and a detail, of each step. */
  readonly steps: Readonly<Record<string, string>>;
}

const columns: readonly (readonly [title: string, step: string])[] = [
  ['connects', 'connect'],
  ['`RPUSHX`', 'rpushx'],
  ['`WAIT`, `DUMP`', 'wait'],
  ['pipeline', 'pipeline'],
  ['`MULTI`', 'multi'],
  ['`BLPOP`', 'blpop'],
  ['strings', 'strings'],
  ['pair', 'pair'],
  ['exactly once', 'exactly-once'],
  ['streams', 'stream'],
  ['`SUBSCRIBE`', 'pubsub'],
  ['reconnects', 'reconnect'],
];

export function writeTable(
  names: readonly string[],
  results: Readonly<Record<string, Result>>,
  notRun: readonly { readonly name: string; readonly language: string; readonly why: string }[],
): void {
  const rows = names.flatMap((name) => (results[name] ? [row(name, results[name])] : []));
  const table = [
    `| client | language | version | ${columns.map(([title]) => title).join(' | ')} | run on |`,
    `| --- | --- | --- |${' --- |'.repeat(columns.length)} --- |`,
    ...rows,
  ];
  const missing = notRun.map(({ name, language, why }) => `${name} (${language}: ${why})`).join(', ');
  const text = `${begin}\n${table.join('\n')}\n\nNot run: ${missing}.\n${end}`;
  const whole = readFileSync(file, 'utf8');
  const from = whole.indexOf(begin);
  const to = whole.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no markers in ${file}`);
  writeFileSync(file, whole.slice(0, from) + text + whole.slice(to + end.length));
}

function row(name: string, { language, version, date, steps }: Result): string {
  const cells = columns.map(([, step]) => cell(steps[step]));
  const isLoaded = Object.keys(steps).some((step) => step !== 'end');
  if (!isLoaded)
    return `| ${name} | ${language} | ${version} | does not start: ${steps.end?.slice(3)} |${' |'.repeat(columns.length - 1)} ${date} |`;
  return `| ${name} | ${language} | ${version} | ${cells.join(' | ')} | ${date} |`;
}

/** A step's result in a word, nothing if its program does not take it; its detail only where a reader needs it. */
function cell(text: string | undefined): string {
  if (text === undefined) return '';
  if (!text.startsWith('ok')) return 'no';
  const detail = text.slice(3).replace(/(, )?\d+ errors$/, '');
  return detail === '' ? 'yes' : `yes, \`${detail}\``;
}
