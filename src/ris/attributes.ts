// Path attributes of a built UPDATE: what the JSON has, in the order of their codes (RFC 4271 5, 1997, 6793).
import { addressBytes } from './address.js';
import type { ByteWriter } from './bytes.js';
import type { MalformedReason, PathElement, RisUpdate } from './message.js';

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

/** Flags, type and length; the two-byte length where one byte can't tell it, and always for MP attributes as most speakers do. */
export function attributeHeader(out: ByteWriter, flags: number, type: number, length: number): void {
  if (length > 255 || type === code.reach || type === code.unreach) {
    out
      .u8(flags | flag.extended)
      .u8(type)
      .u16(length & 0xffff);
  } else out.u8(flags).u8(type).u8(length);
}

/** Every attribute the JSON has, in the order of their codes. What it has not is not made up. */
export function writeAttributes(
  out: ByteWriter,
  update: RisUpdate,
  nextHop: Uint8Array | null,
): MalformedReason | null {
  if (update.origin !== undefined) {
    const origin = origins[update.origin.toUpperCase()];
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

/** AS_PATH with four-byte numbers: runs of numbers are AS_SEQUENCEs of at most 255, lists are AS_SETs. */
function writePath(out: ByteWriter, path: readonly PathElement[]): void {
  const segments = pathSegments(path);
  const length = segments.reduce((sum, segment) => sum + 2 + segment.members.length * 4, 0);
  attributeHeader(out, flag.transitive, code.asPath, length);
  for (const { type, members } of segments) {
    out.u8(type).u8(members.length);
    for (const asn of members) out.u32(asn);
  }
}

interface Segment {
  readonly type: number;
  readonly members: readonly number[];
}

const asSet = 1;
const asSequence = 2;
const maxMembers = 255;

function pathSegments(path: readonly PathElement[]): Segment[] {
  const out: Segment[] = [];
  let from = 0;
  const sequence = (to: number): void => {
    for (; from < to; from += maxMembers) {
      const members = path.slice(from, Math.min(to, from + maxMembers)) as readonly number[];
      out.push({ type: asSequence, members });
    }
  };
  path.forEach((element, i) => {
    if (typeof element === 'number') return;
    sequence(i);
    for (let at = 0; at < element.length; at += maxMembers) {
      out.push({ type: asSet, members: element.slice(at, at + maxMembers) });
    }
    from = i + 1;
  });
  sequence(path.length);
  return out;
}
