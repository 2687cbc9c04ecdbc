// Splits a line typed into a plain TCP tool into arguments, quoted as Redis' own tools quote.

const escapes: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, a: 0x07 };
const BACKSLASH = 0x5c;
const DOUBLE = 0x22;
const SINGLE = 0x27;

/** Limits of one line. */
export interface InlineLimits {
  readonly maxArgs: number;
  readonly maxArgBytes: number;
}

/** Why a line is not a command. */
export type InlineFault = 'unbalanced' | 'too-many' | 'too-long';

/**
 * The arguments are slices of one buffer as long as the line, however many there are.
 * @returns `unbalanced` if quotes are, or a closing quote is not followed by a space.
 */
export function splitInline(line: Buffer, limits: InlineLimits): Buffer[] | InlineFault {
  const args: Buffer[] = [];
  // The unquoted text is never longer than its source.
  const unquoted = Buffer.allocUnsafe(line.length);
  let used = 0;
  let at = 0;
  for (;;) {
    while (at < line.length && isSpace(line[at]!)) at++;
    if (at >= line.length) return args;
    if (args.length === limits.maxArgs) return 'too-many';
    const read = readArgument(line, at, unquoted, used);
    if (!read) return 'unbalanced';
    if (read.used - used > limits.maxArgBytes) return 'too-long';
    args.push(unquoted.subarray(used, read.used));
    used = read.used;
    at = read.end;
  }
}

/** Writes the argument that begins at `start` into `to`, from `used` on. @returns where both end. */
function readArgument(
  line: Buffer,
  start: number,
  to: Buffer,
  used: number,
): { used: number; end: number } | undefined {
  let length = used;
  let at = start;
  let quote = 0;
  for (; at < line.length; at++) {
    const byte = line[at]!;
    if (quote === 0) {
      if (isSpace(byte)) break;
      if (byte === DOUBLE || byte === SINGLE) quote = byte;
      else to[length++] = byte;
    } else if (byte === BACKSLASH) {
      const escaped = readEscape(line, at, quote);
      to[length++] = escaped.byte;
      at += escaped.length - 1;
    } else if (byte === quote) {
      if (at + 1 < line.length && !isSpace(line[at + 1]!)) return undefined;
      quote = 0;
    } else to[length++] = byte;
  }
  return quote === 0 ? { used: length, end: at } : undefined;
}

/** The character of a backslash escape at `at`: `\xhh`, `\n` and the like in double quotes, only `\'` in single ones. */
function readEscape(line: Buffer, at: number, quote: number): { byte: number; length: number } {
  const next = line[at + 1];
  if (quote === SINGLE) return next === SINGLE ? { byte: SINGLE, length: 2 } : { byte: BACKSLASH, length: 1 };
  const hex = /^\\x([0-9a-fA-F]{2})/.exec(line.toString('latin1', at, at + 4));
  if (hex) return { byte: Number.parseInt(hex[1]!, 16), length: 4 };
  if (next === undefined) return { byte: BACKSLASH, length: 1 };
  return { byte: escapes[String.fromCharCode(next)] ?? next, length: 2 };
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
