// Type checks of parsed JSON values without allocation, for the hot path.

/** An object's fields, all unknown. */
export type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Any unsigned 32-bit number. */
export const isU32 = (value: unknown): value is number => typeof value === 'number' && value >>> 0 === value;
export const isU16 = (value: unknown): value is number => isU32(value) && value <= 0xffff;
export const isU8 = (value: unknown): value is number => isU32(value) && value <= 0xff;
export const isText = (value: unknown): value is string => typeof value === 'string';

export function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is T[] {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) if (!isOne(value[i])) return false;
  return true;
}
