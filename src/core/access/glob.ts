// Redis' glob patterns (`*`, `?`, `[a-c]`, `[^a]`, backslash), as in KEYS, SCAN MATCH and CONFIG GET.
import { fail } from '../../errors.js';

/** Topic names have at most 249 characters: a pattern for one needs less, even with each character escaped. */
const maxLength = 4_096;

/** @returns a function that says whether a whole text matches. Linear in the text for each star, never exponential. @throws GatewayError `pattern-too-long`. */
export function globMatcher(pattern: string, options: { ignoreCase?: boolean } = {}): (text: string) => boolean {
  if (pattern.length > maxLength) throw fail('pattern-too-long', maxLength, pattern.length);
  const fold = options.ignoreCase === true;
  const parts = parse(fold ? pattern.toLowerCase() : pattern);
  return (text) => matches(parts, fold ? text.toLowerCase() : text);
}

type Part = '*' | ((char: string) => boolean);

/** Greedy with one position to return to: the classic two-pointer match. */
function matches(parts: readonly Part[], text: string): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const current = parts[part];
    if (current === '*') {
      star = part++;
      starAt = at;
    } else if (current?.(text[at]!)) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (parts[part] === '*') part++;
  return part === parts.length;
}

function parse(pattern: string): Part[] {
  const parts: Part[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === '*') {
      if (parts.at(-1) !== '*') parts.push('*');
    } else if (char === '?') parts.push(() => true);
    else if (char === '[') {
      const set = parseSet(pattern, i + 1);
      parts.push(set.test);
      i = set.end;
    } else {
      const literal = char === '\\' && i + 1 < pattern.length ? pattern[++i]! : char;
      parts.push((other) => other === literal);
    }
  }
  return parts;
}

/** A set that begins at `start`; one without an end extends to the pattern's end, as in Redis. */
function parseSet(pattern: string, start: number): { test: (char: string) => boolean; end: number } {
  const negated = pattern[start] === '^';
  const ranges: [string, string][] = [];
  let i = negated ? start + 1 : start;
  for (; i < pattern.length && pattern[i] !== ']'; i++) {
    if (pattern[i] === '\\' && i + 1 < pattern.length) i++;
    const from = pattern[i]!;
    if (pattern[i + 1] === '-' && i + 2 < pattern.length) {
      const to = pattern[i + 2]!;
      ranges.push(from <= to ? [from, to] : [to, from]);
      i += 2;
    } else ranges.push([from, from]);
  }
  return { test: (char) => ranges.some(([from, to]) => char >= from && char <= to) !== negated, end: i };
}
