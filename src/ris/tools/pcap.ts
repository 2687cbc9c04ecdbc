// BMP messages as a capture file for Wireshark and tshark: one TCP segment a message, from an address of its own.
const linkTypeRaw = 101;
const bmpPort = 11019;
/** A segment with its headers must fit an IPv4 packet. */
const maxSegment = 60_000;

/** The head of a capture file. */
export function pcapHeader(): Buffer {
  const out = Buffer.alloc(24);
  out.writeUInt32LE(0xa1b2c3d4, 0);
  out.writeUInt16LE(2, 4);
  out.writeUInt16LE(4, 6);
  out.writeUInt32LE(262_144, 16);
  out.writeUInt32LE(linkTypeRaw, 20);
  return out;
}

/** One BMP message as packets; `index` gives it its own connection, so that no message depends on another. */
export function pcapPackets(message: Uint8Array, index: number, timestampMs: number): Buffer {
  const packets: Buffer[] = [];
  for (let at = 0; at < message.length; at += maxSegment) {
    const packet = ipPacket(message.subarray(at, at + maxSegment), index, at + 1);
    const head = Buffer.alloc(16);
    head.writeUInt32LE(Math.floor(timestampMs / 1000), 0);
    head.writeUInt32LE((timestampMs % 1000) * 1000, 4);
    head.writeUInt32LE(packet.length, 8);
    head.writeUInt32LE(packet.length, 12);
    packets.push(head, packet);
  }
  return Buffer.concat(packets);
}

function ipPacket(payload: Uint8Array, index: number, sequence: number): Buffer {
  const packet = Buffer.alloc(40 + payload.length);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet[8] = 64;
  packet[9] = 6;
  packet.writeUInt32BE(0x0a00_0000 + (index & 0xff_ffff), 12);
  packet.writeUInt32BE(0x7f00_0001, 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20), 0), 10);
  packet.writeUInt16BE(40_000, 20);
  packet.writeUInt16BE(bmpPort, 22);
  packet.writeUInt32BE(sequence, 24);
  packet.writeUInt32BE(1, 28);
  packet[32] = 0x50;
  packet[33] = 0x18;
  packet.writeUInt16BE(0xffff, 34);
  packet.set(payload, 40);
  const pseudo = sumWords(packet.subarray(12, 20)) + 6 + 20 + payload.length;
  packet.writeUInt16BE(checksum(packet.subarray(20), pseudo), 36);
  return packet;
}

function sumWords(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  return sum;
}

function checksum(bytes: Uint8Array, start: number): number {
  let sum = start + sumWords(bytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
