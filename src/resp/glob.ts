// Redis' glob patterns (KEYS, SCAN MATCH, CONFIG GET): * ? [abc] [^a-z] and backslash.

const special = /[\\^$.*+?()[\]{}|]/g;

/** Turns a pattern into a test of whole names. A pattern that makes no sense matches itself. */
export function globMatcher(pattern: string): (name: string) => boolean {
  let source = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern[index]!;
    const close = char === '[' ? pattern.indexOf(']', index + 1) : -1;
    if (char === '*') source += source.endsWith('.*') ? '' : '.*';
    else if (char === '?') source += '.';
    else if (close > index + 1) {
      source += characterClass(pattern.slice(index + 1, close));
      index = close;
    } else if (char === '\\' && index + 1 < pattern.length) {
      index += 1;
      source += pattern[index]!.replace(special, '\\$&');
    } else source += char.replace(special, '\\$&');
  }
  const regex = new RegExp(`^${source}$`, 's');
  return (name) => regex.test(name);
}

function characterClass(body: string): string {
  const negated = body.startsWith('^');
  const escaped = (negated ? body.slice(1) : body).replace(/[\\\]^]/g, '\\$&');
  if (escaped === '') return negated ? '.' : '(?!)';
  return isOrdered(escaped) ? `[${negated ? '^' : ''}${escaped}]` : '(?!)';
}

/** A range that runs backwards (z-a) matches nothing here rather than being refused. */
function isOrdered(body: string): boolean {
  return [...body.matchAll(/(.)-(.)/gs)].every(([, from, to]) => from! <= to!);
}
