// Exact time and order out of RIS Live's text: microseconds from the decimal digits, the sequence from the id.

const latest = 0xffff_ffff;
const inLine = /"timestamp"\s*:\s*(\d{1,10})(?:\.(\d+))?\s*[,}]/;
const plain = /^(\d{1,10})(?:\.(\d+))?$/;

/**
 * Microseconds since the epoch, from the number's source text: a float has about 0.24 us of play at today's dates, and cutting
 * its product with 1e6 is off by one in half of the messages. Digits below the microsecond are rounded half to even.
 * @param line the JSON text; `value` what JSON.parse made of the field, by which the right occurrence is told.
 * @returns null when it is no time that BMP's 32-bit seconds can carry.
 */
export function timestampOf(line: string, value: unknown): number | null {
  if (typeof value !== 'number' || !(value >= 0)) return null;
  const found = inLine.exec(line);
  const digits = found !== null && Number(found[1]) === Math.floor(value) ? found : plain.exec(String(value));
  if (digits === null) return null;
  const time = Number(digits[1]) * 1_000_000 + microsOf(digits[2]);
  return time < (latest + 1) * 1_000_000 ? time : null;
}

function microsOf(fraction: string | undefined): number {
  if (fraction === undefined) return 0;
  if (fraction.length <= 6) return Number(fraction.padEnd(6, '0'));
  const whole = Number(fraction.slice(0, 6));
  const rest = fraction.slice(6).replace(/0+$/, '');
  const half = rest < '5' ? -1 : rest === '5' ? 0 : 1;
  return half > 0 || (half === 0 && whole % 2 === 1) ? whole + 1 : whole;
}

/** The order inside one millisecond: ids since about 2022 end in 12 hex digits of Unix ms and 4 of a sequence; others give 0. */
export function sequenceOf(id: string): number {
  return /-[0-9a-f]{16}$/.test(id) ? Number.parseInt(id.slice(-4), 16) : 0;
}
