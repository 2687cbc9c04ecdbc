// The findings of `rafka check`: rows of a table, one item each, with the cause of a failure.

/** `warn`: it works, but may not be intended. */
type State = 'ok' | 'warn' | 'FAIL';

export interface Finding {
  readonly state: State;
  /** The checked item. */
  readonly what: string;
  /** The result, or the cause. Never a secret. */
  readonly about: string;
}

export const ok = (what: string, about: string): Finding => ({ state: 'ok', what, about });
export const warn = (what: string, about: string): Finding => ({ state: 'warn', what, about });
export const failed = (what: string, about: string): Finding => ({ state: 'FAIL', what, about });

/** Runs a step; an error is a finding. */
export async function step(what: string, look: () => Promise<string> | string): Promise<Finding> {
  try {
    return ok(what, await look());
  } catch (error) {
    return failed(what, (error as Error).message);
  }
}

/** One line per finding, in columns, and a last line with totals. */
export function table(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ what }) => what.length));
  const lines = findings.flatMap(({ state, what, about }) => {
    const [first = '', ...more] = about.split('\n');
    const head = `${state.padEnd(4)}  ${what.padEnd(width)}  ${first}`.trimEnd();
    return [head, ...more.map((line) => `${' '.repeat(width + 8)}${line}`)];
  });
  const count = (state: State): number => findings.filter((finding) => finding.state === state).length;
  return [...lines, `${count('FAIL')} wrong, ${count('warn')} to look at, ${count('ok')} right`].join('\n');
}
