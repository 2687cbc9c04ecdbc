// BGP OPEN and NOTIFICATION messages: checked if raw, otherwise built from the JSON or synthesized (RFC 4271, 5492, 6793).
import { addressBytes } from '../feed/address.js';
import type { RisNotification, RisOpen } from '../feed/message.js';
import { isMessage } from './bgp-decode.js';
import { headerLength, marker, notificationType, openType } from './bgp-encode.js';
import { ByteWriter } from './bytes.js';

/** Used in two-byte fields for an AS number that needs four. */
const asTrans = 23456;

const multiprotocol = 1;
const fourByteAs = 65;
const addPath = 69;
const families: Readonly<Record<string, readonly [afi: number, safi: number]>> = {
  'ipv4/unicast': [1, 1],
  'ipv4/multicast': [1, 2],
  'ipv6/unicast': [2, 1],
  'ipv6/multicast': [2, 2],
};

interface Capability {
  readonly code: number;
  readonly value: Uint8Array;
}

/** The message's own PDU if it is a well-formed OPEN, else one built from the JSON. */
export function openPdu(open: RisOpen): Buffer {
  const raw = rawMessage(open.raw, openType);
  if (raw !== null && readCapabilities(raw) !== null) return raw;
  return writeOpen(open.asn, open.holdTime, addressBytes(open.routerId)!, jsonCapabilities(open));
}

/** The message's own PDU if it is a well-formed NOTIFICATION, else one built from the JSON. */
export function notificationPdu(message: RisNotification): Buffer {
  const raw = rawMessage(message.raw, notificationType);
  if (raw !== null && raw.length >= headerLength + 2) return raw;
  const data = notificationData(message);
  const out = new ByteWriter().bytes(marker).u16(headerLength + 2 + data.length);
  return out.u8(notificationType).u8(message.code).u8(message.subcode).bytes(data).take();
}

/**
 * An OPEN for a side that was not seen: IPv4 and IPv6 unicast and, unless the session is known to use two-byte numbers, the
 * four-byte AS number. ReadBuffer time and identifier are unknown and 0.
 */
export function madeUpOpen(asn: number, twoByte: boolean): Buffer {
  const capabilities = [familyCapability(1, 1), familyCapability(2, 1)];
  if (!twoByte) capabilities.push(asCapability(asn));
  return writeOpen(asn, 0, new Uint8Array(4), capabilities);
}

/** Whether the sender supports four-byte AS numbers. */
export const hasFourByteAs = (open: Uint8Array): boolean => hasCapability(open, fourByteAs);

/** The BGP identifier. */
export const routerIdOf = (open: Uint8Array): Uint8Array => open.subarray(24, 28);

/**
 * Route Monitoring never has path identifiers here, so the Peer Up must not show that they were negotiated: if both
 * sides offered ADD-PATH, the collector's OPEN is shown without it.
 */
export function withoutAddPath(sent: Buffer, received: Buffer): Buffer {
  if (!hasCapability(sent, addPath) || !hasCapability(received, addPath)) return sent;
  const rest = (readCapabilities(sent) ?? []).filter(({ code }) => code !== addPath);
  return writeOpen(sent.readUInt16BE(20), sent.readUInt16BE(22), routerIdOf(sent), rest);
}

/** The raw hex as bytes, or null unless it is one whole message of the type. */
function rawMessage(hex: string | null, type: number): Buffer | null {
  if (hex === null || hex.length % 2 !== 0) return null;
  const pdu = Buffer.from(hex, 'hex');
  return pdu.length * 2 === hex.length && isMessage(pdu, type) ? pdu : null;
}

const hasCapability = (open: Uint8Array, code: number): boolean =>
  (readCapabilities(open) ?? []).some((capability) => capability.code === code);

/** All capabilities of an OPEN, in either form of its parameters (RFC 4271 4.2, RFC 9072); null if they are malformed. */
function readCapabilities(open: Uint8Array): Capability[] | null {
  const long = open[28] === 255 && open[29] === 255;
  const start = long ? 32 : 29;
  const length = long ? (open[30]! << 8) | open[31]! : open[28];
  if (open.length < start || length !== open.length - start) return null;
  const out: Capability[] = [];
  for (let at = start; at < open.length; ) {
    const value = at + (long ? 3 : 2);
    const end = value + (long ? (open[at + 1]! << 8) | open[at + 2]! : open[at + 1]!);
    if (!(end <= open.length)) return null;
    for (let inner = value; open[at] === 2 && inner < end; ) {
      const next = inner + 2 + (open[inner + 1] ?? 256);
      if (next > end) return null;
      out.push({ code: open[inner]!, value: open.subarray(inner + 2, next) });
      inner = next;
    }
    at = end;
  }
  return out;
}

function writeOpen(asn: number, holdTime: number, routerId: Uint8Array, capabilities: readonly Capability[]): Buffer {
  const parameters = new ByteWriter();
  for (const { code, value } of capabilities) {
    // The parameters' length is one byte: what does not fit is omitted.
    if (parameters.length + 4 + value.length > 255) continue;
    parameters
      .u8(2)
      .u8(value.length + 2)
      .u8(code)
      .u8(value.length)
      .bytes(value);
  }
  const out = new ByteWriter()
    .bytes(marker)
    .u16(headerLength + 10 + parameters.length)
    .u8(openType);
  out
    .u8(4)
    .u16(asn > 0xffff ? asTrans : asn)
    .u16(holdTime)
    .bytes(routerId);
  return out.u8(parameters.length).bytes(parameters.view()).take();
}

const familyCapability = (afi: number, safi: number): Capability => ({
  code: multiprotocol,
  value: Uint8Array.of(afi >> 8, afi & 0xff, 0, safi),
});

const asCapability = (asn: number): Capability => ({
  code: fourByteAs,
  value: new ByteWriter(4).u32(asn).take(),
});

/** Capabilities as far as the JSON contains them; one that it only describes is omitted. */
function jsonCapabilities(open: RisOpen): Capability[] {
  const out: Capability[] = [];
  for (const [key, described] of Object.entries(open.capabilities)) {
    const code = Number(key);
    if (!Number.isInteger(code) || code < 0 || code > 255) continue;
    const fields = (typeof described === 'object' && described !== null ? described : {}) as Record<string, unknown>;
    if (code === multiprotocol && Array.isArray(fields.families)) {
      for (const name of fields.families) {
        const family = families[String(name)];
        if (family !== undefined) out.push(familyCapability(...family));
      }
    } else if (code === fourByteAs) {
      const asn = Number(fields.asn4);
      out.push(asCapability(asn >= 0 && asn <= 0xffff_ffff ? asn : open.peerAsn));
    } else if (typeof fields.raw === 'string' && /^([0-9a-f]{2})*$/i.test(fields.raw)) {
      out.push({ code, value: Buffer.from(fields.raw, 'hex') });
    } else if (emptyCapabilities.has(code)) out.push({ code, value: new Uint8Array(0) });
  }
  return out;
}

/** Those without a value: route refresh (RFC 2918 and before), extended message, enhanced route refresh. */
const emptyCapabilities: ReadonlySet<number> = new Set([2, 6, 70, 128]);

/** Older feeds write code, subcode and data as hex digits, newer ones the data's bytes as characters. */
function notificationData({ code, subcode, data }: RisNotification): Buffer {
  if (/^([0-9a-f]{2}){2,}$/i.test(data)) {
    const bytes = Buffer.from(data, 'hex');
    return bytes[0] === code && bytes[1] === subcode ? bytes.subarray(2) : bytes;
  }
  return Buffer.from(data, 'latin1');
}
