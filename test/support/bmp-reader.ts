// The tests' own BMP and BGP reader, written from RFC 7854, 4271, 4760, 6793 and 8950, to judge the product's output.
import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';

export interface BmpMessage {
  readonly type: number;
  readonly peer: PeerHeader | undefined;
  /** The bytes after the headers. */
  readonly body: Buffer;
}

interface PeerHeader {
  readonly type: number;
  readonly flags: number;
  readonly distinguisher: string;
  readonly address: string;
  readonly asn: number;
  readonly bgpId: string;
  readonly seconds: number;
  readonly micros: number;
}

export interface BgpUpdate {
  readonly withdrawn: string[];
  /** Prefix -> next hop, `global,linklocal` for two. */
  readonly announced: Map<string, string>;
  readonly path: (number | number[])[] | undefined;
  /** Members of each segment, to check their lengths. */
  readonly segments: number[];
  readonly origin: number | undefined;
  readonly med: number | undefined;
  readonly aggregator: string | undefined;
  readonly community: [number, number][] | undefined;
  readonly as4Path: (number | number[])[] | undefined;
  readonly attributes: number[];
}

/** Reads one whole BMP message; surplus or missing bytes fail the test. */
export function readBmp(bytes: Buffer): BmpMessage {
  assert.equal(bytes[0], 3, 'version');
  assert.equal(bytes.readUInt32BE(1), bytes.length, 'message length');
  const type = bytes[5]!;
  if (type === 4 || type === 5) return { type, peer: undefined, body: bytes.subarray(6) };
  const isV6 = (bytes[7]! & 0x80) !== 0;
  if (!isV6) assert.ok(bytes.subarray(16, 28).equals(Buffer.alloc(12)), 'an IPv4 address has 12 zero octets before it');
  const peer = {
    type: bytes[6]!,
    flags: bytes[7]!,
    distinguisher: bytes.toString('hex', 8, 16),
    address: isV6 ? full6(bytes.subarray(16, 32)) : dotted(bytes.subarray(28, 32)),
    asn: bytes.readUInt32BE(32),
    bgpId: dotted(bytes.subarray(36, 40)),
    seconds: bytes.readUInt32BE(40),
    micros: bytes.readUInt32BE(44),
  };
  return { type, peer, body: bytes.subarray(48) };
}

