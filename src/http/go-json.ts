// JSON as Go's encoding/json indents it: clients of Kafka-Pixy compare these bytes.

/** Two-space indent; `<`, `>`, `&` and the line separators escaped, control characters as \u00xx. */
export function goJson(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2));
}

/** A string as Go quotes it inside JSON. */
export const goString = (text: string): string => escaped(JSON.stringify(text));

/** An object two deep whose leaves are lists of numbers, each list on one line: `"c1": [0,1,2]`. */
export function goJsonWithLists(value: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>): string {
  const leaves = (of: ReadonlyMap<string, readonly number[]>): string =>
    block(
      [...of].map(([key, list]) => `    ${goString(key)}: [${list.join(',')}]`),
      '  ',
    );
  return block(
    [...value].map(([key, of]) => `  ${goString(key)}: ${leaves(of)}`),
    '',
  );
}

const block = (lines: readonly string[], indent: string): string =>
  lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes of JSON.stringify are matched, not the characters
const special = /[<>&\u2028\u2029\u0000]|\\[bf\\]/g;

function escaped(json: string): string {
  return json.replace(special, (found) => {
    if (found === '\\b') return '\\u0008';
    if (found === '\\f') return '\\u000c';
    if (found.length > 1) return found;
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
