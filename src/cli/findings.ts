// What `rafka check` has found: rows of a table, one thing each, with the cause of what is wrong.

/** `warn`: it works, and may not be meant. */
export type State = 'ok' | 'warn' | 'FAIL';

export interface Finding {
  readonly state: State;
  /** What was looked at. */
  readonly what: string;
  /** What was seen, or the cause. Never a secret. */
  readonly about: string;
}

export const ok = (what: string, about: string): Finding => ({ state: 'ok', what, about });
export const warn = (what: string, about: string): Finding => ({ state: 'warn', what, about });
export const failed = (what: string, about: string): Finding => ({ state: 'FAIL', what, about });

/** Runs a step; what it throws is a finding. */
export async function step(what: string, look: () => Promise<string> | string): Promise<Finding> {
  try {
    return ok(what, await look());
  } catch (error) {
    return failed(what, (error as Error).message);
  }
}

/** One line a finding, in columns, and a last line that counts. */
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
