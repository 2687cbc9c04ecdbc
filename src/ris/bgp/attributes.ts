// Path attributes of a built UPDATE: those in the JSON, in the order of their codes (RFC 4271 5, 1997, 6793).
import { addressBytes } from '../feed/address.js';
import type { MalformedReason, PathElement, RisUpdate } from '../feed/message.js';
import type { ByteWriter } from './bytes.js';

/** Attribute flags. */
export const flag = { optional: 0x80, transitive: 0x40, extended: 0x10 } as const;
/** Attribute type codes. */
export const code = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  med: 4,
  aggregator: 7,
  communities: 8,
  reach: 14,
  unreach: 15,
} as const;
const origins: Readonly<Record<string, number>> = { IGP: 0, EGP: 1, INCOMPLETE: 2 };

/** Flags, type and length; a two-byte length if one byte is too small, and always for MP attributes as most speakers do. */
export function attributeHeader(out: ByteWriter, flags: number, type: number, length: number): void {
  if (length > 255 || type === code.reach || type === code.unreach) {
    out
      .u8(flags | flag.extended)
      .u8(type)
      .u16(length & 0xffff);
  } else out.u8(flags).u8(type).u8(length);
}

/** Every attribute in the JSON, in the order of their codes. Absent ones are not invented. */
export function writeAttributes(
  out: ByteWriter,
  update: RisUpdate,
  nextHop: Uint8Array | null,
): MalformedReason | null {
  if (update.origin !== undefined) {
    const origin = origins[update.origin] ?? origins[update.origin.toUpperCase()];
    if (origin === undefined) return 'origin';
    attributeHeader(out, flag.transitive, code.origin, 1);
    out.u8(origin);
  }
  writePath(out, update.path ?? []);
  if (nextHop !== null) {
    attributeHeader(out, flag.transitive, code.nextHop, 4);
    out.bytes(nextHop);
  }
  if (update.med !== undefined) {
    attributeHeader(out, flag.optional, code.med, 4);
    out.u32(update.med);
  }
  if (update.aggregator !== undefined && !writeAggregator(out, update.aggregator)) return 'aggregator';
  const community = update.community ?? [];
  if (community.length > 0) {
    attributeHeader(out, flag.optional | flag.transitive, code.communities, community.length * 4);
    for (const one of community) out.u32(one);
  }
  return null;
}

function writeAggregator(out: ByteWriter, text: string): boolean {
  const colon = text.indexOf(':');
  const asn = /^\d{1,10}$/.test(text.slice(0, colon)) ? Number(text.slice(0, colon)) : Number.NaN;
  const address = addressBytes(text.slice(colon + 1));
  if (!(asn <= 0xffff_ffff) || address?.length !== 4) return false;
  attributeHeader(out, flag.optional | flag.transitive, code.aggregator, 8);
  out.u32(asn).bytes(address);
  return true;
}

const asSet = 1;
const asSequence = 2;
const maxMembers = 255;

/** AS_PATH with four-byte numbers: runs of numbers are AS_SEQUENCEs of at most 255, lists are AS_SETs. */
function writePath(out: ByteWriter, path: readonly PathElement[]): void {
  attributeHeader(out, flag.transitive, code.asPath, pathLength(path));
  for (let from = 0, to = 0; from < path.length; from = to) {
    const element = path[from]!;
    to = sequenceEnd(path, from);
    if (typeof element === 'number') writeSegment(out, asSequence, path as readonly number[], from, to);
    else {
      for (let at = 0; at < element.length; at += maxMembers) {
        writeSegment(out, asSet, element, at, Math.min(at + maxMembers, element.length));
      }
    }
  }
}

function writeSegment(out: ByteWriter, type: number, members: readonly number[], from: number, to: number): void {
  out.u8(type).u8(to - from);
  for (let i = from; i < to; i++) out.u32(members[i]!);
}

function pathLength(path: readonly PathElement[]): number {
  let length = 0;
  for (let from = 0, to = 0; from < path.length; from = to) {
    const element = path[from]!;
    to = sequenceEnd(path, from);
    const members = typeof element === 'number' ? to - from : element.length;
    length += Math.ceil(members / maxMembers) * 2 + members * 4;
  }
  return length;
}

/** The end of the segment that begins here: after a list, or after as many numbers as follow and fit. */
function sequenceEnd(path: readonly PathElement[], from: number): number {
  let to = from;
  while (to < path.length && to < from + maxMembers && typeof path[to] === 'number') to++;
  return Math.max(to, from + 1);
}
