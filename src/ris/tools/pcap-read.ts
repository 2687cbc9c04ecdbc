// Capture files (pcap) as the payloads of their TCP segments: what the dry run writes, and captures of Ethernet or raw IP.
import { InputError } from '../feed/input-error.js';

export interface Payload {
  /** `address:port > address:port` */
  readonly connection: string;
  readonly payload: Buffer;
  /** Counted from 1, as Wireshark does. */
  readonly packet: number;
}

/** Magic numbers, with times in us or ns, as read in the order of the file's writer. */
const magics: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d];
const headLength = 24;
const packetHeadLength = 16;
/** A larger packet is none. */
const maxPacket = 1 << 20;
/** Octets in front of the IP packet, by link type: BSD loopback, Ethernet, raw IP, Linux cooked, IPv4. */
const linkLengths: Readonly<Record<number, number>> = { 0: 4, 1: 14, 12: 0, 101: 0, 113: 16, 228: 0 };

/** Whether a file is a capture, by its first octets. */
export const isCapture = (head: Buffer): boolean =>
  head.length >= 4 && (magics.includes(head.readUInt32LE()) || magics.includes(head.readUInt32BE()));

/** The payloads in the order of the file; a segment that is sent again is left out. @throws InputError where it is no capture. */
export async function* pcapPayloads(chunks: AsyncIterable<Buffer>): AsyncGenerator<Payload> {
  let held: Buffer = Buffer.alloc(0);
  let read: ((at: number) => number) | undefined;
  let linkLength = 0;
  const next = new Map<string, number>();
  let packet = 0;
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk]);
    if (!read) {
      if (held.length < headLength) continue;
      const isLittle = magics.includes(held.readUInt32LE());
      read = (at) => (isLittle ? held.readUInt32LE(at) : held.readUInt32BE(at));
      linkLength = linkLengths[read(20) & 0xffff] ?? unknownLink(read(20));
      held = held.subarray(headLength);
    }
    let at = 0;
    while (held.length - at >= packetHeadLength) {
      const length = read(at + 8);
      if (length > maxPacket) throw new InputError(`no packet behind packet ${packet}`);
      if (held.length - at - packetHeadLength < length) break;
      packet++;
      const bytes = held.subarray(at + packetHeadLength + linkLength, at + packetHeadLength + length);
      at += packetHeadLength + length;
      const segment = segmentOf(bytes);
      if (!segment || segment.payload.length === 0) continue;
      const { connection, sequence, payload } = segment;
      // Later segments of a connection that was captured from its middle are compared with its first.
      const isRepeated = next.has(connection) && (sequence - next.get(connection)!) >> 0 < 0;
      if (isRepeated) continue;
      next.set(connection, (sequence + payload.length) >>> 0);
      yield { connection, payload, packet };
    }
    held = held.subarray(at);
  }
}

function unknownLink(type: number): never {
  throw new InputError(`a capture of link type ${type}: Ethernet and IP are read`);
}

interface Segment {
  readonly connection: string;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** undefined for anything but TCP. */
function segmentOf(ip: Buffer): Segment | undefined {
  const isV6 = ip.length > 40 && ip[0]! >> 4 === 6;
  if (!isV6 && (ip.length < 40 || ip[0]! >> 4 !== 4)) return undefined;
  const start = isV6 ? 40 : (ip[0]! & 15) * 4;
  if (ip[isV6 ? 6 : 9] !== 6 || ip.length < start + 20) return undefined;
  const end = Math.min(ip.length, isV6 ? 40 + ip.readUInt16BE(4) : ip.readUInt16BE(2));
  const [from, to] = isV6 ? [ip.subarray(8, 24), ip.subarray(24, 40)] : [ip.subarray(12, 16), ip.subarray(16, 20)];
  const ends = [
    `${from.toString('hex')}:${ip.readUInt16BE(start)}`,
    `${to.toString('hex')}:${ip.readUInt16BE(start + 2)}`,
  ];
  return {
    connection: ends.join(' > '),
    sequence: ip.readUInt32BE(start + 4),
    payload: ip.subarray(start + (ip[start + 12]! >> 4) * 4, end),
  };
}
