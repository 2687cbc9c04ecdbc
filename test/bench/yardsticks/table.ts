// The one table of all benchmarks: what was measured, ours, the yardstick beside it, their ratio, the target, and whether it is met.
import { median } from './run.js';

export interface Figure {
  readonly what: string;
  readonly ours: number;
  /** Behind the figure: '/s', ' ms', ' %', ' MB'. */
  readonly unit?: string;
  readonly yardstick?: number;
  /** What the yardstick is: 'R', 'redis-server'. */
  readonly against?: string;
  /** Absent: ours by the yardstick. */
  readonly ratio?: number;
  /** '>= 1.4', '<= 5', '< 1'. */
  readonly target?: string;
  /** What the target is about; absent: the ratio where there is one. */
  readonly targetOf?: 'ours' | 'ratio';
}

const columns = ['what', 'ours', 'yardstick', 'ratio', 'target', 'met'];
export const tableHead = `| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`;

let isBegun = false;

/** Prints a row. The head comes before the first, unless `npm run bench` makes one table of several benchmarks. */
export function row(figure: Figure): void {
  if (!isBegun && process.env.RAFKA_BENCH_ONE_TABLE === undefined) console.log(tableHead);
  isBegun = true;
  console.log(rowText(figure));
}

export function rowText(figure: Figure): string {
  const { what, ours, unit = '', yardstick, against = '', target = '' } = figure;
  const ratio = figure.ratio ?? (yardstick === undefined ? undefined : ours / yardstick);
  const measured = (figure.targetOf ?? (ratio === undefined ? 'ours' : 'ratio')) === 'ours' ? ours : ratio;
  const isOfOurs = measured === ours && target !== '';
  const cells = [
    what,
    `${shown(ours)}${unit}`,
    yardstick === undefined ? '' : `${against} ${shown(yardstick)}${unit}`.trim(),
    ratio === undefined ? '' : `**${ratio.toFixed(2)}**`,
    isOfOurs ? `${target}${unit}` : target,
    target === '' || measured === undefined ? '' : isMet(measured, target) ? 'yes' : '**no**',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** A row of figures taken in turn with those of the yardstick: medians, and the median of the ratios. */
export function interleaved(
  figure: Pick<Figure, 'what' | 'unit' | 'against' | 'target' | 'targetOf'>,
  ours: readonly number[],
  theirs: readonly number[],
): void {
  const ratio = median(ours.map((value, index) => value / theirs[index]!));
  row({ ...figure, ours: median(ours), yardstick: median(theirs), ratio });
}

/** @throws Error on a target of another form. */
function isMet(value: number, target: string): boolean {
  const [, operator, text] = /^(<=|>=|<|>) ([\d,.]+)$/.exec(target) ?? [];
  if (!operator || !text) throw new Error(`a target is an operator and a number, not ${target}`);
  const bound = Number(text.replaceAll(',', ''));
  if (operator === '<=') return value <= bound;
  if (operator === '<') return value < bound;
  return operator === '>' ? value > bound : value >= bound;
}

function shown(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
