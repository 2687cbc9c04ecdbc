// The text form of acknowledged ranges in a commit's metadata, as Kafka-Pixy writes and reads it.

/** Half-open and relative to the committed offset: [from, to). */
export type Range = readonly [from: bigint, to: bigint];

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Map([...alphabet].map((character, value) => [character, BigInt(value)]));
const more = 0x20n;
const low = 0x1fn;
const maxCharacters = 13;
const largest = 2n ** 63n - 1n;

/**
 * Two unsigned integers a range: the gap since the previous range's end, and the length. Each integer takes 5 bits a
 * character, least significant first, in the standard Base64 alphabet; bit 0x20 says that more follows.
 * @param ranges ascending, not touching.
 * @param limit ranges that would make the text longer are left out: their messages are redelivered.
 */
export function encodeRanges(ranges: readonly Range[], limit = Number.POSITIVE_INFINITY): string {
  let text = '';
  let end = 0n;
  for (const [from, to] of ranges) {
    const next = text + encodeInteger(from - end) + encodeInteger(to - from);
    if (next.length > limit) break;
    text = next;
    end = to;
  }
  return text;
}

/** @throws Error that says what is wrong; the whole text is invalid then. */
export function decodeRanges(text: string): Range[] {
  const ranges: Range[] = [];
  const cursor = { at: 0 };
  let end = 0n;
  while (cursor.at < text.length) {
    const from = end + decodeInteger(text, cursor);
    const to = from + decodeInteger(text, cursor);
    if (from <= end || to <= from || to > largest) throw new Error(`bad range [${from}, ${to})`);
    ranges.push([from, to]);
    end = to;
  }
  return ranges;
}

function encodeInteger(value: bigint): string {
  let text = '';
  let rest = value;
  do {
    const group = rest & low;
    rest >>= 5n;
    text += alphabet[Number(rest > 0n ? group | more : group)];
  } while (rest > 0n);
  return text;
}

function decodeInteger(text: string, cursor: { at: number }): bigint {
  let value = 0n;
  for (let index = 0; index < maxCharacters; index++) {
    if (cursor.at >= text.length) throw new Error('bad sequence: unfinished integer');
    const group = values.get(text[cursor.at]!);
    if (group === undefined) throw new Error(`bad character ${JSON.stringify(text[cursor.at])} at ${cursor.at}`);
    cursor.at++;
    value |= (group & low) << BigInt(5 * index);
    if ((group & more) === 0n) {
      if (value > largest) throw new Error('bad sequence: integer overflow');
      return value;
    }
  }
  throw new Error('bad sequence: integer overflow');
}
