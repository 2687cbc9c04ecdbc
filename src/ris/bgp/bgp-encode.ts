// BGP UPDATEs built from RIS Live's JSON, for messages without a usable raw PDU (RFC 4271, 4760, 6793, 8950).
import { parseAddress } from '../feed/address.js';
import type { MalformedReason, RisUpdate } from '../feed/message.js';
import { attributeHeader, code, flag, writeAttributes } from './attributes.js';
import { ByteWriter } from './bytes.js';
import { joinNextHops, Routes } from './routes.js';

export const marker = new Uint8Array(16).fill(0xff);
/** Marker, length, type. */
export const headerLength = 19;
export const openType = 1;
export const updateType = 2;
export const notificationType = 3;

/** The largest message without RFC 8654. */
const maxLength = 4096;
/** The largest with it: attributes alone above 4096 octets cannot be split. */
const extendedMaxLength = 65535;
/** Header and the two length fields. */
const emptyUpdateLength = headerLength + 4;
/** MP_UNREACH_NLRI without its prefixes. */
const unreachLength = 7;

const unicast = 1;

const none = new Uint8Array(0);

/** Builds UPDATEs; reuses its buffers between messages. */
export class UpdateBuilder {
  readonly #headroom: number;
  readonly #routes = new Routes();
  readonly #common = new ByteWriter();
  readonly #attributes = new ByteWriter();
  readonly #nextHop = new Uint8Array(32);
  #out: Buffer[] = [];

  /** @param headroom octets left free before each PDU, for a header. */
  constructor(headroom: number) {
    this.#headroom = headroom;
  }

  /**
   * The PDUs for the JSON, with four-byte AS numbers: withdrawals first and without attributes, then one UPDATE
   * for each next hop and address family, all split to fit 4096 bytes. A message without a prefix is one UPDATE with its
   * attributes, or End-of-RIB of the peer's own address family if it has none.
   */
  build(update: RisUpdate): Buffer[] | MalformedReason {
    this.#out = [];
    const failure = this.#withdraw(update.withdrawals) ?? this.#announce(update);
    if (failure !== null) return failure;
    if (this.#out.length === 0) {
      const empty = this.#emptyUpdate(update);
      if (empty !== null) return empty;
    }
    return this.#out.some((pdu) => pdu.length - this.#headroom > extendedMaxLength) ? 'length' : this.#out;
  }

  #withdraw(withdrawals: readonly string[] | undefined): MalformedReason | null {
    if (withdrawals === undefined || withdrawals.length === 0) return null;
    const { v4, v6 } = this.#routes.clear();
    if (!this.#routes.add(withdrawals)) return 'prefix';
    for (const part of splitNlri(v4.view(), maxLength - emptyUpdateLength)) this.#push(part, none, none);
    for (const part of splitNlri(v6.view(), maxLength - emptyUpdateLength - unreachLength)) {
      this.#push(none, this.#unreach(part), none);
    }
    return null;
  }

