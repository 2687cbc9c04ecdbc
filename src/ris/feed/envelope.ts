// The envelope of a RIS Live line, without parsing the line: enough to order and identify it.
import { canonicalAddress } from './address.js';
import { collectorOf, parseLine, type RisLine } from './message.js';
import type { Ordered } from './order.js';
import { sequenceOf, timestampIn } from './timestamp.js';

/**
 * A line held for order, to be parsed when it leaves. A held string costs the garbage collector almost nothing, a parsed message
 * some thirty objects (2.5 times the whole parse, at half a second of all of RIS Live); and copies from a second socket are
 * never parsed.
 */
export interface LineEnvelope extends Ordered {
  /** `ahead`: dated after the present; its place is that of its arrival, and its own time is in the text only. */
  readonly kind: 'line' | 'ahead';
  readonly line: string;
}

const head = '{"type":"ris_message","data":{';

/**
 * Finds time, peer, host and id by their keys, whose quotes would be escaped inside a string. It is not verified that they are the
 * message's own and not those of a nested object: that is enough for order; what is published comes from {@link parseLine}, which
 * validates the line when it leaves. A line with another beginning than RIS Live's is parsed at once, which separates control
 * messages and malformed ones.
 */
export function envelopeOf(line: string): LineEnvelope | Exclude<RisLine, { kind: 'message' }> {
  if (!line.startsWith(head)) return parsed(line);
  const time = timestampIn(line);
  const peer = textOf(line, '"peer":"');
  const host = textOf(line, '"host":"');
  const id = textOf(line, '"id":"');
  if (time === null || peer === null || host === null || id === null) return parsed(line);
  const collector = collectorOf(host);
  if (collector === null) return parsed(line);
  const seconds = Math.floor(time / 1_000_000);
  return {
    kind: 'line',
    line,
    peerKey: `${collector} ${canonicalAddress(peer)}`,
    id,
    seconds,
    micros: time - seconds * 1_000_000,
    sequence: sequenceOf(id),
  };
}

function parsed(line: string): ReturnType<typeof envelopeOf> {
  const read = parseLine(line);
  if (read.kind !== 'message') return read;
  const { peerKey, id, seconds, micros, sequence } = read.message;
  return { kind: 'line', line, peerKey, id, seconds, micros, sequence };
}

function textOf(line: string, key: string): string | null {
  const at = line.indexOf(key);
  if (at < 0) return null;
  const end = line.indexOf('"', at + key.length);
  return end < 0 ? null : line.slice(at + key.length, end);
}
