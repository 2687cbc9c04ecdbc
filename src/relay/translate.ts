// What a message becomes on its way: the `_t` header, the timestamp, the partition, and whether the target can take it.
import type { Header, Message, ProducerRecord } from '../core/ports.js';
import type { Mapping } from './topic-map.js';

/** What the target topic accepts. */
export interface TargetLimits {
  /** Bytes of one record (batch overhead included). */
  readonly maxRecordBytes: number;
  /** How far a record's own time may lie behind and ahead of now, ms. */
  readonly timestampBeforeMs: number;
  readonly timestampAheadMs: number;
}

export interface Translation {
  readonly record: ProducerRecord;
  /** Its own time is only in `_t`: the target would refuse it. */
  readonly timeDropped: boolean;
}

/** A batch header and one record's varints, at most. */
const recordOverhead = 61 + 36;
const headerOverhead = 10;
/** The broker's clock is not ours: stay this far (or a tenth) inside its limits. */
const clockSlackMs = 10_000;

/** Milliseconds since the epoch as kaf-relay writes them: Unix nanoseconds in decimal ASCII. */
export const nanoseconds = (timestampMs: number): string =>
  timestampMs === 0 ? '0' : (BigInt(timestampMs) * 1_000_000n).toString();

/** An upper bound of what a record takes on the wire, uncompressed, in bytes. */
export function recordBytes(record: ProducerRecord): number {
  let bytes = recordOverhead + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const header of record.headers ?? []) {
    bytes += headerOverhead + Buffer.byteLength(header.key) + (header.value?.length ?? 0);
  }
  return bytes;
}

/** Turns messages of one mapping into records. One per mapping: it remembers the last `_t`, which neighbours share. */
export class Translator {
  readonly #mapping: Mapping;
  readonly #preserveTime: boolean;
  readonly #limits: TargetLimits;
  #lastTime = -1;
  #lastHeader: Header = { key: '_t', value: null };

  constructor(mapping: Mapping, preserveTime: boolean, limits: TargetLimits) {
    this.#mapping = mapping;
    this.#preserveTime = preserveTime;
    this.#limits = limits;
  }

  /** @param now milliseconds since the epoch */
  translate(message: Message, now: number): Translation {
    const { timestamp } = message;
    const keepTime = this.#preserveTime && timestamp >= 0;
    const timeDropped = keepTime && !this.#fits(timestamp, now);
    const record = {
      topic: this.#mapping.target,
      partition: this.#mapping.pin ?? message.partition,
      key: message.key,
      value: message.value,
      headers: timestamp === -1 ? message.headers : [this.#timeHeader(timestamp), ...message.headers],
    };
    return { record: keepTime && !timeDropped ? { ...record, timestamp } : record, timeDropped };
  }

  /** True when the target would refuse the record for its size. */
  isOversize(record: ProducerRecord): boolean {
    return recordBytes(record) > this.#limits.maxRecordBytes;
  }

  #fits(timestamp: number, now: number): boolean {
    const { timestampBeforeMs: before, timestampAheadMs: ahead } = this.#limits;
    return (
      now - timestamp <= before - Math.min(clockSlackMs, before / 10) &&
      timestamp - now <= ahead - Math.min(clockSlackMs, ahead / 10)
    );
  }

  #timeHeader(timestamp: number): Header {
    if (timestamp !== this.#lastTime) {
      this.#lastTime = timestamp;
      this.#lastHeader = { key: '_t', value: Buffer.from(nanoseconds(timestamp), 'latin1') };
    }
    return this.#lastHeader;
  }
}
