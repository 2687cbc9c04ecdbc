// Hides fields of JSON values by their names.

const hidden = '*****';

/** @returns a function that gives the bytes to show: those of JSON with masked fields, or the same ones. */
export function masker(fields: readonly string[]): (value: Buffer) => { value: Buffer; isMasked: boolean } {
  const names = new Set(fields.map((field) => field.toLowerCase()));
  return (value) => {
    const parsed = names.size > 0 ? jsonOf(value) : undefined;
    if (parsed === undefined) return { value, isMasked: false };
    const found = { any: false };
    const shown = masked(parsed, names, found);
    return found.any ? { value: Buffer.from(JSON.stringify(shown)), isMasked: true } : { value, isMasked: false };
  };
}

/** Objects and arrays only: other JSON has no fields. */
function jsonOf(value: Buffer): object | undefined {
  const first = value.find((byte) => byte > 0x20);
  if (first !== 0x7b && first !== 0x5b) return undefined;
  try {
    return JSON.parse(value.toString());
  } catch {
    return undefined;
  }
}

function masked(value: unknown, names: ReadonlySet<string>, found: { any: boolean }): unknown {
  if (Array.isArray(value)) return value.map((each) => masked(each, names, found));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      if (!names.has(name.toLowerCase())) return [name, masked(each, names, found)];
      found.any = true;
      return [name, hidden];
    }),
  );
}
