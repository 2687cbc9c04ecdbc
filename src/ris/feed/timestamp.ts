// Exact time and order from RIS Live's text: microseconds from the decimal digits, the sequence from the id.
import { hexDigit } from './address.js';

/** The first microsecond beyond BMP's 32-bit seconds. */
const tooLate = 0x1_0000_0000 * 1_000_000;

/**
 * Microseconds since the epoch, from the number's source text: a float is inexact by about 0.24 us at today's dates, and truncating
 * its product with 1e6 is off by one in half of the messages. Digits below the microsecond are rounded half to even.
 * @param line the JSON text; `value` the field as parsed by JSON.parse, which identifies the right occurrence.
 * @returns null if it is not a time that BMP can carry.
 */
export function timestampOf(line: string, value: unknown): number | null {
  if (typeof value !== 'number' || !(value >= 0)) return null;
  const time = timestampIn(line);
  if (time !== null && Math.abs(time / 1e6 - value) < 1e-6) return time;
  // Another object's timestamp, or one with an exponent: the shortest text of the number has its digits too.
  return decimalAt(String(value), 0);
}

/** The first timestamp in a line, or null. Inside a string the key's quotes would be escaped, so a match is a key. */
export function timestampIn(line: string): number | null {
  const key = line.indexOf('"timestamp"');
  if (key < 0) return null;
  let from = key + 11;
  while (isSpaceOrColon(line.charCodeAt(from))) from++;
  return decimalAt(line, from);
}

const isSpaceOrColon = (c: number): boolean => c === 58 || c === 32 || (c >= 9 && c <= 13);
const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isExponent = (c: number): boolean => (c | 32) === 101;

/** The decimal number that begins here, in millionths. */
function decimalAt(text: string, from: number): number | null {
  let at = from;
  let time = 0;
  let c = text.charCodeAt(at);
  for (; isDigit(c); c = text.charCodeAt(++at)) time = time * 10 + c - 48;
  if (at === from || at > from + 10) return null;
  let decimals = 0;
  if (c === 46) {
    c = text.charCodeAt(++at);
    for (; isDigit(c) && decimals < 6; c = text.charCodeAt(++at)) {
      time = time * 10 + c - 48;
      decimals++;
    }
  }
  for (; decimals < 6; decimals++) time *= 10;
  if (isDigit(c)) {
    time += roundUp(text, at, time % 2 === 1);
    while (isDigit(c)) c = text.charCodeAt(++at);
  }
  return isExponent(c) || time >= tooLate ? null : time;
}

/** 1 if the digits from here on are more than a half, or exactly a half after an odd digit. */
function roundUp(text: string, from: number, isOdd: boolean): 0 | 1 {
  const first = text.charCodeAt(from) - 48;
  if (first !== 5) return first > 5 ? 1 : 0;
  for (let at = from + 1; isDigit(text.charCodeAt(at)); at++) if (text.charCodeAt(at) !== 48) return 1;
  return isOdd ? 1 : 0;
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
