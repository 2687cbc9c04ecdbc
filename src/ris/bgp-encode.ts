// BGP UPDATEs built from RIS Live's JSON, for messages without a usable raw PDU (RFC 4271, 4760, 6793, 8950).
import { addressBytes } from './address.js';
import { ByteWriter } from './bytes.js';
import type { MalformedReason, PathElement, RisUpdate } from './message.js';
import { joinNextHops, Routes } from './routes.js';

export const marker = new Uint8Array(16).fill(0xff);
/** Marker, length, type. */
export const headerLength = 19;
export const openType = 1;
export const updateType = 2;
export const notificationType = 3;

/** The largest message without RFC 8654. */
const maxLength = 4096;
/** The largest with it: what its attributes alone make longer than 4096 can be split no further. */
const extendedMaxLength = 65535;
/** Header and the two length fields. */
const emptyUpdateLength = headerLength + 4;

const flag = { optional: 0x80, transitive: 0x40, extended: 0x10 } as const;
const code = {
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
const unicast = 1;

/** Builds UPDATEs; holds the buffers it reuses between messages. */
export class UpdateBuilder {
  readonly #routes = new Routes();
  readonly #common = new ByteWriter();
  readonly #attributes = new ByteWriter();
  #out: Buffer[] = [];

  /**
   * The PDUs that say what the JSON says, with four-byte AS numbers: withdrawals first and without attributes, then one UPDATE
   * for each next hop and address family, all split to fit 4096 bytes. A message without any prefix is one UPDATE with its
   * attributes, or End-of-RIB of the peer's own address family when it has none.
   */
  build(update: RisUpdate): Buffer[] | MalformedReason {
    this.#out = [];
    const failure = this.#withdraw(update.withdrawals ?? []) ?? this.#announce(update);
    if (failure !== null) return failure;
    if (this.#out.length === 0) this.#emptyUpdate(update);
    return this.#out.some((pdu) => pdu.length > extendedMaxLength) ? 'length' : this.#out;
  }

  #withdraw(withdrawals: readonly string[]): MalformedReason | null {
    const routes = this.#routes.clear();
    if (!routes.add(withdrawals)) return 'prefix';
    const none = new Uint8Array(0);
    for (const part of splitNlri(routes.v4.view(), maxLength - emptyUpdateLength)) this.#push(part, none, none);
    for (const part of splitNlri(routes.v6.view(), maxLength - emptyUpdateLength - 7)) {
      this.#push(none, this.#attributes.clear().bytes(unreach(2, part)).view(), none);
    }
    return null;
  }

  #announce(update: RisUpdate): MalformedReason | null {
    for (const { next_hop, prefixes } of joinNextHops(update.announcements ?? [])) {
      const nextHop = nextHopBytes(next_hop);
      if (nextHop === null) return 'next-hop';
      const routes = this.#routes.clear();
      if (!routes.add(prefixes)) return 'prefix';
      const v4 = routes.v4.view();
      const v6 = routes.v6.view();
      const failure = nextHop.length === 4 ? this.#announce4(update, nextHop, v4) : this.#reach(update, 1, nextHop, v4);
      if (failure !== null) return failure;
      const next6 = nextHop.length === 4 ? mapped(nextHop) : nextHop;
      const failure6 = this.#reach(update, 2, next6, v6);
      if (failure6 !== null) return failure6;
    }
    return null;
  }

  /** IPv4 with an IPv4 next hop: NEXT_HOP and the NLRI field. */
  #announce4(update: RisUpdate, nextHop: Uint8Array, nlri: Uint8Array): MalformedReason | null {
    if (nlri.length === 0) return null;
    const failure = writeAttributes(this.#common.clear(), update, nextHop);
    if (failure !== null) return failure;
    const attributes = this.#common.view();
    for (const part of splitNlri(nlri, maxLength - emptyUpdateLength - attributes.length)) {
      this.#push(new Uint8Array(0), attributes, part);
    }
    return null;
  }

  /** Everything else: MP_REACH_NLRI, which stands first (RFC 7606 5.1). */
  #reach(update: RisUpdate, afi: number, nextHop: Uint8Array, nlri: Uint8Array): MalformedReason | null {
    if (nlri.length === 0) return null;
    const failure = writeAttributes(this.#common.clear(), update, null);
    if (failure !== null) return failure;
    const common = this.#common.view();
    const taken = emptyUpdateLength + common.length + 9 + nextHop.length;
    for (const part of splitNlri(nlri, maxLength - taken)) {
      const attributes = this.#attributes.clear();
      attributeHeader(attributes, flag.optional, code.reach, 5 + nextHop.length + part.length);
      attributes.u16(afi).u8(unicast).u8(nextHop.length).bytes(nextHop).u8(0).bytes(part).bytes(common);
      this.#push(new Uint8Array(0), attributes.view(), new Uint8Array(0));
    }
    return null;
  }

  #emptyUpdate(update: RisUpdate): void {
    const none = new Uint8Array(0);
    const bare = (update.path ?? []).length === 0 && update.origin === undefined;
    if (bare && update.peer.includes(':')) this.#push(none, unreach(2, none), none);
    else if (bare) this.#push(none, none, none);
    else if (writeAttributes(this.#common.clear(), update, null) === null) this.#push(none, this.#common.view(), none);
  }

  #push(withdrawn: Uint8Array, attributes: Uint8Array, nlri: Uint8Array): void {
    const length = emptyUpdateLength + withdrawn.length + attributes.length + nlri.length;
    const pdu = Buffer.allocUnsafe(length);
    pdu.set(marker);
    // Beyond 65535 the caller refuses the whole message.
    pdu.writeUInt16BE(Math.min(length, extendedMaxLength), 16);
    pdu[18] = updateType;
    pdu.writeUInt16BE(withdrawn.length & 0xffff, 19);
    pdu.set(withdrawn, 21);
    const at = 21 + withdrawn.length;
    pdu.writeUInt16BE(attributes.length & 0xffff, at);
    pdu.set(attributes, at + 2);
    pdu.set(nlri, at + 2 + attributes.length);
    this.#out.push(pdu);
  }
}

