// A collector's progress as records of a compacted topic: written in each transaction, read at a take-over.
import type { Consumer, KafkaFactory, ProducerRecord } from '../../core/ports.js';
import { idChunks, shortened } from './checkpoint-ids.js';
import type { Place } from './dedup-index.js';
import { type Progress, ProgressReading } from './progress-reading.js';

/** What one transaction writes: the states that changed, or (a snapshot) all that there is. */
export interface Step extends Progress {
  readonly isSnapshot?: boolean;
}

/**
 * Ids are written once, in a ring of records that covers the reorder window many times over,
 * so compaction bounds them without any being written twice.
 */
const idSlots = 128;
const partition = 0;
const connectMs = 5_000;
/** Characters of a snapshot's part; a record of a topic with Kafka's defaults holds a million bytes. */
const partLength = 250_000;
/** A snapshot follows after this many offsets. */
export const snapshotEvery = 2_000;
/** So many of the last offsets hold the last snapshot and all that follows it: one more step fits in as well. */
const readBack = 8_000;
/** A read that brings nothing for this long has failed, ms. */
const silentMs = 15_000;
const pollMs = 200;

/** Begins a term: reading up to this record covers everything that any earlier leader committed. */
export function termRecord(topic: string, term: string): ProducerRecord {
  return record(topic, 'term', { term });
}

/** The records of one transaction. */
export function stepRecords(topic: string, step: Step): ProducerRecord[] {
  const entries = entriesOf(step);
  if (!step.isSnapshot) return entries.map(([key, value]) => record(topic, key, value));
  const parts = partsOf(entries);
  return [
    record(topic, 'snapshot', { parts: parts.length }),
    ...parts.map((part, index) => ({ ...record(topic, `snapshot.${index}`, null), value: Buffer.from(`[${part}]`) })),
  ];
}

function entriesOf({ mark, turn, published, states, unmarked }: Step): [key: string, value: unknown][] {
  const entries: [string, unknown][] = [['mark', { time: mark, turn }]];
  if (unmarked) entries.push(['unmarked', unmarked]);
  for (const [peer, [seconds, micros, sequence, ...ids]] of published.places) {
    entries.push([`at ${peer}`, [seconds, micros, sequence, ...ids.map((id) => shortened(peer, id))]]);
  }
  for (const [peer, state] of states) entries.push([`peer ${peer}`, state]);
  idChunks(published.ids).forEach((ids, chunk) => {
    entries.push([`ids ${turn % idSlots}.${chunk}`, ids]);
  });
  return entries;
}

/** Entries as JSON, some to a part. */
function partsOf(entries: readonly [string, unknown][]): string[] {
  const parts: string[] = [];
  let part: string[] = [];
  let length = 0;
  for (const entry of entries) {
    const text = JSON.stringify(entry);
    if (length > 0 && length + text.length > partLength) {
      parts.push(part.join());
      part = [];
      length = 0;
    }
    part.push(text);
    length += text.length + 1;
  }
  return [...parts, part.join()];
}

export interface ReadOptions {
  readonly kafka: KafkaFactory;
  readonly topic: string;
  /** Up to whose record is read. */
  readonly term: string;
  readonly monotonic: () => number;
  /** Called between polls; throws where the progress is no longer needed. */
  readonly onWait?: () => void;
  /** How long a read may bring nothing, ms. */
  readonly patienceMs?: number;
}

/**
 * Reads what earlier leaders committed, up to our own term record: from the last snapshot, which is among the last records.
 * @throws KafkaError if Kafka fails, Error if the read comes to a halt before the term record or a record is foreign.
 */
export async function readProgress(options: ReadOptions): Promise<Progress> {
  const { kafka, topic } = options;
  const consumer = await kafka.consumer({ properties: { 'isolation.level': 'read_committed' } }, connectMs);
  try {
    const { low, high } = await consumer.watermarks({ topic, partition }, connectMs);
    const from = Math.max(low, high - readBack);
    const reading = await readFrom(consumer, from, options);
    // Without one, as where an earlier version wrote, it begins at the beginning.
    if (from === low || reading.hasSnapshot) return reading.progress();
    return (await readFrom(consumer, low, options)).progress();
  } finally {
    await consumer.close(1_000);
  }
}

async function readFrom(consumer: Consumer, offset: number, options: ReadOptions): Promise<ProgressReading> {
  const { topic, term, monotonic, onWait = () => {}, patienceMs = silentMs } = options;
  consumer.assign([{ topic, partition, offset }]);
  const reading = new ProgressReading();
  let last = offset - 1;
  for (let deadline = monotonic() + patienceMs; ; ) {
    const messages = await consumer.poll(5_000, pollMs);
    for (const message of messages) {
      const { key, value } = message;
      last = message.offset;
      if (key === null || value === null) continue;
      if (reading.take(key.toString(), value) === term) return reading;
    }
    if (messages.length > 0) deadline = monotonic() + patienceMs;
    else if (monotonic() > deadline) {
      throw new Error(
        `${topic} could not be read to its end: nothing came for ${patienceMs} ms behind offset ${last}. ` +
          'An open transaction of another program on it hides what follows',
      );
    }
    onWait();
  }
}

/** The progress without times after `latest` (us), which would hide holes and silence peers until then. */
export function upTo(progress: Progress, latest: number): Progress {
  const { mark, published } = progress;
  const isAhead = ([seconds, micros]: Place): boolean => seconds * 1_000_000 + micros > latest;
  const seconds = Math.floor(latest / 1_000_000);
  const last = [seconds, Math.floor(latest) - seconds * 1_000_000, 0] as const;
  const places = new Map([...published.places].map(([peer, place]) => [peer, isAhead(place) ? last : place]));
  return { ...progress, mark: mark === null ? null : Math.min(mark, latest), published: { ...published, places } };
}

const record = (topic: string, key: string, value: unknown): ProducerRecord => ({
  topic,
  partition,
  key: Buffer.from(key),
  value: Buffer.from(JSON.stringify(value)),
});
