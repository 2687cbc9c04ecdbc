// Entry ids: `<ms>-<seq>` with ms = the record's timestamp and seq = offset * 65536 + partition. An id locates its record.
import { timeOf } from '../../core/streams/log/place.js';
import type { Edge } from '../../core/streams/log/time-line.js';
import { fail } from '../../errors.js';

/** A parsed id. Ordered by ms, then offset, then partition: the order of the ids' numbers. */
export interface EntryId {
  readonly ms: number;
  readonly offset: number;
  readonly partition: number;
}

/** 2^16 partitions; offsets up to 2^48 as Redis' sequence numbers have 64 bits. */
const partitions = 65_536;
const maxOffset = 2 ** 48 - 1;
/** Offsets below this have an exact seq in a double. */
const exactOffset = 2 ** 37;
const maxInteger = 18_446_744_073_709_551_615n;

export const lowestId: EntryId = { ms: 0, offset: 0, partition: 0 };
export const highestId: EntryId = { ms: Number(maxInteger), offset: maxOffset, partition: partitions - 1 };

/** The text of a record's id. */
export function formatId({
  timestamp,
  offset,
  partition,
}: {
  timestamp: number;
  offset: number;
  partition: number;
}): string {
  const ms = timeOf({ timestamp });
  if (offset < exactOffset) return `${ms}-${offset * partitions + partition}`;
  return `${ms}-${BigInt(offset) * BigInt(partitions) + BigInt(partition)}`;
}

/** The parsed id of a record. */
export const idOf = ({
  timestamp,
  offset,
  partition,
}: {
  timestamp: number;
  offset: number;
  partition: number;
}): EntryId => ({
  ms: timeOf({ timestamp }),
  offset,
  partition,
});

export function compareIds(a: EntryId, b: EntryId): number {
  return a.ms - b.ms || a.offset - b.offset || a.partition - b.partition;
}

/**
 * Reads `<ms>-<seq>` or `<ms>`.
 * @param missing the meaning of an id without a sequence number: the first or the last of its millisecond.
 * @throws GatewayError `stream-id`.
 */
export function parseId(bytes: Buffer, missing: 'first' | 'last' = 'first'): EntryId {
  const text = bytes.toString('latin1');
  const parts = /^([0-9]{1,20})(?:-([0-9]{1,20}))?$/.exec(text);
  if (!parts) throw fail('stream-id');
  const ms = parseUnsigned(parts[1]!);
  if (parts[2] === undefined) return { ...(missing === 'first' ? lowestId : highestId), ms };
  return { ms, ...split(parts[2]) };
}

function split(text: string): { offset: number; partition: number } {
  if (text.length <= 15) {
    const seq = Number(text);
    return { offset: Math.floor(seq / partitions), partition: seq % partitions };
  }
  const seq = BigInt(text);
  if (seq > maxInteger) throw fail('stream-id');
  return { offset: Number(seq >> 16n), partition: Number(seq & 0xffffn) };
}

function parseUnsigned(text: string): number {
  if (text.length > 19 && BigInt(text) > maxInteger) throw fail('stream-id');
  return Number(text);
}

export interface IdRange {
  readonly from: EntryId;
  /** Inclusive. */
  readonly to: EntryId;
}

/** A start or end of a range: `-`, `+`, an id, or `(` and an id. @throws GatewayError `stream-id`, `range-start`, `range-end`. */
export function parseBound(bytes: Buffer, side: 'start' | 'end'): EntryId {
  if (bytes.length === 1 && bytes[0] === 0x2d) return lowestId;
  if (bytes.length === 1 && bytes[0] === 0x2b) return highestId;
  const exclusive = bytes[0] === 0x28;
  const id = parseId(exclusive ? bytes.subarray(1) : bytes, side === 'start' ? 'first' : 'last');
  if (!exclusive) return id;
  const stepped = side === 'start' ? after(id) : before(id);
  if (!stepped) throw fail(side === 'start' ? 'range-start' : 'range-end');
  return stepped;
}

/** A start or end of a range as a place in a stream; forms and errors as parseBound(). */
export function parseEdge(bytes: Buffer, side: 'start' | 'end'): Edge {
  const isOpen = bytes.length === 1 && (bytes[0] === 0x2d || bytes[0] === 0x2b);
  const exclusive = bytes[0] === 0x28;
  const bound = parseBound(bytes, side);
  if (isOpen || !exclusive) return { id: bound, side: side === 'start' ? 'before' : 'behind' };
  const id = parseId(bytes.subarray(1), side === 'start' ? 'first' : 'last');
  return { id, side: side === 'start' ? 'behind' : 'before' };
}

/** Where reading behind an id begins: `<ms>-<seq>` is the entry read last, `<ms>` alone a time. @throws GatewayError `stream-id` */
export function parseBehind(bytes: Buffer): Edge {
  return { id: parseId(bytes), side: bytes.includes(0x2d) ? 'behind' : 'before' };
}

/** The whole stream. */
export const wholeStream = {
  from: { id: lowestId, side: 'before' },
  to: { id: highestId, side: 'behind' },
} as const satisfies { from: Edge; to: Edge };

/** The next id. */
export function after(id: EntryId): EntryId | undefined {
  if (id.partition < partitions - 1) return { ...id, partition: id.partition + 1 };
  if (id.offset < maxOffset) return { ms: id.ms, offset: id.offset + 1, partition: 0 };
  return id.ms < highestId.ms ? { ...lowestId, ms: id.ms + 1 } : undefined;
}

/** The previous id. */
export function before(id: EntryId): EntryId | undefined {
  if (id.partition > 0) return { ...id, partition: id.partition - 1 };
  if (id.offset > 0) return { ms: id.ms, offset: id.offset - 1, partition: partitions - 1 };
  return id.ms > 0 ? { ...highestId, ms: id.ms - 1 } : undefined;
}
