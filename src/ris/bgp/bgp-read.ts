// BGP messages as objects for display: for people and tools, not for the hot path.
import { addressText } from '../feed/address.js';
import type { AsWidth } from './bgp-check.js';
import type { Cursor } from './cursor.js';

interface ReadRoutes {
  readonly nextHop: string;
  /** `ipv4/unicast`, or the numbers of a family that is shown only as hex. */
  readonly family: string;
  readonly prefixes: readonly string[];
}

interface ReadWithdrawals {
  readonly family: string;
  readonly prefixes: readonly string[];
}

export interface ReadUpdate {
  readonly kind: 'update';
  readonly announced: readonly ReadRoutes[];
  readonly withdrawn: readonly ReadWithdrawals[];
  /** Elements as text: an AS number, `{1 2}` for an AS_SET, `(1 2)` and `[1 2]` for a confederation's sequence and set. */
  readonly path: readonly string[] | undefined;
  /** All others by name, as text. */
  readonly attributes: Readonly<Record<string, string>>;
  /** No prefixes and no attributes: the end of a family's initial routes. */
  readonly endOfRib: string | undefined;
}

export interface ReadOpen {
  readonly kind: 'open';
  readonly asn: number;
  readonly holdTime: number;
  readonly routerId: string;
  readonly capabilities: readonly string[];
}

interface ReadNotification {
  readonly kind: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly data: string;
}

export type ReadBgp = ReadUpdate | ReadOpen | ReadNotification | { readonly kind: 'keepalive' | 'other' };

/** Reads one BGP message off the cursor. @throws Truncated, or Error if it is not one. */
export function readBgp(from: Cursor, asWidth: AsWidth): ReadBgp {
  if (!from.bytes(16).every((octet) => octet === 0xff)) throw new Error('no BGP marker');
  const length = from.u16();
  const type = from.u8();
  const body = from.part(Math.max(0, length - 19));
  switch (type) {
    case 1:
      return readOpen(body);
    case 2:
      return readUpdate(body, asWidth);
    case 3:
      return { kind: 'notification', code: body.u8(), subcode: body.u8(), data: body.rest().toString('hex') };
    default:
      return { kind: type === 4 ? 'keepalive' : 'other' };
  }
}

const capabilityNames: Readonly<Record<number, string>> = {
  2: 'route refresh',
  6: 'extended message',
  9: 'role',
  64: 'graceful restart',
  70: 'enhanced route refresh',
  71: 'long-lived graceful restart',
  73: 'fqdn',
  128: 'route refresh (old)',
};

function readOpen(body: Cursor): ReadOpen {
  body.u8();
  const asn = body.u16();
  const holdTime = body.u16();
  const routerId = body.address(4);
  const short = body.u8();
  const isLong = short === 255 && body.left > 3;
  if (isLong) body.u8();
  const parameters = body.part(isLong ? body.u16() : short);
  const capabilities = parameters.all((cursor) => {
    const type = cursor.u8();
    const value = cursor.part(isLong ? cursor.u16() : cursor.u8());
    return type === 2 ? value.all(readCapability) : [`parameter ${type}: ${value.rest().toString('hex')}`];
  });
  return { kind: 'open', asn, holdTime, routerId, capabilities: capabilities.flat() };
}

function readCapability(cursor: Cursor): string {
  const code = cursor.u8();
  const value = cursor.part(cursor.u8());
  if (code === 1 && value.left === 4) {
    const afi = value.u16();
    value.u8();
    return familyName(afi, value.u8());
  }
  if (code === 65 && value.left === 4) return `AS ${value.u32()}`;
  if (code === 69) {
    const families = value.all(
      (one) => `${familyName(one.u16(), one.u8())} ${['', 'receive', 'send', 'both'][one.u8()]}`,
    );
    return `add-path ${families.join(', ')}`;
  }
  const hex = value.rest().toString('hex');
  return `${capabilityNames[code] ?? `capability ${code}`}${hex === '' ? '' : ` ${hex}`}`;
}

const afis: Readonly<Record<number, string>> = { 1: 'ipv4', 2: 'ipv6', 25: 'l2vpn' };
const safis: Readonly<Record<number, string>> = {
  1: 'unicast',
  2: 'multicast',
  4: 'labeled',
  128: 'vpn',
  133: 'flowspec',
};
const familyName = (afi: number, safi: number): string => `${afis[afi] ?? `afi ${afi}`}/${safis[safi] ?? safi}`;

interface Draft {
  announced: ReadRoutes[];
  withdrawn: ReadWithdrawals[];
  path: string[] | undefined;
  nextHop: string;
  attributes: Record<string, string>;
  unreach: string | undefined;
}

