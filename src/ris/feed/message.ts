// One line of RIS Live: the message types, and parsing a line to one (or to a control message, or a counted refusal).
import { addressLength, canonicalAddress } from './address.js';
import { type Fields, isListOf, isObject, isText, isU8, isU16, isU32 } from './json.js';
import type { Ordered } from './order.js';
import { sequenceOf, timestampOf } from './timestamp.js';

/** One element of a path: an AS number, or the members of an AS_SET. */
export type PathElement = number | readonly number[];

export interface Announcement {
  /** One address, or `global,linklocal`. */
  readonly next_hop: string;
  readonly prefixes: readonly string[];
}

interface RisCommon {
  /** First label of `host`, lower case: `rrc21`. */
  readonly collector: string;
  /** The peer's address in the form of RFC 5952, however RIS Live writes it. */
  readonly peer: string;
  /** `collector peer`: the key of order and state. */
  readonly peerKey: string;
  readonly peerAsn: number;
  /** Unique per message and opaque; null when the line has none. */
  readonly id: string | null;
  /** Unix seconds. */
  readonly seconds: number;
  /** Microseconds within the second, rounded from the decimal text. */
  readonly micros: number;
  /** Position within the same millisecond (the id's last four hex digits); 0 if the id does not contain it. */
  readonly sequence: number;
  /** The BGP message as hex digits (unchecked), or null. */
  readonly raw: string | null;
}

export interface RisUpdate extends RisCommon {
  readonly type: 'UPDATE';
  /** Absent fields are empty ones, except that with none of path, announcements and withdrawals only `raw` counts. */
  readonly path: readonly PathElement[] | undefined;
  readonly announcements: readonly Announcement[] | undefined;
  readonly withdrawals: readonly string[] | undefined;
  /** Each as its 32 bits: ASN in the upper half. Thousands of messages are held; pairs would be most of their objects. */
  readonly community: readonly number[] | undefined;
  readonly origin: string | undefined;
  readonly med: number | undefined;
  /** `ASN:IPv4`. */
  readonly aggregator: string | undefined;
  /** What the JSON has in an unusable form; its fields are undefined here. Only with `raw`, which may do without them. */
  readonly odd: readonly MalformedReason[];
}

