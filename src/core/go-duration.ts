// Go's duration texts, `500ms`, `1m30s`, `1.5h`, as kaf-relay and Kafka-Pixy use them in their configuration files.

const units: Readonly<Record<string, number>> = {
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

/** @returns milliseconds, with fractions. @throws Error with Go's text. https://pkg.go.dev/time#ParseDuration */
export function goDuration(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  let total = 0;
  let end = 0;
  for (const [whole, number, unit] of rest.matchAll(part)) {
    total += Number(number) * units[unit!]!;
    end += whole.length;
  }
  if (end === 0 || end !== rest.length) throw new Error(complaint(text, rest.slice(end)));
  return sign * total;
}

function complaint(text: string, rest: string): string {
  const quoted = JSON.stringify(text);
  const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
  if (number === undefined) return `time: invalid duration ${quoted}`;
  const unit = /^[^\d.]*/.exec(rest.slice(number.length))?.[0];
  return unit
    ? `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`
    : `time: missing unit in duration ${quoted}`;
}
