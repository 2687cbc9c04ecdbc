// The generated tables of the documentation. `npm run docs` writes them; a test fails if they are out of date.
import { readFileSync } from 'node:fs';
import { presentSettings, settingTypes } from '../../src/app/config.js';
import { environmentName } from '../../src/app/environment.js';
import { gatewayFlags } from '../../src/app/flags.js';
import { goingKeys, renamedKeys, withdrawnKeys } from '../../src/app/old-keys.js';
import { Stats } from '../../src/core/stats/stats.js';
import { errorTable } from '../../src/errors.js';
import { createMetrics } from '../../src/http/metrics.js';
import type { Command } from '../../src/resp/command/context.js';
import * as commands from '../../src/resp/commands/index.js';

const root = new URL('../../../', import.meta.url);

/** A file and its table, which stands between `<!-- name -->` and `<!-- /name -->`. */
export const tables: readonly { file: URL; name: string; make: () => string }[] = [
  { file: new URL('docs/COMMANDS.md', root), name: 'commands', make: commandsTable },
  { file: new URL('docs/CONFIGURATION.md', root), name: 'flags', make: flagsTable },
  { file: new URL('docs/CONFIGURATION.md', root), name: 'keys', make: keysTable },
  { file: new URL('docs/CONFIGURATION.md', root), name: 'old-keys', make: oldKeysTable },
  { file: new URL('docs/ERRORS.md', root), name: 'errors', make: errorsTable },
  { file: new URL('docs/METRICS.md', root), name: 'metrics', make: metricsTable },
  ...Object.entries(results()).map(([name, measured]) => ({
    file: new URL('docs/BENCHMARKS.md', root),
    name,
    make: () => benchmarkTable(measured),
  })),
  { file: new URL('docs/KAFKA-VERSIONS.md', root), name: 'versions', make: versionsTable },
  { file: new URL('README.md', root), name: 'versions', make: versionsMatrix },
];

/** As prom-client holds it; its types leave these out. */
interface RegisteredMetric {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
  readonly help: string;
}

/** One measured row of docs/benchmarks/results.json, as it is printed. */
interface Measured {
  readonly what: string;
  readonly ours: string;
  readonly yardstick?: string;
  readonly ratio?: string;
  readonly awake?: string;
  readonly target?: string;
  readonly command: string;
}

/** The text with the table inserted. @throws if the markers are missing. */
export function withTable(text: string, name: string, table: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`no ${open} ... ${close}`);
  return `${text.slice(0, from + open.length)}\n${table}\n${text.slice(to)}`;
}

function commandsTable(): string {
  const all = (Object.values(commands) as Command[]).sort((a, b) => (a.name < b.name ? -1 : 1));
  return rows(
    ['command', 'what it does'],
    all.map((command) => {
      const subcommands = (command.subcommands ?? []).map(({ name }) => name.toUpperCase()).join(', ');
      const about = subcommands === '' ? command.summary : `${command.summary} ${subcommands}.`;
      return [`\`${command.name.toUpperCase()}\``, about];
    }),
  );
}

function flagsTable(): string {
  const types = settingTypes();
  return rows(
    ['flag', 'key', 'default', 'what it sets'],
    gatewayFlags.map(({ flag, path, about }) => [`\`${flag}\``, `\`${path}\``, shown(types.get(path)?.default), about]),
  );
}

function keysTable(): string {
  return rows(
    ['key', 'variable', 'default', 'meaning'],
    [...presentSettings()].map(([path, setting]) => [
      `\`${path}\``,
      `\`${environmentName(path)}\``,
      shown(setting.default),
      setting.description ?? '',
    ]),
  );
}

function oldKeysTable(): string {
  const types = settingTypes();
  return rows(
    ['old key', 'what it does now'],
    [
      ...Object.entries(renamedKeys).map(([old, present]) => [`\`${old}\``, `is called \`${present}\``]),
      ...Object.entries(withdrawnKeys).map(([old, why]) => [`\`${old}\``, `nothing: ${why}`]),
      ...[...goingKeys].map((key) => [
        `\`${key}\``,
        `still works; fixed in the next version: ${shown(types.get(key)?.default)}`,
      ]),
    ],
  );
}

function errorsTable(): string {
  return rows(
    ['code', 'RESP', 'HTTP', 'gRPC'],
    Object.entries(errorTable).map(([code, { prefix, text, http, grpc }]) => [
      `\`${code}\``,
      `\`${`${prefix} ${text}`.replaceAll('`', "'")}\``,
      String(http),
      String(grpc),
    ]),
  );
}

/** What /metrics shows of the program, in its order; what prom-client knows of the process depends on Node and the system. */
function metricsTable(): string {
  const all = createMetrics(new Stats()).getMetricsAsArray() as unknown as readonly RegisteredMetric[];
  return rows(
    ['metric', 'type', 'labels', 'meaning'],
    all
      .filter(({ name }) => name.startsWith('rafka_'))
      .map(({ name, type, labelNames, help }) => [`\`${name}\``, type, labelNames.join(', '), help]),
  );
}

/** By listener. */
function results(): Readonly<Record<string, readonly Measured[]>> {
  return JSON.parse(readFileSync(new URL('docs/benchmarks/results.json', root), 'utf8'));
}

/** Columns that no row of the listener has are left out. */
function benchmarkTable(measured: readonly Measured[]): string {
  const columns = (['what', 'ours', 'yardstick', 'ratio', 'awake', 'target', 'command'] as const).filter((column) =>
    measured.some((row) => row[column] !== undefined),
  );
  return rows(
    columns,
    measured.map((row) => columns.map((column) => (column === 'command' ? `\`${row.command}\`` : (row[column] ?? '')))),
  );
}

type VersionResults = Readonly<Record<string, { shownAs: string; steps: Readonly<Record<string, string>> }>>;

/** What test/campaign/kafka-versions.ts found; it writes the file. */
const versionResults = (): VersionResults =>
  JSON.parse(readFileSync(new URL('docs/kafka-versions.json', root), 'utf8')) as VersionResults;

/** A row a face: `yes` when every step of it went well; a step that some version refuses has a row of its own. */
function versionsMatrix(): string {
  const results = versionResults();
  const versions = Object.keys(results);
  const steps = Object.keys(Object.values(results)[0]?.steps ?? {});
  const outcomes = (step: string) => versions.map((version) => results[version]?.steps[step] ?? '');
  const special = steps.filter((step) => outcomes(step).includes('no'));
  const faces = [...new Set(steps.map((step) => step.slice(0, step.indexOf(': '))))].map((face) => {
    const of = steps.filter((step) => step.startsWith(`${face}: `) && !special.includes(step)).map(outcomes);
    const worst = versions.map((_, at) => of.map((each) => each[at]!).find((outcome) => outcome !== 'yes') ?? 'yes');
    return [face === 'all' ? 'the log and `/readyz` tell the version' : face, ...worst];
  });
  return rows(['', ...versions], [...faces, ...special.map((step) => [step, ...outcomes(step)])]);
}

function versionsTable(): string {
  const results = versionResults();
  const versions = Object.keys(results);
  const steps = Object.keys(Object.values(results)[0]?.steps ?? {});
  return rows(
    ['what', ...versions],
    [
      ['shown as', ...Object.values(results).map(({ shownAs }) => shownAs)],
      ...steps.map((step) => [step, ...versions.map((version) => results[version]?.steps[step] ?? '')]),
    ],
  );
}

const shown = (value: unknown): string => (value === undefined ? '' : `\`${JSON.stringify(value)}\``);

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}
