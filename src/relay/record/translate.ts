// Translates a message to a record: the `_t` header, the timestamp, the partition, and whether the target accepts it.
import type { Header, Message, ProducerRecord } from '../../core/ports.js';
import type { Mapping } from '../config/topic-map.js';
import type { TargetLimits } from '../topics/target-limits.js';
import type { Refusal } from './refusal.js';

/** Size of a batch's header; and maximum of one record's varints, and of a header's. */
const batchOverhead = 61;
const recordOverhead = batchOverhead + 36;
const headerOverhead = 10;
/** The broker's clock differs from ours: keep this distance (or a tenth) from its limits. */
const clockSlackMs = 10_000;

/** Milliseconds since the epoch as kaf-relay writes them: Unix nanoseconds in decimal ASCII. */
export const nanoseconds = (timestampMs: number): string =>
  timestampMs === 0 ? '0' : (BigInt(timestampMs) * 1_000_000n).toString();

/** UTF-8 takes at most this many bytes per UTF-16 unit. */
const bytesPerUnit = 3;

/** An upper bound of a record's size on the wire, uncompressed, bytes. */
export function recordBytes({ key, value, headers = [] }: Pick<ProducerRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = recordOverhead + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) {
    bytes += headerOverhead + header.key.length * bytesPerUnit + (header.value?.length ?? 0);
  }
  return bytes;
}

/** Bytes of a length as Kafka writes it (zigzag, 7 bits a byte). */
function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length * 2; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

const fieldBytes = (length: number | undefined): number => (length === undefined ? 1 : lengthBytes(length) + length);

/** The size of a batch with this record alone, uncompressed, bytes. */
export function exactBytes({ key, value, headers = [] }: Pick<ProducerRecord, 'key' | 'value' | 'headers'>): number {
  // Attributes, time and offset beside the first record's: one byte each.
  let bytes = 3 + fieldBytes(key?.length) + fieldBytes(value?.length) + lengthBytes(headers.length);
  for (const header of headers) bytes += fieldBytes(Buffer.byteLength(header.key)) + fieldBytes(header.value?.length);
  return batchOverhead + lengthBytes(bytes) + bytes;
}

/** Names the cluster that a message was first written to, by its id. */
const originHeader = '_origin';

/** Cluster ids. */
export interface Origin {
  readonly source: string;
  readonly target: string;
}

/** Turns messages of one mapping into records. One per mapping: it caches the last `_t`, which neighbours share. */
export class Translator {
  readonly #mapping: Mapping;
  readonly #preserveTime: boolean;
  readonly #limits: TargetLimits;
  readonly #mostBehind: number;
  readonly #mostAhead: number;
  readonly #origin: Origin | undefined;
  #lastTime = -1;
  #timeOnly: readonly [Header] = [{ key: '_t', value: null }];
  /** Records whose own time is only in `_t`, because the target would refuse it. */
  timesDropped = 0;

  /** @param origin given: messages of the target's own cluster are left out */
  constructor(mapping: Mapping, preserveTime: boolean, limits: TargetLimits, origin?: Origin) {
    this.#origin = origin;
    this.#mapping = mapping;
    this.#preserveTime = preserveTime;
    this.#limits = limits;
    const { timestampBeforeMs: before, timestampAheadMs: ahead } = limits;
    this.#mostBehind = before - Math.min(clockSlackMs, before / 10);
    this.#mostAhead = ahead - Math.min(clockSlackMs, ahead / 10);
  }

  /** A record that the target deletes at once, being older than its topic keeps: its time; undefined: none so far. */
  expired: number | undefined;

  /** Whether the message comes from the target's cluster: copies brought it here. */
  isAtHome({ headers }: Message): boolean {
    return (
      this.#origin !== undefined && headers.some((header) => header.key === originHeader && this.#isTarget(header))
    );
  }

  #isTarget({ value }: Header): boolean {
    return value?.toString() === this.#origin?.target;
  }

  /** @param now milliseconds since the epoch @param isTimed false: its own time is in `_t` only */
  translate(message: Message, now: number, isTimed = true): ProducerRecord {
    const { timestamp, key, value } = message;
    const topic = this.#mapping.target;
    const partition = this.#mapping.pin ?? message.partition;
    const headers = this.#headers(message);
    if (!this.#preserveTime || timestamp < 0) return { topic, partition, key, value, headers };
    if (isTimed && this.#fits(timestamp, now)) {
      if (now - timestamp > this.#limits.retentionMs) this.expired ??= timestamp;
      return { topic, partition, key, value, headers, timestamp };
    }
    this.timesDropped += 1;
    return { topic, partition, key, value, headers };
  }

  /** Why the target would refuse the record; undefined: as far as is known it would not. */
  refusal(record: ProducerRecord): Refusal | undefined {
    const { maxRecordBytes, needsKey } = this.#limits;
    if (needsKey && record.key === null)
      return { kind: 'invalid', reason: 'it has no key, and the target topic is compacted' };
    if (recordBytes(record) <= maxRecordBytes) return undefined;
    const bytes = exactBytes(record);
    return bytes <= maxRecordBytes
      ? undefined
      : { kind: 'oversize', reason: `too large for the target (${bytes} bytes)` };
  }

  #fits(timestamp: number, now: number): boolean {
    return now - timestamp <= this.#mostBehind && timestamp - now <= this.#mostAhead;
  }

  #headers(message: Message): readonly Header[] {
    const headers = this.#withOrigin(message.headers);
    const { timestamp } = message;
    if (timestamp === -1) return headers;
    if (timestamp !== this.#lastTime) {
      this.#lastTime = timestamp;
      this.#timeOnly = [{ key: '_t', value: Buffer.from(nanoseconds(timestamp), 'latin1') }];
    }
    return headers.length === 0 ? this.#timeOnly : [this.#timeOnly[0], ...headers];
  }

  /** The first relay on a message's way says where it comes from. */
  #withOrigin(headers: readonly Header[]): readonly Header[] {
    if (this.#origin === undefined || headers.some(({ key }) => key === originHeader)) return headers;
    return [{ key: originHeader, value: Buffer.from(this.#origin.source) }, ...headers];
  }
}