/** Cuts an NLRI field at prefix boundaries into parts of at most `room` bytes, at least one prefix each. */
export function splitNlri(nlri: Uint8Array, room: number): Uint8Array[] {
  if (nlri.length === 0) return [];
  if (nlri.length <= room) return [nlri];
  const parts: Uint8Array[] = [];
  let start = 0;
  let at = 0;
  while (at < nlri.length) {
    const next = at + 1 + ((nlri[at]! + 7) >> 3);
    if (next - start > room && at > start) {
      parts.push(nlri.subarray(start, at));
      start = at;
    }
    at = next;
  }
  parts.push(nlri.subarray(start));
  return parts;
}

function unreach(afi: number, nlri: Uint8Array): Uint8Array {
  const out = new ByteWriter(nlri.length + 8);
  attributeHeader(out, flag.optional, code.unreach, 3 + nlri.length);
  return out.u16(afi).u8(unicast).bytes(nlri).view();
}

/** Flags, type and length; the two-byte length where one byte can't tell it, and always for MP attributes as most speakers do. */
function attributeHeader(out: ByteWriter, flags: number, type: number, length: number): void {
  if (length > 255 || type === code.reach || type === code.unreach) {
    out
      .u8(flags | flag.extended)
      .u8(type)
      .u16(length & 0xffff);
  } else out.u8(flags).u8(type).u8(length);
}

/** Every attribute the JSON has, in the order of their codes. What it has not is not made up. */
function writeAttributes(out: ByteWriter, update: RisUpdate, nextHop: Uint8Array | null): MalformedReason | null {
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

/** 4, 16, or for `global,linklocal` 32 bytes, the global address first (RFC 2545 3). */
function nextHopBytes(text: string): Uint8Array | null {
  const comma = text.indexOf(',');
  if (comma < 0) return addressBytes(text);
  const first = addressBytes(text.slice(0, comma).trim());
  const second = addressBytes(text.slice(comma + 1).trim());
  if (first?.length !== 16 || second?.length !== 16) return null;
  return isLinkLocal(first) && !isLinkLocal(second) ? Buffer.concat([second, first]) : Buffer.concat([first, second]);
}

const isLinkLocal = (address: Uint8Array): boolean => address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;

/** ::ffff:a.b.c.d, the form of an IPv4 next hop for IPv6 routes (RFC 4798). */
function mapped(address: Uint8Array): Uint8Array {
  const out = new Uint8Array(16);
  out.fill(0xff, 10, 12);
  out.set(address, 12);
  return out;
}
