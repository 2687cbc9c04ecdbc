// BMP messages as text for people: a line for each, its routes and attributes indented below.
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadBgp, ReadOpen, ReadUpdate } from '../bgp/bgp-read.js';
import { type ReadBmp, type ReadPeer, readBmp, type Tlv } from './bmp-decode.js';
import type { BmpSourceMessage } from './bmp-source.js';

const downReasons = [
  'reason 0',
  'the collector closed with a NOTIFICATION',
  'the collector closed',
  'the peer closed with a NOTIFICATION',
  'the peer closed',
  'no longer monitored',
];

/** Shown with a message: its origin. */
export interface Provenance {
  /** `rrc21.2854.bmp_raw/0@17`, a RIS id, ... */
  readonly from?: string | undefined;
}

/** One record's value as lines of text. */
export function printBmp(value: Buffer, { from }: Provenance = {}): string[] {
  const message = readBmp(value);
  const source = from === undefined ? '' : `  [${harmless(from)}]`;
  if (message.kind === 'malformed') return [`malformed: ${message.reason}${source}`, `  ${value.toString('hex')}`];
  if ('tlvs' in message) {
    return [`${message.kind}${source}`, ...message.tlvs.map((tlv) => `  ${tlvText(message.kind, tlv)}`)];
  }
  return [`${timeText(message.peer)}  ${message.kind}  ${peerText(message.peer)}${source}`, ...details(message)];
}

/** The same for a value that may be anything; undefined: it does not look like BMP. */
export function bmpLines(value: Buffer): string[] | undefined {
  const isWrapped = value.length > 8 && value.toString('latin1', 0, 4) === 'OBMP';
  const isBare = value.length >= 6 && value[0] === 3 && value.readUInt32BE(1) === value.length;
  return isWrapped || isBare ? printBmp(value) : undefined;
}

/** Prints every message of a source; ends quietly when the output is closed (`| head`). */
export async function printAll(messages: AsyncIterable<BmpSourceMessage>, out: Writable): Promise<void> {
  const lines = async function* () {
    for await (const { value, from } of messages) yield `${printBmp(value, { from }).join('\n')}\n`;
  };
  try {
    await pipeline(Readable.from(lines()), out, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

function details(message: Extract<ReadBmp, { peer: ReadPeer }>): string[] {
  switch (message.kind) {
    case 'route monitoring':
    case 'route mirroring':
      return bgpLines(message.bgp);
    case 'peer up':
      return [
        `  sent ${openText(message.sent)}`,
        `  received ${openText(message.received)}`,
        ...message.notes.map((tlv) => `  ${tlvText('initiation', tlv)}`),
      ];
    case 'peer down': {
      const event = message.event ? `, FSM event ${message.event}` : '';
      const reason = downReasons[message.reason] ?? `reason ${message.reason}`;
      return [`  ${reason}${event}`, ...(message.bgp ? bgpLines(message.bgp) : [])];
    }
    case 'statistics':
      return message.counters.map(({ type, value }) => `  counter ${type} = ${BigInt(`0x0${value.toString('hex')}`)}`);
  }
}

function bgpLines(bgp: ReadBgp): string[] {
  switch (bgp.kind) {
    case 'update':
      return updateLines(bgp);
    case 'notification':
      return [`  NOTIFICATION ${bgp.code}/${bgp.subcode}${bgp.data === '' ? '' : ` data ${bgp.data}`}`];
    case 'open':
      return [`  ${openText(bgp)}`];
    default:
      return [`  ${bgp.kind.toUpperCase()}`];
  }
}

function updateLines(update: ReadUpdate): string[] {
  if (update.endOfRib !== undefined) return [`  end of RIB, ${update.endOfRib}`];
  const attributes = Object.entries(update.attributes).map(([name, text]) => `  ${name} ${text}`);
  const path = update.path === undefined ? [] : [`  path ${update.path.join(' ')}`];
  const routes = update.announced.flatMap(({ nextHop, family, prefixes }) => {
    return prefixes.map((prefix) => `  + ${labelOf(family)}${prefix} via ${nextHop}`);
  });
  const withdrawals = update.withdrawn.flatMap(({ family, prefixes }) =>
    prefixes.map((prefix) => `  - ${labelOf(family)}${prefix}`),
  );
  return [...path, ...attributes, ...withdrawals, ...routes];
}

/** Prefixes of the two usual families speak for themselves. */
const labelOf = (family: string): string => (/^ipv[46]\/unicast$/.test(family) ? '' : `${family} `);

const openText = (bgp: ReadBgp): string => (bgp.kind === 'open' ? openParts(bgp) : bgp.kind.toUpperCase());
const openParts = ({ asn, holdTime, routerId, capabilities }: ReadOpen): string =>
  `OPEN AS${asn} id ${routerId} hold ${holdTime}; ${capabilities.join(', ') || 'no capabilities'}`;

/** RFC 7854 4.2 and RFC 9069; the first one is the usual. */
const peerTypes = ['', 'RD instance', 'local instance', 'Loc-RIB'];

function peerText({ type, address, asn, bgpId, distinguisher, postPolicy, twoByteAs, adjRibOut }: ReadPeer): string {
  const marks = [
    peerTypes[type] ?? `peer type ${type}`,
    bgpId === '0.0.0.0' ? '' : `id ${bgpId}`,
    distinguisher === undefined ? '' : `distinguisher ${distinguisher}`,
    postPolicy ? 'post-policy' : '',
    adjRibOut ? 'adj-RIB-out' : '',
    twoByteAs ? '2-byte AS' : '',
  ].filter((mark) => mark !== '');
  return `${address} AS${asn}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
}

/** UTC to the microsecond. */
function timeText({ seconds, micros }: ReadPeer): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}

const tlvNames: Readonly<Record<string, readonly string[]>> = {
  initiation: ['note:', 'description:', 'name:', 'VRF:', 'admin label:'],
  termination: ['note:'],
};
const endings = ['closed by the administrator', 'unspecified', 'out of resources', 'redundant', 'closed for good'];

function tlvText(kind: string, { type, value }: Tlv): string {
  if (kind === 'termination' && type === 1 && value.length === 2) {
    const reason = value.readUInt16BE();
    return `reason: ${endings[reason] ?? reason}`;
  }
  const name = tlvNames[kind]?.[type];
  return name === undefined ? `TLV ${type}: ${value.toString('hex')}` : `${name} ${harmless(value.toString())}`;
}

/** Control characters would affect the reader's terminal. */
const harmless = (text: string): string => text.replace(/\p{C}/gu, '?');