export interface RisOpen extends RisCommon {
  readonly type: 'OPEN';
  /** `sent`: by the collector; `received`: from the peer. */
  readonly direction: 'sent' | 'received';
  readonly version: number;
  /** As in the message's two bytes: 23456 when it needs four. */
  readonly asn: number;
  readonly holdTime: number;
  readonly routerId: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

export interface RisNotification extends RisCommon {
  readonly type: 'NOTIFICATION';
  readonly code: number;
  readonly subcode: number;
  readonly data: string;
  /** Only if the line contains it. */
  readonly direction: 'sent' | 'received' | undefined;
}

interface RisKeepalive extends RisCommon {
  readonly type: 'KEEPALIVE';
}

export interface RisState extends RisCommon {
  readonly type: 'STATE';
  /** `connected`: TCP, and OPENs may follow; `up`: Established. */
  readonly state: 'connected' | 'up' | 'down';
}

export type RisMessage = RisUpdate | RisOpen | RisNotification | RisKeepalive | RisState;

/** Why a line was skipped; the counter's label. */
export type MalformedReason =
  | 'json'
  | 'envelope'
  | 'timestamp'
  | 'peer'
  | 'peer-asn'
  | 'host'
  | 'type'
  | 'path'
  | 'community'
  | 'origin'
  | 'med'
  | 'aggregator'
  | 'announcements'
  | 'withdrawals'
  | 'open'
  | 'notification'
  | 'state'
  | 'next-hop'
  | 'prefix'
  | 'no-prefix'
  | 'length';

type ControlType = 'ris_error' | 'ris_rrc_list' | 'ris_subscribe_ok' | 'pong';

export type RisLine =
  | { readonly kind: 'message'; readonly message: RisMessage }
  | { readonly kind: 'control'; readonly type: ControlType; readonly data: unknown }
  | { readonly kind: 'malformed'; readonly reason: MalformedReason };

const controlTypes: ReadonlySet<unknown> = new Set<ControlType>([
  'ris_error',
  'ris_rrc_list',
  'ris_subscribe_ok',
  'pong',
]);

/**
 * Parses one line (one websocket message). Never throws: anything but a known message is `malformed` with the reason.
 * @param place what peekLine found in this line: saves finding it again.
 */
export function parseLine(line: string, place?: Ordered): RisLine {
  let envelope: unknown;
  try {
    envelope = JSON.parse(line);
  } catch {
    return malformed('json');
  }
  if (!isObject(envelope)) return malformed('envelope');
  if (controlTypes.has(envelope.type)) {
    return { kind: 'control', type: envelope.type as ControlType, data: envelope.data };
  }
  if (envelope.type !== 'ris_message' || !isObject(envelope.data)) return malformed('envelope');
  const message = readMessage(envelope.data, line, place);
  return typeof message === 'string' ? malformed(message) : { kind: 'message', message };
}

const malformed = (reason: MalformedReason): RisLine => ({ kind: 'malformed', reason });

function readMessage(data: Fields, line: string, peeked: Ordered | undefined): RisMessage | MalformedReason {
  const { host, raw } = data;
  if (typeof data.peer !== 'string' || addressLength(data.peer) === 0) return 'peer';
  const peer = canonicalAddress(data.peer);
  const peerAsn = asnOf(data.peer_asn);
  if (peerAsn === null) return 'peer-asn';
  const collector = typeof host === 'string' ? collectorOf(host) : null;
  if (collector === null) return 'host';
  const id = typeof data.id === 'string' ? data.id : null;
  const isEnvelope = peeked !== undefined && isPlace(peeked, data.timestamp, collector, peer, id);
  const place = isEnvelope ? peeked : readPlace(data.timestamp, line, collector, peer, id);
  if (place === null) return 'timestamp';
  const { peerKey, seconds, micros, sequence } = place;
  const text = typeof raw === 'string' && raw !== '' ? raw : null;
  const common: RisCommon = { collector, peer, peerKey, peerAsn, id, seconds, micros, sequence, raw: text };
  switch (data.type) {
    case 'UPDATE':
      return readUpdate(common, data);
    case 'OPEN':
      return readOpen(common, data);
    case 'NOTIFICATION':
      return readNotification(common, data);
    case 'KEEPALIVE':
      return { ...common, type: 'KEEPALIVE' };
    case 'STATE':
    case 'RIS_PEER_STATE':
      return readState(common, data.state);
    default:
      return 'type';
  }
}

function readPlace(
  timestamp: unknown,
  line: string,
  collector: string,
  peer: string,
  id: string | null,
): Ordered | null {
  const time = timestampOf(line, timestamp);
  if (time === null) return null;
  const seconds = Math.floor(time / 1_000_000);
  const micros = time - seconds * 1_000_000;
  return { peerKey: `${collector} ${peer}`, id, seconds, micros, sequence: id === null ? 0 : sequenceOf(id) };
}

/** Whether the envelope has the message's own fields and not those of a nested object. */
function isPlace(
  { peerKey, seconds, micros, id: peekedId }: Ordered,
  timestamp: unknown,
  collector: string,
  peer: string,
  id: string | null,
): boolean {
  return (
    peekedId === id &&
    typeof timestamp === 'number' &&
    Math.abs(seconds + micros / 1e6 - timestamp) < 1e-6 &&
    peerKey.length === collector.length + 1 + peer.length &&
    peerKey.startsWith(collector) &&
    peerKey.endsWith(peer)
  );
}

/** RIS Live writes `"3333"`; a number is accepted. */
function asnOf(value: unknown): number | null {
  const asn = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  return isU32(asn) ? asn : null;
}

const noneOdd: readonly MalformedReason[] = [];

function readUpdate(common: RisCommon, data: Fields): RisUpdate | MalformedReason {
  const { path, announcements, withdrawals, community, origin, med, aggregator } = data;
  const isPath = path === undefined || isListOf(path, isPathElement);
  const routes = announcements === undefined ? undefined : readAnnouncements(announcements);
  const areWithdrawals = withdrawals === undefined || isListOf(withdrawals, isText);
  const communities = community === undefined ? undefined : packCommunities(community);
  const isOrigin = origin === undefined || typeof origin === 'string';
  const isMed = med === undefined || isU32(med);
  const isAggregator = aggregator === undefined || typeof aggregator === 'string';
  let odd = noneOdd;
  if (!isPath) odd = [...odd, 'path'];
  if (routes === null) odd = [...odd, 'announcements'];
  else if (routes !== announcements) odd = [...odd, 'next-hop'];
  if (!areWithdrawals) odd = [...odd, 'withdrawals'];
  if (communities === null) odd = [...odd, 'community'];
  if (!isOrigin) odd = [...odd, 'origin'];
  if (!isMed) odd = [...odd, 'med'];
  if (!isAggregator) odd = [...odd, 'aggregator'];
  if (odd.length > 0 && common.raw === null) return odd[0]!;
  // Written out: a spread of `common` would cost as much as all the checks.
  return {
    type: 'UPDATE',
    collector: common.collector,
    peer: common.peer,
    peerKey: common.peerKey,
    peerAsn: common.peerAsn,
    id: common.id,
    seconds: common.seconds,
    micros: common.micros,
    sequence: common.sequence,
    raw: common.raw,
    path: isPath ? path : undefined,
    announcements: routes ?? undefined,
    withdrawals: areWithdrawals ? withdrawals : undefined,
    community: communities ?? undefined,
    origin: isOrigin ? origin : undefined,
    med: isMed ? med : undefined,
    aggregator: isAggregator ? aggregator : undefined,
    odd,
  };
}

function readOpen(common: RisCommon, data: Fields): RisOpen | MalformedReason {
  const { direction, version, asn, hold_time: holdTime, router_id: routerId, capabilities } = data;
  if (direction !== 'sent' && direction !== 'received') return 'open';
  if (!isU8(version) || !isU32(asn) || !isU16(holdTime)) return 'open';
  if (typeof routerId !== 'string' || addressLength(routerId) !== 4) return 'open';
  const known = isObject(capabilities) ? capabilities : {};
  return { ...common, type: 'OPEN', direction, version, asn, holdTime, routerId, capabilities: known };
}

function readNotification(common: RisCommon, data: Fields): RisNotification | MalformedReason {
  if (!isObject(data.notification)) return 'notification';
  const { code, subcode, data: text } = data.notification;
  if (!isU8(code) || !isU8(subcode)) return 'notification';
  const direction = data.direction === 'sent' || data.direction === 'received' ? data.direction : undefined;
  return { ...common, type: 'NOTIFICATION', code, subcode, data: typeof text === 'string' ? text : '', direction };
}

function readState(common: RisCommon, state: unknown): RisState | MalformedReason {
  return state === 'connected' || state === 'up' || state === 'down' ? { ...common, type: 'STATE', state } : 'state';
}

/** `rrc21.ripe.net` and `RRC21` -> `rrc21`; null if no topic could have the name. */
export function collectorOf(host: string): string | null {
  let end = 0;
  let isLower = true;
  for (; end < host.length; end++) {
    const c = host.charCodeAt(end);
    if (c === 46) break;
    if (c >= 65 && c <= 90) isLower = false;
    else if (!((c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 45 || c === 95)) return null;
  }
  if (end === 0 || end > 63) return null;
  const label = end === host.length ? host : host.slice(0, end);
  return isLower ? label : label.toLowerCase();
}

const isPathElement = (value: unknown): value is PathElement =>
  isU32(value) || (isListOf(value, isU32) && value.length > 0);

function packCommunities(value: unknown): number[] | null {
  if (!Array.isArray(value)) return null;
  const out: number[] = [];
  for (const pair of value) {
    if (!Array.isArray(pair) || pair.length !== 2 || !isU16(pair[0]) || !isU16(pair[1])) return null;
    out.push(pair[0] * 0x1_0000 + pair[1]);
  }
  return out;
}

/** @returns null if they are none; without its next hop (which only what is built needs) where that is no text. */
function readAnnouncements(value: unknown): readonly Announcement[] | null {
  if (isListOf(value, isAnnouncement)) return value;
  if (!isListOf(value, hasPrefixes)) return null;
  return value.map((one) => (isAnnouncement(one) ? one : { next_hop: '', prefixes: one.prefixes }));
}

const hasPrefixes = (value: unknown): value is Pick<Announcement, 'prefixes'> =>
  isObject(value) && isListOf(value.prefixes, isText);

const isAnnouncement = (value: unknown): value is Announcement =>
  hasPrefixes(value) && typeof (value as Partial<Announcement>).next_hop === 'string';
