// The fewest bytes that a batch with one record can have: what is still too large for a topic fits in no way.
import { deflateRawSync } from 'node:zlib';
import type { ProducerRecord } from '../../core/ports.js';

/** A batch's head (KIP-98), and what a record has beside its key, value and headers, at least. */
const headBytes = 61;
const recordBytes = 7;
const headerBytes = 2;
/** LZ4 and Snappy find repetitions of so many bytes. */
const gram = 4;
/** Deflate at its best level against what the client's compression may reach. */
const share: Readonly<Record<string, number>> = { gzip: 0.95, zstd: 0.7 };

/** Bytes of a batch with this record alone, uncompressed: without what depends on times and offsets. */
export const plainBatchBytes = (record: ProducerRecord): number => headBytes + recordBytes + contentBytes(record);

/** @param compression the producer's. @returns a lower bound, bytes */
export function leastBatchBytes(record: ProducerRecord, compression: string): number {
  if (compression === 'none') return plainBatchBytes(record);
  const content = Buffer.concat([record.key ?? empty, record.value ?? empty]);
  const packed = share[compression];
  const least = packed === undefined ? unrepeated(content) : deflateRawSync(content, { level: 9 }).length * packed;
  return headBytes + Math.floor(least);
}

function contentBytes({ key, value, headers }: ProducerRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers ?? []) {
    bytes += headerBytes + Buffer.byteLength(header.key) + (header.value?.length ?? 0);
  }
  return bytes;
}

/** Bytes that no repetition of four bytes or more contains: LZ4 and Snappy store each of them. */
function unrepeated(content: Buffer): number {
  const seen = new Set<number>();
  let stored = 0;
  /** Up to where repetitions reach. */
  let covered = 0;
  for (let at = 0; at < content.length; at++) {
    if (at + gram <= content.length) {
      const four = content.readUInt32LE(at);
      if (seen.has(four)) covered = at + gram;
      else seen.add(four);
    }
    if (at >= covered) stored++;
  }
  return stored;
}

const empty = Buffer.alloc(0);