/** Removes the first BGP message and returns its type. */
export function cutBgp(bytes: Buffer): { type: number; pdu: Buffer; rest: Buffer } {
  assert.ok(bytes.subarray(0, 16).equals(Buffer.alloc(16, 0xff)), 'marker');
  const length = bytes.readUInt16BE(16);
  assert.ok(length >= 19 && length <= bytes.length, `BGP length ${length} of ${bytes.length}`);
  return { type: bytes[18]!, pdu: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

/** Reads a body that is exactly one UPDATE. */
export function readUpdate(body: Buffer, asWidth: 2 | 4): BgpUpdate {
  const { type, pdu, rest } = cutBgp(body);
  assert.equal(type, 2, 'UPDATE');
  assert.equal(rest.length, 0, 'nothing after the UPDATE');
  const withdrawnEnd = 21 + pdu.readUInt16BE(19);
  const withdrawn = readNlri(pdu.subarray(21, withdrawnEnd), 1);
  const attributesEnd = withdrawnEnd + 2 + pdu.readUInt16BE(withdrawnEnd);
  const announced = new Map<string, string>();
  const found: Record<number, Buffer> = {};
  const attributes: number[] = [];
  for (let at = withdrawnEnd + 2; at < attributesEnd; ) {
    const flags = pdu[at]!;
    const code = pdu[at + 1]!;
    const isLong = (flags & 0x10) !== 0;
    const length = isLong ? pdu.readUInt16BE(at + 2) : pdu[at + 2]!;
    const start = at + (isLong ? 4 : 3);
    assert.ok(start + length <= attributesEnd, `attribute ${code} ends within the attributes`);
    assert.equal(found[code], undefined, `attribute ${code} stands once`);
    assert.equal(flags & 0xc0, expectedFlags[code] ?? flags & 0xc0, `flags of attribute ${code}`);
    found[code] = pdu.subarray(start, start + length);
    attributes.push(code);
    at = start + length;
  }
  for (const prefix of readNlri(pdu.subarray(attributesEnd), 1)) {
    announced.set(prefix, found[3] === undefined ? 'none' : dotted(found[3]));
  }
  const reach = found[14];
  if (reach !== undefined) {
    const nextHop = reach.subarray(4, 4 + reach[3]!);
    for (const prefix of readNlri(reach.subarray(5 + reach[3]!), reach.readUInt16BE(0)))
      announced.set(prefix, hops(nextHop));
  }
  const unreach = found[15];
  if (unreach !== undefined) withdrawn.push(...readNlri(unreach.subarray(3), unreach.readUInt16BE(0)));
  const segments: number[] = [];
  return {
    withdrawn,
    announced,
    path: found[2] === undefined ? undefined : readPath(found[2], asWidth, segments),
    segments,
    origin: found[1]?.[0],
    med: found[4]?.readUInt32BE(0),
    aggregator: found[7] && `${found[7].readUIntBE(0, found[7].length - 4)}:${dotted(found[7].subarray(-4))}`,
    community: found[8] && pairs(found[8]),
    as4Path: found[17] && readPath(found[17], 4, []),
    attributes,
  };
}

/** Optional and transitive bits by attribute (RFC 4271 5, 4760, 1997). */
const expectedFlags: Readonly<Record<number, number>> = {
  1: 0x40,
  2: 0x40,
  3: 0x40,
  4: 0x80,
  7: 0xc0,
  8: 0xc0,
  14: 0x80,
  15: 0x80,
};

function readNlri(bytes: Buffer, afi: number): string[] {
  const size = afi === 1 ? 4 : 16;
  const out: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const bits = bytes[at]!;
    const octets = Math.ceil(bits / 8);
    assert.ok(bits <= size * 8 && at + 1 + octets <= bytes.length, `a prefix of ${bits} bits fits`);
    const address = Buffer.alloc(size);
    bytes.copy(address, 0, at + 1, at + 1 + octets);
    // Bits beyond the length are ignored (RFC 4271 4.3).
    out.push(canonicalPrefix(`${afi === 1 ? dotted(address) : full6(address)}/${bits}`));
    at += 1 + octets;
  }
  return out;
}

function readPath(bytes: Buffer, width: 2 | 4, segments: number[]): (number | number[])[] {
  const out: (number | number[])[] = [];
  let at = 0;
  while (at < bytes.length) {
    const count = bytes[at + 1]!;
    const members = Array.from({ length: count }, (_, i) => bytes.readUIntBE(at + 2 + i * width, width));
    assert.ok(bytes[at] === 1 || bytes[at] === 2, 'AS_SET or AS_SEQUENCE');
    if (bytes[at] === 2) out.push(...members);
    else out.push(members);
    segments.push(count);
    at += 2 + count * width;
  }
  assert.equal(at, bytes.length, 'the path ends with its attribute');
  return out;
}

const pairs = (bytes: Buffer): [number, number][] =>
  Array.from({ length: bytes.length / 4 }, (_, i) => [bytes.readUInt16BE(i * 4), bytes.readUInt16BE(i * 4 + 2)]);

function hops(bytes: Buffer): string {
  if (bytes.length === 4) return dotted(bytes);
  const first = full6(bytes.subarray(0, 16));
  return bytes.length === 16 ? first : `${first},${full6(bytes.subarray(16, 32))}`;
}

const dotted = (bytes: Uint8Array): string => [...bytes].join('.');

/** Eight groups, nothing left out: one text for each address. */
function full6(bytes: Buffer): string {
  assert.equal(bytes.length, 16);
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':');
}

/** An address as the reader writes it. */
export function canonical(address: string): string {
  if (isIPv4(address)) return address;
  assert.ok(isIPv6(address), address);
  // URL parsing is the platform's own IPv6 parser.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].join(':');
}

/** A prefix as the reader writes it: bits beyond the length cleared. */
export function canonicalPrefix(prefix: string): string {
  const [address = '', length = '0'] = prefix.split('/');
  const isV4 = isIPv4(address);
  const bits = Number(length);
  const digits = isV4
    ? address.split('.').map((octet) => Number(octet).toString(2).padStart(8, '0'))
    : canonical(address)
        .split(':')
        .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'));
  const kept = digits
    .join('')
    .slice(0, bits)
    .padEnd(isV4 ? 32 : 128, '0');
  const bytes = Buffer.from(kept.match(/.{8}/g)!.map((octet) => Number.parseInt(octet, 2)));
  return `${isV4 ? dotted(bytes) : full6(bytes)}/${bits}`;
}
