// Go's duration texts ("1h2m", "1.5s", "20ms"), which kaf-relay's configuration files use.

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/** Milliseconds (with fractions) of a Go duration; undefined when the text is none. https://pkg.go.dev/time#ParseDuration */
export function parseDuration(text: string): number | undefined {
  const negative = text.startsWith('-');
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return 0;
  let total = 0;
  let end = 0;
  part.lastIndex = 0;
  for (let found = part.exec(body); found; found = part.exec(body)) {
    total += Number(found[1]) * unitMs[found[2]!]!;
    end = part.lastIndex;
  }
  if (end === 0 || end !== body.length) return undefined;
  return negative ? -total : total;
}
