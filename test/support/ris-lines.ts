// RIS Live lines made up by fast-check, and raw UPDATEs written for them by hand from the RFCs (not by the product).
import fc from 'fast-check';
import { canonical, canonicalPrefix } from './bmp-reader.js';

export interface UpdateData {
  readonly peer: string;
  readonly peer_asn: string;
  readonly path: (number | number[])[];
  readonly community: [number, number][];
  readonly origin: 'IGP' | 'EGP' | 'INCOMPLETE';
  readonly med?: number;
  readonly aggregator?: string;
  readonly announcements: { next_hop: string; prefixes: string[] }[];
  readonly withdrawals: string[];
}

const asn = (width: 2 | 4): fc.Arbitrary<number> => fc.integer({ min: 1, max: width === 2 ? 65_535 : 0xffff_ffff });
const ipv4 = fc.ipV4();
const ipv6 = fc.oneof(
  fc.ipV6(),
  fc.constantFrom('::', '2001:db8::', '2001:db8::1:0:0:1', 'fe80::1', '::ffff:192.0.2.1'),
);
const prefix4 = fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([a, l]) => `${a}/${l}`);
const prefix6 = fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })).map(([a, l]) => `${a}/${l}`);
const linkLocal = fc.integer({ min: 1, max: 0xffff }).map((n) => `fe80::${n.toString(16)}`);
const global6 = fc.integer({ min: 1, max: 0xffff }).map((n) => `2001:db8:1::${n.toString(16)}`);
const nextHop6 = fc.oneof(
  global6,
  fc.tuple(global6, linkLocal).map((pair) => pair.join(',')),
);

/** No prefix twice in one field: sets are what is compared. */
const distinct = (prefix: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string[]> =>
  fc.uniqueArray(prefix, { minLength: 1, maxLength, selector: canonicalPrefix });

const path = (width: 2 | 4): fc.Arbitrary<(number | number[])[]> =>
  fc.array(
    fc.oneof(
      { weight: 9, arbitrary: asn(width) },
      { weight: 1, arbitrary: fc.uniqueArray(asn(width), { minLength: 1, maxLength: 5 }) },
    ),
    { minLength: 1, maxLength: 300 },
  );

/** One UPDATE's data with IPv4, IPv6 or both, RFC 8950 next hops among them. */
export const updateData = (width: 2 | 4, maxPrefixes = 40): fc.Arbitrary<UpdateData> =>
  fc
    .record({
      peer: fc.oneof(ipv4, fc.constantFrom('2001:7f8:1::1', '2001:7f8::2:3')),
      peerAsn: asn(width),
      path: path(width),
      community: fc.array(fc.tuple(fc.nat(65_535), fc.nat(65_535)), { maxLength: 100 }),
      origin: fc.constantFrom('IGP' as const, 'EGP' as const, 'INCOMPLETE' as const),
      med: fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { nil: undefined }),
      aggregator: fc.option(fc.tuple(asn(width), ipv4), { nil: undefined }),
      v4: fc.option(distinct(prefix4, maxPrefixes), { nil: [] as string[] }),
      v6: fc.option(distinct(prefix6, maxPrefixes), { nil: [] as string[] }),
      hop4: fc.oneof({ weight: 4, arbitrary: ipv4 }, { weight: 1, arbitrary: nextHop6 }),
      hop6: nextHop6,
      gone4: fc.option(distinct(prefix4, maxPrefixes), { nil: [] as string[] }),
      gone6: fc.option(distinct(prefix6, maxPrefixes), { nil: [] as string[] }),
    })
    .map(({ peerAsn, aggregator, med, v4, v6, hop4, hop6, gone4, gone6, ...rest }) => ({
      ...rest,
      peer_asn: String(peerAsn),
      ...(med === undefined ? {} : { med }),
      ...(aggregator === undefined ? {} : { aggregator: aggregator.join(':') }),
      announcements: [
        ...(v4.length > 0 ? [{ next_hop: hop4, prefixes: v4 }] : []),
        ...(v6.length > 0 ? [{ next_hop: hop6, prefixes: v6 }] : []),
      ],
      withdrawals: [...gone4, ...gone6],
    }));

export function risLine(data: object, timestamp = '1789019601.67', id = 'x-01a089e0bb060000'): string {
  const text = JSON.stringify({ type: 'ris_message', data: { id, host: 'rrc01.ripe.net', type: 'UPDATE', ...data } });
  return text.replace('"data":{', `"data":{"timestamp":${timestamp},`);
}

export interface RawOptions {
  readonly width: 2 | 4;
  /** Path identifiers in front of every prefix of the family. */
  readonly addPath4?: boolean;
  readonly addPath6?: boolean;
  /** The prefixes of each field in the opposite order. */
  readonly reversed?: boolean;
  /** Two-byte AS numbers in the path, four-byte ones in AS4_PATH (RFC 6793). */
  readonly as4Path?: boolean;
}

