// The prefixes of a RIS message in BGP's encoding: IPv4 and IPv6 separately, in the order of the JSON.
import { isV6, parsePrefix } from '../feed/address.js';
import type { Announcement, RisUpdate } from '../feed/message.js';

/** What old feeds write instead of a prefix for End-of-RIB. */
const endOfRib = 'eor';

/** A growing NLRI field: encoded prefixes, one after the other. */
export class PrefixField {
  bytes: Buffer = Buffer.allocUnsafe(1024);
  length = 0;

  /** Space for the longest prefix, wherever the field ends now. */
  reserve(): void {
    if (this.length + maxPrefixOctets <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(this.bytes.length * 2);
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** The added prefixes, valid until the next change. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

const maxPrefixOctets = 17;

/** A reusable pair of NLRI fields. */
export class Routes {
  readonly v4 = new PrefixField();
  readonly v6 = new PrefixField();

  clear(): this {
    this.v4.length = 0;
    this.v6.length = 0;
    return this;
  }

  /** @returns false if one of them is not a prefix. */
  add(prefixes: readonly string[]): boolean {
    for (const text of prefixes) if (!this.#addOne(text)) return false;
    return true;
  }

  #addOne(text: string): boolean {
    const field = isV6(text) ? this.v6 : this.v4;
    field.reserve();
    const octets = parsePrefix(text, field.bytes, field.length);
    field.length += octets;
    return octets > 0 || text === endOfRib;
  }
}

/** A raw UPDATE that is End-of-RIB (RFC 4724): empty, or with nothing but an empty unicast MP_UNREACH_NLRI. */
const rawEndOfRib = /^f{32}(?:00170200000000|001d0200000006800f03000[12]01|001e0200000007900f0003000[12]01)$/i;

/** Whether an UPDATE without prefixes says that it is End-of-RIB. The JSON of a withdrawal of another kind than unicast looks alike. */
export function isEndOfRib({ withdrawals, raw }: Pick<RisUpdate, 'withdrawals' | 'raw'>): boolean {
  return (withdrawals?.includes(endOfRib) ?? false) || (raw !== null && rawEndOfRib.test(raw));
}

/** Whether the JSON shows a prefix. */
export const hasPrefix = ({ announcements, withdrawals }: Pick<RisUpdate, 'announcements' | 'withdrawals'>): boolean =>
  (announcements?.some(({ prefixes }) => prefixes.length > 0) ?? false) ||
  (withdrawals?.some((text) => text !== endOfRib) ?? false);

/** Adds every announced prefix, whatever its next hop. @returns false if one of them is not a prefix. */
export function addAnnounced(routes: Routes, announcements: readonly Announcement[] = []): boolean {
  for (const { prefixes } of announcements) if (!routes.add(prefixes)) return false;
  return true;
}

/**
 * Feeds before about 2022 list an IPv6 announcement twice, once for each of its two next hops: such a pair becomes one announcement with
 * `global,linklocal`.
 */
export function joinNextHops(announcements: readonly Announcement[]): readonly Announcement[] {
  if (announcements.length < 2) return announcements;
  const out: Announcement[] = [];
  for (const one of announcements) {
    const twin = out.findIndex((other) => isOtherHalf(one, other));
    if (twin < 0) out.push(one);
    else out[twin] = { next_hop: `${out[twin]!.next_hop},${one.next_hop}`, prefixes: one.prefixes };
  }
  return out;
}

function isOtherHalf(a: Announcement, b: Announcement): boolean {
  return (
    a.next_hop.includes(':') &&
    b.next_hop.includes(':') &&
    !a.next_hop.includes(',') &&
    !b.next_hop.includes(',') &&
    isLinkLocalText(a.next_hop) !== isLinkLocalText(b.next_hop) &&
    a.prefixes.length === b.prefixes.length &&
    a.prefixes.every((prefix, i) => prefix === b.prefixes[i])
  );
}

const isLinkLocalText = (address: string): boolean => /^fe[89ab]/i.test(address);