function readUpdate(body: Cursor, asWidth: AsWidth): ReadUpdate {
  const prefixes4 = body.part(body.u16()).all(readPrefix4);
  const withdrawn = prefixes4.length === 0 ? [] : [{ family: 'ipv4/unicast', prefixes: prefixes4 }];
  const draft: Draft = { announced: [], withdrawn, path: undefined, nextHop: '', attributes: {}, unreach: undefined };
  const attributes = body.part(body.u16());
  const isBare = attributes.left === 0 && body.left === 0;
  let count = 0;
  for (; attributes.left > 0; count++) readAttribute(attributes, asWidth, draft);
  const prefixes = body.all(readPrefix4);
  if (prefixes.length > 0) draft.announced.push({ nextHop: draft.nextHop, family: 'ipv4/unicast', prefixes });
  const isEmpty = draft.withdrawn.length === 0 && draft.announced.length === 0;
  const ended = isEmpty && (isBare ? 'ipv4/unicast' : count === 1 ? draft.unreach : undefined);
  return { kind: 'update', ...draft, endOfRib: ended || undefined };
}

const origins = ['IGP', 'EGP', 'INCOMPLETE'];

function readAttribute(cursor: Cursor, asWidth: AsWidth, draft: Draft): void {
  const flags = cursor.u8();
  const code = cursor.u8();
  const value = cursor.part((flags & 0x10) === 0 ? cursor.u8() : cursor.u16());
  const { attributes } = draft;
  switch (code) {
    case 1: {
      const origin = value.u8();
      attributes.origin = origins[origin] ?? String(origin);
      break;
    }
    case 2:
      draft.path = readPath(value, asWidth);
      break;
    case 3:
      draft.nextHop = value.address(4);
      break;
    case 4:
      attributes.med = String(value.u32());
      break;
    case 5:
      attributes['local pref'] = String(value.u32());
      break;
    case 6:
      attributes['atomic aggregate'] = 'yes';
      break;
    case 7:
      attributes.aggregator = `${value.left === 8 ? value.u32() : value.u16()}:${value.address(4)}`;
      break;
    case 8:
      attributes.communities = value.all((one) => `${one.u16()}:${one.u16()}`).join(' ');
      break;
    case 9:
      attributes['originator id'] = value.address(4);
      break;
    case 10:
      attributes['cluster list'] = value.all((one) => one.address(4)).join(' ');
      break;
    case 14:
      readReach(value, draft);
      break;
    case 15: {
      const [afi, safi] = [value.u16(), value.u8()];
      draft.unreach = familyName(afi, safi);
      const prefixes = readFamily(value, afi, safi);
      if (prefixes.length > 0) draft.withdrawn.push({ family: draft.unreach, prefixes });
      break;
    }
    case 16:
      attributes['extended communities'] = value.all((one) => one.bytes(8).toString('hex')).join(' ');
      break;
    case 17:
      attributes['as4 path'] = readPath(value, 4).join(' ');
      break;
    case 18:
      attributes['as4 aggregator'] = `${value.u32()}:${value.address(4)}`;
      break;
    case 32:
      attributes['large communities'] = value.all((one) => `${one.u32()}:${one.u32()}:${one.u32()}`).join(' ');
      break;
    case 35:
      attributes['only to customer'] = String(value.u32());
      break;
    default:
      attributes[`attribute ${code}`] = value.rest().toString('hex');
  }
}

/** How a segment's members are bracketed, by its type; an AS_SEQUENCE (2) is not. */
const brackets: Readonly<Record<number, readonly [string, string]>> = { 1: ['{', '}'], 3: ['(', ')'], 4: ['[', ']'] };

function readPath(cursor: Cursor, width: AsWidth): string[] {
  const segments = cursor.all((one): string[] => {
    const around = brackets[one.u8()];
    const members = one.part(one.u8() * width).all((asn) => String(width === 4 ? asn.u32() : asn.u16()));
    return around ? [around[0] + members.join(' ') + around[1]] : members;
  });
  return segments.flat();
}

function readReach(value: Cursor, draft: Draft): void {
  const [afi, safi] = [value.u16(), value.u8()];
  const hop = value.part(value.u8());
  const nextHop = hop.left % 16 === 0 ? hop.all((one) => one.address(16)).join(',') : hopText(hop.rest());
  value.u8();
  draft.announced.push({ nextHop, family: familyName(afi, safi), prefixes: readFamily(value, afi, safi) });
}

const hopText = (bytes: Buffer): string => (bytes.length === 4 ? addressText(bytes) : bytes.toString('hex'));

function readFamily(value: Cursor, afi: number, safi: number): string[] {
  if (safi > 2 || afi > 2) return value.left === 0 ? [] : [value.rest().toString('hex')];
  return value.all(afi === 1 ? readPrefix4 : readPrefix6);
}

const readPrefix4 = (cursor: Cursor): string => readPrefix(cursor, 4);
const readPrefix6 = (cursor: Cursor): string => readPrefix(cursor, 16);

function readPrefix(cursor: Cursor, size: 4 | 16): string {
  const bits = cursor.u8();
  if (bits > size * 8) throw new Error(`a prefix of ${bits} bits`);
  const address = Buffer.alloc(size);
  cursor.bytes((bits + 7) >> 3).copy(address);
  return `${addressText(address)}/${bits}`;
}