  #announce(update: RisUpdate): MalformedReason | null {
    for (const { next_hop, prefixes } of joinNextHops(update.announcements ?? [])) {
      const length = parseNextHop(next_hop, this.#nextHop);
      if (length === 0) return 'next-hop';
      const { v4, v6 } = this.#routes.clear();
      if (!this.#routes.add(prefixes)) return 'prefix';
      const nextHop = this.#nextHop.subarray(0, length);
      let failure: MalformedReason | null = null;
      if (v4.length > 0) {
        failure =
          length === 4 ? this.#announce4(update, nextHop, v4.view()) : this.#reach(update, 1, nextHop, v4.view());
      }
      if (v6.length > 0) failure ??= this.#reach(update, 2, length === 4 ? mapped(nextHop) : nextHop, v6.view());
      if (failure !== null) return failure;
    }
    return null;
  }

  /** IPv4 with an IPv4 next hop: NEXT_HOP and the NLRI field. */
  #announce4(update: RisUpdate, nextHop: Uint8Array, nlri: Uint8Array): MalformedReason | null {
    const failure = writeAttributes(this.#common.clear(), update, nextHop);
    if (failure !== null) return failure;
    const attributes = this.#common.view();
    for (const part of splitNlri(nlri, maxLength - emptyUpdateLength - attributes.length)) {
      this.#push(none, attributes, part);
    }
    return null;
  }

  /** Everything else: MP_REACH_NLRI, which comes first (RFC 7606 5.1). */
  #reach(update: RisUpdate, afi: number, nextHop: Uint8Array, nlri: Uint8Array): MalformedReason | null {
    const failure = writeAttributes(this.#common.clear(), update, null);
    if (failure !== null) return failure;
    const common = this.#common.view();
    const taken = emptyUpdateLength + common.length + 9 + nextHop.length;
    for (const part of splitNlri(nlri, maxLength - taken)) {
      const attributes = this.#attributes.clear();
      attributeHeader(attributes, flag.optional, code.reach, 5 + nextHop.length + part.length);
      attributes.u16(afi).u8(unicast).u8(nextHop.length).bytes(nextHop).u8(0).bytes(part).bytes(common);
      this.#push(none, attributes.view(), none);
    }
    return null;
  }

  /** MP_UNREACH_NLRI for IPv6. */
  #unreach(nlri: Uint8Array): Uint8Array {
    const out = this.#attributes.clear();
    attributeHeader(out, flag.optional, code.unreach, 3 + nlri.length);
    return out.u16(2).u8(unicast).bytes(nlri).view();
  }

  #emptyUpdate(update: RisUpdate): MalformedReason | null {
    if ((update.path ?? []).length === 0 && update.origin === undefined) {
      this.#push(none, update.peer.includes(':') ? this.#unreach(none) : none, none);
      return null;
    }
    const failure = writeAttributes(this.#common.clear(), update, null);
    if (failure === null) this.#push(none, this.#common.view(), none);
    return failure;
  }

  #push(withdrawn: Uint8Array, attributes: Uint8Array, nlri: Uint8Array): void {
    const from = this.#headroom;
    const length = emptyUpdateLength + withdrawn.length + attributes.length + nlri.length;
    const pdu = Buffer.allocUnsafe(from + length);
    pdu.set(marker, from);
    // build() refuses as a whole what is longer than its field allows.
    putU16(pdu, from + 16, length);
    pdu[from + 18] = updateType;
    putU16(pdu, from + 19, withdrawn.length);
    pdu.set(withdrawn, from + 21);
    const at = from + 21 + withdrawn.length;
    putU16(pdu, at, attributes.length);
    pdu.set(attributes, at + 2);
    pdu.set(nlri, at + 2 + attributes.length);
    this.#out.push(pdu);
  }
}

function putU16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8;
  out[at + 1] = value;
}

/** Cuts an NLRI field at prefix boundaries into parts of at most `room` bytes, at least one prefix each. */
function splitNlri(nlri: Uint8Array, room: number): Uint8Array[] {
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

/** Writes 4, 16, or for `global,linklocal` 32 bytes, the global address first (RFC 2545 3). @returns the number written; 0: none. */
function parseNextHop(text: string, out: Uint8Array): number {
  const comma = text.indexOf(',');
  if (comma < 0) return parseAddress(text, 0, text.length, out, 0);
  const second = text.charCodeAt(comma + 1) === 32 ? comma + 2 : comma + 1;
  const first = parseAddress(text, 0, comma, out, 0);
  if (first !== 16 || parseAddress(text, second, text.length, out, 16) !== 16) return 0;
  if (isLinkLocal(out, 0) && !isLinkLocal(out, 16)) {
    const linkLocal = out.slice(0, 16);
    out.copyWithin(0, 16);
    out.set(linkLocal, 16);
  }
  return 32;
}

const isLinkLocal = (bytes: Uint8Array, at: number): boolean => bytes[at] === 0xfe && (bytes[at + 1]! & 0xc0) === 0x80;

/** ::ffff:a.b.c.d, the form of an IPv4 next hop for IPv6 routes (RFC 4798). */
function mapped(address: Uint8Array): Uint8Array {
  const out = new Uint8Array(16);
  out.fill(0xff, 10, 12);
  out.set(address, 12);
  return out;
}
