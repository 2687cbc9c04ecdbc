// Which consumer group names are legal, on every face: the name whose rights were checked must be the one that Kafka is told.
import { fail } from '../../errors.js';

/** Kafka's protocol ends at 32,767 bytes; no group needs a name this long, and every request of a member carries it. */
const longest = 1_024;

/**
 * A NUL ends a string for librdkafka: the group that is joined is another one. Control characters (C0, DEL, C1) break log lines and what
 * Kafka's tools print. Halves of characters, and what a decoder writes for bytes that are no UTF-8, make one group of several names.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const illegal = /[\x00-\x1f\x7f-\x9f\ufffd\p{Surrogate}]/u;

/** Kafka itself takes any string; here the name of a group is 1 to 1,024 bytes of UTF-8 without control characters. */
export function isLegalGroupName(name: string): boolean {
  // Most names are so short that no bytes need to be counted.
  const fits = name.length > 0 && (name.length * 3 <= longest || Buffer.byteLength(name) <= longest);
  return fits && !illegal.test(name);
}

/** @throws GatewayError `group-invalid`. */
export function checkGroupName(name: string): void {
  if (!isLegalGroupName(name)) throw fail('group-invalid', printable(name));
}

/** The beginning of a name, its illegal characters as `\x00` or `\ud800`. */
function printable(name: string): string {
  const shown = [...name.slice(0, 64)].map((char) => (illegal.test(char) ? escaped(char.charCodeAt(0)) : char));
  return `${shown.join('')}${name.length > 64 ? '...' : ''}`;
}

const escaped = (code: number): string =>
  code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
