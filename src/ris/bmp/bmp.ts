// Encodes BMP version 3 messages (RFC 7854).

import { ByteWriter } from '../bgp/bytes.js';
import { addressBytes } from '../feed/address.js';

export const bmpType = {
  routeMonitoring: 0,
  statisticsReport: 1,
  peerDown: 2,
  peerUp: 3,
  initiation: 4,
  termination: 5,
  routeMirroring: 6,
} as const;

/** Common header and per-peer header. */
export const peerHeaderEnd = 48;
const commonLength = 6;
export const peerFlag = { v6: 0x80, postPolicy: 0x40, twoByteAs: 0x20, adjRibOut: 0x10 } as const;

/** Why a session ended, for Peer Down (RFC 7854 4.9). */
export type PeerDownReason =
  /** The collector sent this NOTIFICATION. */
  | { readonly kind: 'local-notification'; readonly pdu: Uint8Array }
  /** The collector closed without one; the FSM event (RFC 4271 8.1), 0 if none fits. */
  | { readonly kind: 'local'; readonly event: number }
  /** The peer sent this NOTIFICATION. */
  | { readonly kind: 'remote-notification'; readonly pdu: Uint8Array }
  | { readonly kind: 'remote' }
  | { readonly kind: 'deconfigured' };

/** A message's peer and time for the per-peer header. */
export interface PeerStamp {
  readonly seconds: number;
  readonly micros: number;
  /** AS_PATHs in this message have two-byte numbers (the A flag). */
  readonly twoByteAs: boolean;
}

/** The constant part of a peer's header: V flag, address, AS number, BGP identifier; distinguisher 0 (a Global Instance peer). */
export function peerTemplate(address: string, asn: number, routerId: Uint8Array): Buffer {
  const out = Buffer.alloc(peerHeaderEnd);
  out[0] = 3;
  const bytes = addressBytes(address)!;
  out[7] = bytes.length === 16 ? peerFlag.v6 : 0;
  out.set(bytes, 32 - bytes.length);
  out.writeUInt32BE(asn, 32);
  out.set(routerId, 36);
  return out;
}

/** Writes both headers into the first 48 bytes of message, which is one whole BMP message. */
export function writePeerHeader(message: Buffer, template: Buffer, type: number, stamp: PeerStamp): void {
  message.set(template);
  putU32(message, 1, message.length);
  message[5] = type;
  if (stamp.twoByteAs) message[7] = message[7]! | peerFlag.twoByteAs;
  putU32(message, 40, stamp.seconds);
  putU32(message, 44, stamp.micros);
}

function putU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

/**
 * Peer Up; RIS Live does not show the local address and the ports, so they are 0. No information TLVs, although they could
 * mark a synthesized OPEN: Wireshark 4.0 reads them as broken BGP.
 */
export function peerUp(
  template: Buffer,
  stamp: PeerStamp,
  sent: Uint8Array,
  received: Uint8Array,
  notes: readonly string[] = [],
): Buffer {
  const out = new ByteWriter()
    .zeros(peerHeaderEnd + 20)
    .bytes(sent)
    .bytes(received);
  for (const note of notes) writeTlv(out, 0, Buffer.from(note));
  const message = out.take();
  writePeerHeader(message, template, bmpType.peerUp, stamp);
  return message;
}

export function peerDown(template: Buffer, stamp: PeerStamp, reason: PeerDownReason): Buffer {
  const out = new ByteWriter().zeros(peerHeaderEnd);
  switch (reason.kind) {
    case 'local-notification':
      out.u8(1).bytes(reason.pdu);
      break;
    case 'local':
      out.u8(2).u16(reason.event);
      break;
    case 'remote-notification':
      out.u8(3).bytes(reason.pdu);
      break;
    case 'remote':
      out.u8(4);
      break;
    case 'deconfigured':
      out.u8(5);
      break;
  }
  const message = out.take();
  writePeerHeader(message, template, bmpType.peerDown, stamp);
  return message;
}

/** Initiation: sysDescr and sysName, which are mandatory, after free text. */
export function initiation(sysName: string, sysDescr: string, notes: readonly string[] = []): Buffer {
  const out = new ByteWriter();
  for (const note of notes) writeTlv(out, 0, Buffer.from(note));
  writeTlv(out, 1, Buffer.from(sysDescr));
  writeTlv(out, 2, Buffer.from(sysName));
  return common(bmpType.initiation, out.view());
}

/** Why a BMP stream ends (RFC 7854 4.5). */
export const terminationReason = { closed: 0, unspecified: 1, outOfResources: 2, redundant: 3 } as const;

export function termination(reason: number, notes: readonly string[] = []): Buffer {
  const out = new ByteWriter();
  for (const note of notes) writeTlv(out, 0, Buffer.from(note));
  writeTlv(out, 1, Buffer.of(reason >> 8, reason & 0xff));
  return common(bmpType.termination, out.view());
}

function writeTlv(out: ByteWriter, type: number, value: Uint8Array): void {
  out.u16(type).u16(value.length).bytes(value);
}

function common(type: number, body: Uint8Array): Buffer {
  const length = commonLength + body.length;
  return new ByteWriter(length).u8(3).u32(length).u8(type).bytes(body).take();
}
