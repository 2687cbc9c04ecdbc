// The prefixes of a RIS message as BGP writes them: IPv4 and IPv6 apart, in the order of the JSON.
import { parsePrefix } from './address.js';
import { ByteWriter } from './bytes.js';
import type { Announcement } from './message.js';

/** What old feeds write in place of a prefix for End-of-RIB. */
const endOfRib = 'eor';

/** A reusable pair of NLRI fields. */
export class Routes {
  readonly v4 = new ByteWriter();
  readonly v6 = new ByteWriter();
  readonly #one = new Uint8Array(17);

  clear(): this {
    this.v4.clear();
    this.v6.clear();
    return this;
  }

  get empty(): boolean {
    return this.v4.length === 0 && this.v6.length === 0;
  }

  /** @returns false when one of them is no prefix. */
  add(prefixes: readonly string[]): boolean {
    for (const text of prefixes) {
      const octets = parsePrefix(text, this.#one, 0);
      if (octets > 0) this.v4.bytes(this.#one, 0, octets);
      else if (octets < 0) this.v6.bytes(this.#one, 0, -octets);
      else if (text !== endOfRib) return false;
    }
    return true;
  }
}

/** Adds every announced prefix, whatever its next hop. @returns false when one of them is no prefix. */
export function addAnnounced(routes: Routes, announcements: readonly Announcement[] = []): boolean {
  for (const { prefixes } of announcements) if (!routes.add(prefixes)) return false;
  return true;
}

/**
 * Feeds before about 2022 give an IPv6 announcement twice, once for each of its two next hops: one announcement with
 * `global,linklocal` is made of such a pair.
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
