// A collector's progress as records of a compacted topic: written in each transaction, read at a take-over.
import { type Admin, KafkaError, type KafkaFactory, OFFSET_BEGINNING, type ProducerRecord } from '../../core/ports.js';
import type { Delta, Place, PublishedId } from './dedup-index.js';

/** Everything that a new leader needs. */
export interface Progress {
  /** Feed time (us) up to which everything received is published; null: nothing ever was. */
  readonly mark: number | null;
  /** Counts the collector's transactions, over all terms. */
  readonly turn: number;
  readonly published: Delta;
  /** The encoder's state of each peer (session and OPENs). */
  readonly states: ReadonlyMap<string, unknown>;
}

/** What one transaction writes: only the states that changed. */
export type Step = Progress;

/**
 * Ids are written once, in a ring of records that covers the reorder window many times over,
 * so compaction bounds them without any being written twice.
 */
const idSlots = 128;
/** Of at most 70 bytes each. */
const chunkIds = 4_000;
/** Kafka's error TOPIC_ALREADY_EXISTS: another replica was quicker. */
const alreadyExists = 36;
const partition = 0;
const connectMs = 5_000;

/** Compacts soon, so that a take-over reads little (the newest segment is never compacted); nothing in it ever expires. */
const topicConfig = {
  'cleanup.policy': 'compact',
  // The smallest that Kafka 4 allows.
  'segment.bytes': `${1024 * 1024}`,
  'segment.ms': '600000',
  'min.cleanable.dirty.ratio': '0.1',
  'delete.retention.ms': '60000',
};

/** Creates the checkpoint topic if it is missing. @throws KafkaError if it cannot be created. */
export async function ensureTopic(admin: Admin, name: string, replicationFactor: number | undefined): Promise<void> {
  if ((await admin.topics([name])).length > 0) return;
  try {
    const factor = replicationFactor === undefined ? {} : { replicationFactor };
    await admin.createTopic({ name, partitions: 1, ...factor, config: topicConfig });
  } catch (error) {
    if (!(error instanceof KafkaError && error.code === alreadyExists)) throw error;
  }
}

/** Begins a term: reading up to this record covers everything that any earlier leader committed. */
export function termRecord(topic: string, term: string): ProducerRecord {
  return record(topic, 'term', { term });
}

/** The records of one transaction. */
export function stepRecords(topic: string, step: Step): ProducerRecord[] {
  const { mark, turn } = step;
  const records = [record(topic, 'mark', { time: mark, turn })];
  for (const [peer, [seconds, micros, sequence, ...ids]] of step.published.places) {
    records.push(record(topic, `at ${peer}`, [seconds, micros, sequence, ...ids.map((id) => shortened(peer, id))]));
  }
  for (const [peer, state] of step.states) records.push(record(topic, `peer ${peer}`, state));
  inChunks(step.published.ids).forEach((ids, chunk) => {
    records.push(record(topic, `ids ${turn % idSlots}.${chunk}`, Object.fromEntries(allShortened(ids))));
  });
  return records;
}

/**
 * Reads what earlier leaders committed, up to our own term record.
 * @throws KafkaError if Kafka fails, Error if the term record does not arrive within timeoutMs or a record is foreign.
 */
export async function readProgress(
  kafka: KafkaFactory,
  topic: string,
  term: string,
  timeoutMs: number,
  monotonic: () => number,
): Promise<Progress> {
  const deadline = monotonic() + timeoutMs;
  const consumer = await kafka.consumer({ properties: { 'isolation.level': 'read_committed' } }, connectMs);
  try {
    consumer.assign([{ topic, partition, offset: OFFSET_BEGINNING }]);
    const reading = new Reading();
    for (;;) {
      for (const { key, value } of await consumer.poll(5_000, 200)) {
        if (key === null || value === null) continue;
        if (reading.take(key.toString(), value) === term) return reading.progress();
      }
      if (monotonic() > deadline) throw new Error(`${topic} could not be read to its end within ${timeoutMs} ms`);
    }
  } finally {
    await consumer.close(1_000);
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

/** The latest record of each key, merged. Later records replace most: only what remains is parsed. */
class Reading {
  readonly #latest = new Map<string, Buffer>();

  /** @returns the term that a term record begins. */
  take(key: string, value: Buffer): string | undefined {
    this.#latest.set(key, value);
    return key === 'term' ? (parse(value) as { term: string }).term : undefined;
  }

  progress(): Progress {
    let mark: { time: number | null; turn: number } = { time: null, turn: 0 };
    const places = new Map<string, Place>();
    const ids = new Map<string, PublishedId[]>();
    const states = new Map<string, unknown>();
    for (const [key, value] of this.#latest) {
      const space = key.indexOf(' ');
      const name = space < 0 ? key : key.slice(0, space);
      const rest = space < 0 ? '' : key.slice(space + 1);
      if (name === 'mark') mark = parse(value) as typeof mark;
      else if (name === 'at') {
        const [seconds, micros, sequence, ...ids] = parse(value) as Place;
        places.set(rest, [seconds, micros, sequence, ...ids.map((id) => inFull(rest, id))]);
      } else if (name === 'peer') states.set(rest, parse(value));
      else if (name === 'ids') addIds(ids, parse(value) as Record<string, PublishedId[]>);
    }
    return { mark: mark.time, turn: mark.turn, published: { places, ids }, states };
  }
}

const parse = (value: Buffer): unknown => JSON.parse(value.toString());

function addIds(all: Map<string, PublishedId[]>, slot: Readonly<Record<string, readonly PublishedId[]>>): void {
  for (const [peer, list] of Object.entries(slot)) {
    const known = all.get(peer) ?? [];
    for (const [time, id] of list) known.push([time, inFull(peer, id)]);
    all.set(peer, known);
  }
}

/** Parts of at most this many ids (or one peer's), each small enough for a record. */
function inChunks(ids: Delta['ids']): Map<string, readonly PublishedId[]>[] {
  const chunks: Map<string, readonly PublishedId[]>[] = [];
  let room = 0;
  for (const [peer, all] of ids) {
    for (let from = 0; from < all.length; from += chunkIds) {
      const part = all.slice(from, from + chunkIds);
      if (part.length > room || chunks.length === 0) {
        chunks.push(new Map());
        room = chunkIds;
      }
      chunks.at(-1)!.set(peer, part);
      room -= part.length;
    }
  }
  return chunks;
}

/** Most ids begin with the peer's address: `~` replaces it, `=` an absent id. */
function shortened(peer: string, id: string): string {
  const address = addressIn(peer);
  return id.startsWith(address) ? `~${id.slice(address.length)}` : `=${id}`;
}

const inFull = (peer: string, id: string): string => (id.startsWith('~') ? addressIn(peer) + id.slice(1) : id.slice(1));

const allShortened = (ids: Delta['ids']): [string, PublishedId[]][] =>
  [...ids].map(([peer, list]) => [peer, list.map(([time, id]) => [time, shortened(peer, id)])]);

/** A peer is `collector address`. */
const addressIn = (peer: string): string => peer.slice(peer.indexOf(' ') + 1);

const record = (topic: string, key: string, value: unknown): ProducerRecord => ({
  topic,
  partition,
  key: Buffer.from(key),
  value: Buffer.from(JSON.stringify(value)),
});
