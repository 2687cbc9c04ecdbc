// Which consumer group names are legal, on every listener: the name whose rights were checked must be the name sent to Kafka.
import { fail } from '../errors.js';

/** Kafka's protocol ends at 32,767 bytes; no group needs so long a name, and every request of a member carries it. */
const longest = 1_024;

/**
 * A NUL ends a string for librdkafka, so another group would be joined. Control characters (C0, DEL, C1) break log lines and the output
 * of Kafka's tools. Lone surrogates, and replacement characters for invalid UTF-8, would merge several names into one group.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const illegal = /[\x00-\x1f\x7f-\x9f\ufffd\p{Surrogate}]/u;

/** Kafka accepts any string; here a group's name is 1 to 1,024 bytes of UTF-8 without control characters. */
export function isLegalGroupName(name: string): boolean {
  // Most names are so short that bytes need not be counted.
  const fits = name.length > 0 && (name.length * 3 <= longest || Buffer.byteLength(name) <= longest);
  return fits && !illegal.test(name);
}

/** @throws GatewayError `group-invalid`. */
export function checkGroupName(name: string): void {
  if (!isLegalGroupName(name)) throw fail('group-invalid', printable(name));
}

/** The beginning of a name, with illegal characters as `\x00` or `\ud800`. */
function printable(name: string): string {
  const shown = [...name.slice(0, 64)].map((char) => (illegal.test(char) ? escaped(char.charCodeAt(0)) : char));
  return `${shown.join('')}${name.length > 64 ? '...' : ''}`;
}

const escaped = (code: number): string =>
  code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
