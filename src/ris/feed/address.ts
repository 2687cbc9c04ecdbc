// IPv4 and IPv6 text to bytes: written for the hot path, because every prefix of every message passes it.

const dot = 46;
const colon = 58;

/** 4, 16, or 0 if the text is not an address. */
export function addressLength(text: string): 0 | 4 | 16 {
  return parseAddress(text, 0, text.length, null, 0);
}

/** The address as 4 or 16 bytes, or null. */
export function addressBytes(text: string): Uint8Array | null {
  const bytes = new Uint8Array(16);
  const length = parseAddress(text, 0, text.length, bytes, 0);
  return length === 0 ? null : bytes.subarray(0, length);
}

/**
 * Writes the address in text[from, to) to out at `at` (needs 16 bytes); with null it only validates.
 * @returns 4, 16, or 0 if it is not one.
 */
export function parseAddress(text: string, from: number, to: number, out: Uint8Array | null, at: number): 0 | 4 | 16 {
  if (isV6(text, from)) return parse6(text, from, to, out, at) ? 16 : 0;
  return parse4(text, from, to, out, at) ? 4 : 0;
}

/** Whether an address can only be IPv6: a colon is among the first five characters of each. */
export function isV6(text: string, from = 0): boolean {
  for (let i = from; i < from + 5; i++) if (text.charCodeAt(i) === colon) return true;
  return false;
}

function parse4(text: string, from: number, to: number, out: Uint8Array | null, at: number): boolean {
  let value = 0;
  let digits = 0;
  let octets = 0;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c === dot) {
      if (digits === 0 || octets === 3) return false;
      if (out !== null) out[at + octets] = value;
      octets++;
      value = 0;
      digits = 0;
    } else {
      const digit = c - 48;
      if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return false;
      value = value * 10 + digit;
      if (++digits > 3 || value > 255) return false;
    }
  }
  if (octets !== 3 || digits === 0) return false;
  if (out !== null) out[at + 3] = value;
  return true;
}

function parse6(text: string, from: number, to: number, out: Uint8Array | null, at: number): boolean {
  let groups = 0;
  let gap = -1;
  let i = from;
  if (text.charCodeAt(i) === colon) {
    if (text.charCodeAt(i + 1) !== colon || i + 1 >= to) return false;
    gap = 0;
    i += 2;
  }
  while (i < to) {
    let value = 0;
    const start = i;
    let c = 0;
    for (; i < to; i++) {
      c = text.charCodeAt(i);
      const digit = hexDigit(c);
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (i < to && c === dot) {
      // The last 32 bits may be written as IPv4 (RFC 4291 2.2).
      if (groups > 6 || !parse4(text, start, to, out, at + groups * 2)) return false;
      groups += 2;
      break;
    }
    if (i === start || i - start > 4 || groups === 8) return false;
    if (out !== null) {
      out[at + groups * 2] = value >> 8;
      out[at + groups * 2 + 1] = value & 0xff;
    }
    groups++;
    if (i === to) break;
    if (c !== colon || ++i === to) return false;
    if (text.charCodeAt(i) === colon) {
      if (gap >= 0) return false;
      gap = groups;
      i++;
    }
  }
  if (gap < 0) return groups === 8;
  if (groups > 7) return false;
  if (out === null) return true;
  const end = at + groups * 2;
  out.copyWithin(at + 16 - (end - at - gap * 2), at + gap * 2, end);
  out.fill(0, at + gap * 2, at + 16 - (end - at - gap * 2));
  return true;
}

/** An address in one spelling, that of RFC 5952; other text as it is. Almost all are written so, and cost one look. */
export function canonicalAddress(text: string): string {
  if (!isV6(text) || !isOddlySpelled(text)) return text;
  const bytes = addressBytes(text);
  return bytes === null ? text : addressText(bytes);
}

/** Whether IPv6 may be in another form than RFC 5952's: upper case, a group that begins with 0, IPv4 at its end, `::` for one group. */
function isOddlySpelled(text: string): boolean {
  let colons = 0;
  let hasGap = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isFirst = i === 0 || text.charCodeAt(i - 1) === colon;
    if (c === colon) {
      colons++;
      hasGap ||= isFirst && i > 0;
    } else if (c === dot || (c >= 65 && c <= 70) || (c === 48 && isFirst)) return true;
  }
  return hasGap && colons >= 7;
}

/** The value of a character code as a hex digit, or -1. */
export function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * Writes `address/length` as BGP does (RFC 4271 4.3): the length in bits, then as many octets as it needs, with the bits beyond it zero.
 * Needs 17 octets at `at`.
 * @returns octets written; 0 if the text is not a prefix.
 */
export function parsePrefix(text: string, out: Uint8Array, at: number): number {
  const end = text.lastIndexOf('/');
  const digits = text.length - end - 1;
  if (end < 1 || digits < 1 || digits > 3) return 0;
  let bits = 0;
  for (let i = end + 1; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return 0;
    bits = bits * 10 + digit;
  }
  const length = parseAddress(text, 0, end, out, at + 1);
  if (bits > length * 8 || length === 0) return 0;
  out[at] = bits;
  const octets = (bits + 7) >> 3;
  if ((bits & 7) !== 0) out[at + octets] = out[at + octets]! & (0xff << (8 - (bits & 7)));
  return octets + 1;
}

/** Text of 4 or 16 bytes; IPv6 in the form of RFC 5952. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16));
  const full = groups.join(':');
  let best = '';
  for (const run of full.matchAll(/\b0(?::0)+\b/g)) if (run[0].length > best.length) best = run[0];
  if (best === '') return full;
  const at = full.search(new RegExp(`\\b${best}\\b`));
  return `${full.slice(0, at).replace(/:$/, '')}::${full.slice(at + best.length).replace(/^:/, '')}`;
}
