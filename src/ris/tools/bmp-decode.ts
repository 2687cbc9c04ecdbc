// `rafka bmp decode`: BMP messages as objects.
import { type ReadBgp, readBgp } from '../bgp/bgp-read.js';
import { Cursor } from '../bgp/cursor.js';
import { bmpType, peerFlag } from '../bmp/bmp.js';
import { unwrapObmp } from '../bmp/obmp.js';

export interface ReadPeer {
  readonly address: string;
  readonly asn: number;
  readonly bgpId: string;
  /** Hex, for a peer that is not a Global Instance one; else undefined. */
  readonly distinguisher: string | undefined;
  readonly type: number;
  readonly seconds: number;
  readonly micros: number;
  readonly postPolicy: boolean;
  readonly twoByteAs: boolean;
  readonly adjRibOut: boolean;
}

interface WithPeer {
  readonly peer: ReadPeer;
}

export type ReadBmp =
  | (WithPeer & { readonly kind: 'route monitoring' | 'route mirroring'; readonly bgp: ReadBgp })
  | (WithPeer & {
      readonly kind: 'peer up';
      readonly local: string;
      readonly ports: readonly [local: number, remote: number];
      readonly sent: ReadBgp;
      readonly received: ReadBgp;
      readonly notes: readonly Tlv[];
    })
  | (WithPeer & {
      readonly kind: 'peer down';
      readonly reason: number;
      readonly bgp?: ReadBgp;
      readonly event?: number;
    })
  | (WithPeer & { readonly kind: 'statistics'; readonly counters: readonly Tlv[] })
  | { readonly kind: 'initiation' | 'termination'; readonly tlvs: readonly Tlv[] }
  | { readonly kind: 'malformed'; readonly reason: string };

export interface Tlv {
  readonly type: number;
  readonly value: Buffer;
}

/** Reads one record's value, bare or with an OpenBMP header. Never throws: unreadable data is `malformed` with the reason. */
export function readBmp(value: Buffer): ReadBmp {
  const message = unwrapObmp(value);
  if (message === null) return { kind: 'malformed', reason: 'the OpenBMP header is cut short' };
  try {
    return readMessage(new Cursor(message));
  } catch (error) {
    return { kind: 'malformed', reason: (error as Error).message };
  }
}

function readMessage(from: Cursor): ReadBmp {
  const size = from.left;
  const version = from.u8();
  if (version !== 3) throw new Error(`BMP version ${version}`);
  const length = from.u32();
  if (length !== size) throw new Error(`${size} octets, but its length says ${length}`);
  const type = from.u8();
  if (type === bmpType.initiation) return { kind: 'initiation', tlvs: from.all(readTlv) };
  if (type === bmpType.termination) return { kind: 'termination', tlvs: from.all(readTlv) };
  const peer = readPeer(from);
  const asWidth = peer.twoByteAs ? 2 : 4;
  switch (type) {
    case bmpType.routeMonitoring:
      return { kind: 'route monitoring', peer, bgp: readBgp(from, asWidth) };
    case bmpType.statisticsReport:
      from.u32();
      return { kind: 'statistics', peer, counters: from.all(readTlv) };
    case bmpType.peerDown:
      return readPeerDown(from, peer);
    case bmpType.peerUp: {
      const address = from.part(16);
      if (!peer.address.includes(':')) address.bytes(12);
      const local = address.address(peer.address.includes(':') ? 16 : 4);
      const ports = [from.u16(), from.u16()] as const;
      const [sent, received] = [readBgp(from, asWidth), readBgp(from, asWidth)];
      return { kind: 'peer up', peer, local, ports, sent, received, notes: from.all(readTlv) };
    }
    case bmpType.routeMirroring:
      return { kind: 'route mirroring', peer, bgp: readMirrored(from, asWidth) };
    default:
      throw new Error(`BMP type ${type}`);
  }
}

const locRib = 3;

function readPeer(from: Cursor): ReadPeer {
  const type = from.u8();
  const flags = from.u8();
  const distinguisher = from.bytes(8);
  // A Loc-RIB peer has another flag in this place, and no address.
  const isV6 = type !== locRib && (flags & peerFlag.v6) !== 0;
  if (!isV6) from.bytes(12);
  return {
    type,
    address: from.address(isV6 ? 16 : 4),
    asn: from.u32(),
    bgpId: from.address(4),
    distinguisher: distinguisher.every((octet) => octet === 0) ? undefined : distinguisher.toString('hex'),
    seconds: from.u32(),
    micros: from.u32(),
    postPolicy: (flags & peerFlag.postPolicy) !== 0,
    twoByteAs: (flags & peerFlag.twoByteAs) !== 0,
    adjRibOut: (flags & peerFlag.adjRibOut) !== 0,
  };
}

function readPeerDown(from: Cursor, peer: ReadPeer): ReadBmp {
  const reason = from.u8();
  const down = { kind: 'peer down', peer, reason } as const;
  if (reason === 1 || reason === 3) return { ...down, bgp: readBgp(from, 4) };
  return reason === 2 ? { ...down, event: from.u16() } : down;
}

function readMirrored(from: Cursor, asWidth: 2 | 4): ReadBgp {
  const pdu = from.all(readTlv).find(({ type }) => type === 0);
  return pdu === undefined ? { kind: 'other' } : readBgp(new Cursor(pdu.value), asWidth);
}

function readTlv(from: Cursor): Tlv {
  const type = from.u16();
  return { type, value: from.bytes(from.u16()) };
}
