// Checks that a raw UPDATE matches its JSON, and finds how to read it: AS numbers of two or four bytes, path identifiers. See docs/decisions/0020.

import type { PathElement, RisUpdate } from '../feed/message.js';
import {
  layOutUpdate,
  type MpAttribute,
  readPrefixes,
  type Span,
  type UpdateLayout,
  u32,
  withoutPathIds,
} from './bgp-decode.js';
import { marker, updateType } from './bgp-encode.js';
import { ByteWriter } from './bytes.js';
import type { PrefixField, Routes } from './routes.js';

export type AsWidth = 2 | 4;

/** How to read a PDU that matches its JSON. */
export interface RawReading {
  readonly layout: UpdateLayout;
  readonly asWidth: AsWidth;
  readonly addPath4: boolean;
  readonly addPath6: boolean;
}

/** The JSON's contents in BGP's form. */
export interface Expected {
  readonly announced: Routes;
  readonly withdrawn: Routes;
}

/**
 * Finds a reading of pdu with the prefixes and path of the JSON; the session's own AS width is tried first.
 * A JSON with neither path nor prefixes (feeds omit empty keys) matches any well-formed PDU.
 * @param expected null: the JSON's prefixes are not known, and the PDU's own checks are enough.
 * @param from where the message begins; it ends with pdu.
 * @returns null if no reading matches.
 */
export function checkRaw(
  pdu: Uint8Array,
  update: RisUpdate,
  expected: Expected | null,
  session: AsWidth | null,
  from = 0,
): RawReading | null {
  const layout = layOutUpdate(pdu, from);
  if (layout === null) return null;
  const { path, announcements, withdrawals } = update;
  // The path of an UPDATE without announcements has no meaning, and a feed may omit it.
  const hasPath = path !== undefined && (path.length > 0 || (announcements ?? []).length > 0);
  const asWidth = hasPath ? matchingWidth(pdu, layout, path, session) : soundWidth(pdu, layout, update, session);
  if (asWidth === null) return null;
  const bare = path === undefined && announcements === undefined && withdrawals === undefined;
  const prefixes = bare ? null : expected;
  const addPath4 = prefixes === null ? arePlain(pdu, layout, 1) : pathIds(pdu, layout, 1, prefixes);
  const addPath6 = prefixes === null ? arePlain(pdu, layout, 2) : pathIds(pdu, layout, 2, prefixes);
  return addPath4 === null || addPath6 === null ? null : { layout, asWidth, addPath4, addPath6 };
}

/** The same UPDATE without the path identifiers that the reading found. */
export function stripPathIds(pdu: Uint8Array, reading: RawReading): Buffer {
  const { layout, addPath4, addPath6 } = reading;
  const plain = (span: Span, strip: boolean): Uint8Array =>
    strip ? withoutPathIds(pdu, span) : pdu.subarray(span.start, span.end);
  const withdrawn = plain(layout.withdrawn, addPath4);
  const attributes = new ByteWriter(pdu.length);
  for (let at = layout.attributes.start; at < layout.attributes.end; ) {
    const long = (pdu[at]! & 0x10) !== 0;
    const start = at + (long ? 4 : 3);
    const end = start + (long ? (pdu[at + 2]! << 8) | pdu[at + 3]! : pdu[at + 2]!);
    const mp = pdu[at + 1] === 14 ? layout.reach : pdu[at + 1] === 15 ? layout.unreach : null;
    if (mp === null || !(mp.afi === 1 ? addPath4 : addPath6)) attributes.bytes(pdu, at, end);
    else {
      const nlri = withoutPathIds(pdu, mp.nlri);
      const length = mp.nlri.start - start + nlri.length;
      attributes.u8(pdu[at]!).u8(pdu[at + 1]!);
      (long ? attributes.u16(length) : attributes.u8(length)).bytes(pdu, start, mp.nlri.start).bytes(nlri);
    }
    at = end;
  }
  const nlri = plain(layout.nlri, addPath4);
  const out = new ByteWriter(pdu.length);
  out
    .bytes(marker)
    .u16(23 + withdrawn.length + attributes.length + nlri.length)
    .u8(updateType);
  out.u16(withdrawn.length).bytes(withdrawn).u16(attributes.length).bytes(attributes.view()).bytes(nlri);
  return out.take();
}

