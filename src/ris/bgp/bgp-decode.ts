// The structure of a BGP UPDATE: the ranges of its fields, without making objects of their contents (RFC 4271 4.3, 4760).
import { headerLength, updateType } from './bgp-encode.js';

/** A half-open range of octets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An MP_REACH_NLRI or MP_UNREACH_NLRI attribute. */
export interface MpAttribute {
  readonly afi: number;
  readonly safi: number;
  readonly nlri: Span;
}

export interface UpdateLayout {
  readonly withdrawn: Span;
  readonly attributes: Span;
  readonly nlri: Span;
  readonly asPath: Span | null;
  readonly as4Path: Span | null;
  /** Octets of AGGREGATOR, 6 or 8; 0 without one. */
  readonly aggregatorLength: number;
  readonly reach: MpAttribute | null;
  readonly unreach: MpAttribute | null;
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
export const u32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** @returns whether pdu is, from this octet to its end, one whole BGP message of this type. */
export function isMessage(pdu: Uint8Array, type: number, from = 0): boolean {
  const length = pdu.length - from;
  if (length < headerLength || u16(pdu, from + 16) !== length || pdu[from + 18] !== type) return false;
  for (let i = from; i < from + 16; i++) if (pdu[i] !== 0xff) return false;
  return true;
}

/** null if pdu, from this octet, is not an UPDATE, its lengths are inconsistent, or an attribute that may occur once is repeated. */
export function layOutUpdate(pdu: Uint8Array, from = 0): UpdateLayout | null {
  if (!isMessage(pdu, updateType, from) || pdu.length < from + 23) return null;
  const withdrawn = { start: from + 21, end: from + 21 + u16(pdu, from + 19) };
  if (withdrawn.end + 2 > pdu.length) return null;
  const attributes = { start: withdrawn.end + 2, end: withdrawn.end + 2 + u16(pdu, withdrawn.end) };
  if (attributes.end > pdu.length) return null;
  let asPath: Span | null = null;
  let as4Path: Span | null = null;
  let aggregatorLength = 0;
  let reach: MpAttribute | null = null;
  let unreach: MpAttribute | null = null;
  for (let at = attributes.start; at < attributes.end; ) {
    const long = (pdu[at]! & 0x10) !== 0;
    const start = at + (long ? 4 : 3);
    if (start > attributes.end) return null;
    const end = start + (long ? u16(pdu, at + 2) : pdu[at + 2]!);
    if (end > attributes.end) return null;
    switch (pdu[at + 1]) {
      case 2:
        if (asPath !== null) return null;
        asPath = { start, end };
        break;
      case 7:
        aggregatorLength = end - start;
        break;
      case 14: {
        const nlri = start + 4 < end ? start + 5 + pdu[start + 3]! : end + 1;
        if (reach !== null || nlri > end) return null;
        reach = { afi: u16(pdu, start), safi: pdu[start + 2]!, nlri: { start: nlri, end } };
        break;
      }
      case 15:
        if (unreach !== null || start + 3 > end) return null;
        unreach = { afi: u16(pdu, start), safi: pdu[start + 2]!, nlri: { start: start + 3, end } };
        break;
      case 17:
        as4Path = { start, end };
        break;
    }
    at = end;
  }
  const nlri = { start: attributes.end, end: pdu.length };
  return { withdrawn, attributes, nlri, asPath, as4Path, aggregatorLength, reach, unreach };
}

/**
 * The prefixes of an NLRI field, each as its octets in a latin1 string (bits beyond the length cleared).
 * @param addPath each prefix follows a four-octet path identifier (RFC 7911).
 * @returns null if the field does not end at the end of a prefix.
 */
export function readPrefixes(pdu: Uint8Array, span: Span, maxBits: number, addPath: boolean): Set<string> | null {
  const out = new Set<string>();
  for (let at = span.start; at < span.end; ) {
    if (addPath) at += 4;
    if (at >= span.end) return null;
    const bits = pdu[at]!;
    const end = at + 1 + ((bits + 7) >> 3);
    if (bits > maxBits || end > span.end) return null;
    const octets = Buffer.from(pdu.subarray(at, end));
    if ((bits & 7) !== 0) octets[octets.length - 1] = octets.at(-1)! & (0xff << (8 - (bits & 7)));
    out.add(octets.toString('latin1'));
    at = end;
  }
  return out;
}

/** Copies an NLRI field without its path identifiers; only for one that readPrefixes has read. */
export function withoutPathIds(pdu: Uint8Array, span: Span): Buffer {
  const parts: Uint8Array[] = [];
  for (let at = span.start; at < span.end; ) {
    const end = at + 5 + ((pdu[at + 4]! + 7) >> 3);
    parts.push(pdu.subarray(at + 4, end));
    at = end;
  }
  return Buffer.concat(parts);
}