/** The UPDATE that a router would send for this data; null where one UPDATE can't hold it. */
export function rawUpdate(data: UpdateData, options: RawOptions): string | null {
  const { v4, hop4, v6, hop6, gone4, gone6 } = families(data);
  const order = (list: string[]): string[] => (options.reversed ? list.toReversed() : list);
  const nlri4 = nlri(order(v4), options.addPath4 ?? false);
  const nlri6 = nlri(order(v6), options.addPath6 ?? false);
  const attributes: Buffer[] = [];
  const isPlain4 = hop4 !== null && hop4.length === 4;
  if (v4.length > 0 && !isPlain4 && v6.length > 0) return null;
  attributes.push(attribute(0x40, 1, Buffer.of(['IGP', 'EGP', 'INCOMPLETE'].indexOf(data.origin))));
  const twoByte = options.as4Path ? data.path.map((e) => (typeof e === 'number' ? trans(e) : e.map(trans))) : data.path;
  attributes.push(attribute(0x40, 2, pathBytes(twoByte, options.as4Path ? 2 : options.width)));
  if (v4.length > 0 && isPlain4) attributes.push(attribute(0x40, 3, hop4));
  if (data.med !== undefined) attributes.push(attribute(0x80, 4, uint(data.med, 4)));
  if (data.community.length > 0) {
    attributes.push(
      attribute(0xc0, 8, Buffer.concat(data.community.map(([a, b]) => Buffer.concat([uint(a, 2), uint(b, 2)])))),
    );
  }
  if (v6.length > 0) attributes.push(reach(2, hop6!, nlri6));
  else if (v4.length > 0 && !isPlain4) attributes.push(reach(1, hop4!, nlri4));
  if (gone6.length > 0) {
    const withdrawn = nlri(order(gone6), options.addPath6 ?? false);
    attributes.push(attribute(0x80, 15, Buffer.concat([uint(2, 2), Buffer.of(1), withdrawn])));
  }
  if (options.as4Path) attributes.push(attribute(0xc0, 17, pathBytes(data.path, 4)));
  const withdrawn = nlri(order(gone4), options.addPath4 ?? false);
  const all = Buffer.concat(attributes);
  const tail = v4.length > 0 && isPlain4 ? nlri4 : Buffer.alloc(0);
  const body = Buffer.concat([uint(withdrawn.length, 2), withdrawn, uint(all.length, 2), all, tail]);
  const pdu = Buffer.concat([Buffer.alloc(16, 0xff), uint(19 + body.length, 2), Buffer.of(2), body]);
  return pdu.toString('hex').toUpperCase();
}

function families(data: UpdateData) {
  const is4 = (prefix: string): boolean => !prefix.includes(':');
  const of4 = data.announcements.find(({ prefixes }) => is4(prefixes[0]!));
  const of6 = data.announcements.find(({ prefixes }) => !is4(prefixes[0]!));
  return {
    v4: of4?.prefixes ?? [],
    hop4: of4 === undefined ? null : hopBytes(of4.next_hop),
    v6: of6?.prefixes ?? [],
    hop6: of6 === undefined ? null : hopBytes(of6.next_hop),
    gone4: data.withdrawals.filter(is4),
    gone6: data.withdrawals.filter((prefix) => !is4(prefix)),
  };
}

const trans = (asn: number): number => (asn > 65_535 ? 23_456 : asn);
const uint = (value: number, octets: number): Buffer => {
  const out = Buffer.alloc(octets);
  out.writeUIntBE(value, 0, octets);
  return out;
};
const attribute = (flags: number, code: number, value: Buffer): Buffer =>
  value.length > 255
    ? Buffer.concat([Buffer.of(flags | 0x10, code), uint(value.length, 2), value])
    : Buffer.concat([Buffer.of(flags, code, value.length), value]);
const reach = (afi: number, hop: Buffer, prefixes: Buffer): Buffer =>
  attribute(0x80, 14, Buffer.concat([uint(afi, 2), Buffer.of(1, hop.length), hop, Buffer.of(0), prefixes]));

function addressOctets(address: string): Buffer {
  const text = canonical(address);
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  return Buffer.concat(text.split(':').map((group) => uint(Number.parseInt(group, 16), 2)));
}

const hopBytes = (hop: string): Buffer => Buffer.concat(hop.split(',').map(addressOctets));

function nlri(prefixes: string[], addPath: boolean): Buffer {
  const parts = prefixes.map((prefix, i) => {
    const [address = '', bits = '0'] = canonicalPrefix(prefix).split('/');
    const octets = addressOctets(address).subarray(0, Math.ceil(Number(bits) / 8));
    return Buffer.concat([addPath ? uint(i + 1, 4) : Buffer.alloc(0), Buffer.of(Number(bits)), octets]);
  });
  return Buffer.concat(parts);
}

function pathBytes(path: (number | number[])[], width: 2 | 4): Buffer {
  const parts: Buffer[] = [];
  const segment = (type: number, members: number[]): void => {
    for (let i = 0; i < members.length; i += 255) {
      const some = members.slice(i, i + 255);
      parts.push(Buffer.of(type, some.length), ...some.map((one) => uint(one, width)));
    }
  };
  let run: number[] = [];
  for (const element of path) {
    if (typeof element === 'number') run.push(element);
    else {
      segment(2, run);
      run = [];
      segment(1, element);
    }
  }
  segment(2, run);
  return Buffer.concat(parts);
}
