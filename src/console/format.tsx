// Numbers, sizes and times as people read them. null is unknown, and never 0.

export const unknown = 'unknown';

export const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? unknown : value.toLocaleString('en-US', { maximumFractionDigits: 1 });

export const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? unknown : `${number(value)}/s`;

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let left = value;
  let unit = 0;
  for (; left >= 1024 && unit < units.length - 1; unit++) left /= 1024;
  return `${left.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return unknown;
  if (ms < 0) return 'for ever';
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const at = units.findIndex(([, size]) => ms >= size);
  if (at < 0) return `${Math.round(ms)} ms`;
  const [name, size] = units[at]!;
  const whole = Math.floor(ms / size);
  const next = units[at + 1];
  const rest = next ? Math.floor((ms % size) / next[1]) : 0;
  return rest > 0 ? `${whole} ${name} ${rest} ${next![0]}` : `${whole} ${name}`;
}

export const time = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? unknown : new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