function matchingWidth(
  pdu: Uint8Array,
  layout: UpdateLayout,
  path: readonly PathElement[],
  session: AsWidth | null,
): AsWidth | null {
  const { asPath } = layout;
  if (path.length === 0) return asPath === null || asPath.start === asPath.end ? silentWidth(layout, session) : null;
  if (asPath === null) return null;
  const first: AsWidth = session ?? 4;
  if (isPath(pdu, asPath, first, path)) return first;
  const second: AsWidth = first === 4 ? 2 : 4;
  if (isPath(pdu, asPath, second, path)) return second;
  return layout.as4Path !== null && isMergedPath(pdu, asPath, layout.as4Path, path) ? 2 : null;
}

/** The width of an UPDATE without AS numbers in its path. */
function silentWidth(layout: UpdateLayout, session: AsWidth | null): AsWidth {
  if (layout.aggregatorLength === 6) return 2;
  return layout.aggregatorLength === 8 ? 4 : (session ?? 4);
}

/** Without a path to compare with: the width at which the segments fill the attribute, preferably beginning with the peer. */
function soundWidth(pdu: Uint8Array, layout: UpdateLayout, update: RisUpdate, session: AsWidth | null): AsWidth | null {
  const { asPath } = layout;
  if (asPath === null || asPath.start === asPath.end) return silentWidth(layout, session);
  const four = readPath(pdu, asPath, 4);
  const two = readPath(pdu, asPath, 2);
  if (four?.[0] === update.peerAsn) return 4;
  if (two?.[0] === update.peerAsn) return 2;
  if (session !== null && (session === 4 ? four : two) !== null) return session;
  return four !== null ? 4 : two !== null ? 2 : null;
}

/** Compares without building the path: this is the hot path. Confederation segments, which the JSON does not show, are skipped. */
function isPath(pdu: Uint8Array, span: Span, width: AsWidth, path: readonly PathElement[]): boolean {
  let element = 0;
  for (let at = span.start; at < span.end; ) {
    if (at + 2 > span.end) return false;
    const type = pdu[at]!;
    const count = pdu[at + 1]!;
    const end = at + 2 + count * width;
    if (end > span.end || type < 1 || type > 4) return false;
    if (type === 2) {
      for (let i = at + 2; i < end; i += width) {
        const asn = width === 4 ? u32(pdu, i) : (pdu[i]! << 8) | pdu[i + 1]!;
        if (path[element++] !== asn) return false;
      }
    } else if (type === 1 && !isSameSet(readMembers(pdu, at + 2, count, width), path[element++])) return false;
    at = end;
  }
  return element === path.length;
}

/** Merges AS_PATH and AS4_PATH (RFC 6793 4.2.3). */
function isMergedPath(pdu: Uint8Array, asPath: Span, as4Path: Span, path: readonly PathElement[]): boolean {
  const two = readPath(pdu, asPath, 2);
  const four = readPath(pdu, as4Path, 4);
  if (two === null || four === null || four.length > two.length) return false;
  const merged = [...two.slice(0, two.length - four.length), ...four];
  return merged.length === path.length && merged.every((element, i) => isSameElement(element, path[i]));
}

const isSameElement = (a: PathElement, b: PathElement | undefined): boolean =>
  typeof a === 'number' ? a === b : isSameSet(a, b);

function isSameSet(members: readonly number[], element: PathElement | undefined): boolean {
  if (typeof element !== 'object') return false;
  const set = new Set(members);
  return set.size === new Set(element).size && element.every((asn) => set.has(asn));
}

