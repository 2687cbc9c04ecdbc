// Exact time and order out of RIS Live's text: microseconds from the decimal digits, the sequence from the id.
import { hexDigit } from './address.js';

const latest = 0xffff_ffff;
const plain = /^(\d{1,10})(?:\.(\d+))?$/;

/**
 * Microseconds since the epoch, from the number's source text: a float has about 0.24 us of play at today's dates, and cutting
 * its product with 1e6 is off by one in half of the messages. Digits below the microsecond are rounded half to even.
 * @param line the JSON text; `value` what JSON.parse made of the field, by which the right occurrence is told.
 * @returns null when it is no time that BMP's 32-bit seconds can carry.
 */
export function timestampOf(line: string, value: unknown): number | null {
  if (typeof value !== 'number' || !(value >= 0)) return null;
  const digits = plain.exec(sourceText(line, value) ?? String(value));
  if (digits === null) return null;
  const time = Number(digits[1]) * 1_000_000 + microsOf(digits[2]);
  return time < (latest + 1) * 1_000_000 ? time : null;
}

/** The number as it stands in the line. Inside a string the key's quotes would be escaped, so what is found is a key. */
function sourceText(line: string, value: number): string | null {
  const key = line.indexOf('"timestamp"');
  let from = key + 11;
  while (isSpaceOrColon(line.charCodeAt(from))) from++;
  let to = from;
  while (isDigitOrDot(line.charCodeAt(to))) to++;
  const text = line.slice(from, to);
  // Another object's timestamp, or one with an exponent, is not this one.
  return key >= 0 && Number(text) === value ? text : null;
}

const isSpaceOrColon = (c: number): boolean => c === 58 || c === 32 || (c >= 9 && c <= 13);
const isDigitOrDot = (c: number): boolean => (c >= 48 && c <= 57) || c === 46;

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
  const dash = id.length - 17;
  if (dash < 0 || id.charCodeAt(dash) !== 45) return 0;
  let sequence = 0;
  for (let i = dash + 1; i < id.length; i++) {
    const digit = hexDigit(id.charCodeAt(i));
    if (digit < 0) return 0;
    sequence = (sequence * 16 + digit) & 0xffff;
  }
  return sequence;
}