function readPath(pdu: Uint8Array, span: Span, width: AsWidth): PathElement[] | null {
  const out: PathElement[] = [];
  for (let at = span.start; at < span.end; ) {
    const type = pdu[at]!;
    const count = pdu[at + 1]!;
    const end = at + 2 + count * width;
    if (at + 2 > span.end || end > span.end || type < 1 || type > 4) return null;
    const members = readMembers(pdu, at + 2, count, width);
    if (type === 2) out.push(...members);
    else if (type === 1) out.push(members);
    at = end;
  }
  return out;
}

function readMembers(pdu: Uint8Array, at: number, count: number, width: AsWidth): number[] {
  return Array.from({ length: count }, (_, i) =>
    width === 4 ? u32(pdu, at + i * 4) : (pdu[at + i * 2]! << 8) | pdu[at + i * 2 + 1]!,
  );
}

/** Whether one address family's NLRI carry path identifiers; null if the prefixes differ from the JSON's either way. */
function pathIds(pdu: Uint8Array, layout: UpdateLayout, afi: 1 | 2, expected: Expected): boolean | null {
  const announced = afi === 1 ? expected.announced.v4 : expected.announced.v6;
  const withdrawn = afi === 1 ? expected.withdrawn.v4 : expected.withdrawn.v6;
  if (
    isInOrder(pdu, afi === 1 ? layout.nlri : null, layout.reach, afi, announced) &&
    isInOrder(pdu, afi === 1 ? layout.withdrawn : null, layout.unreach, afi, withdrawn)
  ) {
    return false;
  }
  const wantAnnounced = readPrefixes(announced.bytes, { start: 0, end: announced.length }, 128, false)!;
  const wantWithdrawn = readPrefixes(withdrawn.bytes, { start: 0, end: withdrawn.length }, 128, false)!;
  for (const addPath of [false, true]) {
    const read = (own: Span, mp: MpAttribute | null): Set<string> | null =>
      readFamily(pdu, afi === 1 ? own : null, mp, afi, addPath);
    const isSame = (got: Set<string> | null, want: Set<string>): boolean =>
      got !== null && got.size === want.size && [...want].every((prefix) => got.has(prefix));
    if (
      isSame(read(layout.nlri, layout.reach), wantAnnounced) &&
      isSame(read(layout.withdrawn, layout.unreach), wantWithdrawn)
    ) {
      return addPath;
    }
  }
  return null;
}

/** The JSON does not distinguish unicast from multicast; it does not show other SAFIs at all. */
const isShown = (mp: MpAttribute | null, afi: number): mp is MpAttribute =>
  mp !== null && mp.afi === afi && (mp.safi === 1 || mp.safi === 2);

/** The usual case: one field, byte for byte equal to the JSON's prefixes. */
function isInOrder(pdu: Uint8Array, own: Span | null, mp: MpAttribute | null, afi: number, want: PrefixField): boolean {
  const shown = isShown(mp, afi);
  if (shown && own !== null && own.end > own.start) return false;
  const span = shown ? mp.nlri : own;
  if (span === null) return want.length === 0;
  if (span.end - span.start !== want.length) return false;
  for (let i = 0; i < want.length; i++) if (pdu[span.start + i] !== want.bytes[i]) return false;
  return true;
}

function readFamily(
  pdu: Uint8Array,
  own: Span | null,
  mp: MpAttribute | null,
  afi: 1 | 2,
  addPath: boolean,
): Set<string> | null {
  const maxBits = afi === 1 ? 32 : 128;
  const first = own === null ? new Set<string>() : readPrefixes(pdu, own, maxBits, addPath);
  const second = isShown(mp, afi) ? readPrefixes(pdu, mp.nlri, maxBits, addPath) : new Set<string>();
  return first === null || second === null ? null : new Set([...first, ...second]);
}

/** Without prefixes to compare with, only plain NLRI are accepted: pathIds is false, or the result null. */
function arePlain(pdu: Uint8Array, layout: UpdateLayout, afi: 1 | 2): false | null {
  const announced = readFamily(pdu, afi === 1 ? layout.nlri : null, layout.reach, afi, false);
  const withdrawn = readFamily(pdu, afi === 1 ? layout.withdrawn : null, layout.unreach, afi, false);
  return announced === null || withdrawn === null ? null : false;
}
