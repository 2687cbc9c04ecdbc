// The checkpoint: a mapping's progress and identities, as records of a compacted topic in the target cluster.
import { createHash } from 'node:crypto';
import type { Message, ProducerRecord } from '../../core/ports.js';
import type { Mapping } from '../config/topic-map.js';

/** The progress of one source partition. */
export interface Progress {
  /** The next source offset. */
  readonly next: number;
  /** Cluster id of the source that delivered the messages before `next`. */
  readonly from: string;
  /** The last message before `next`, for comparison with another source. */
  readonly last?: LastMessage;
}

export interface LastMessage {
  readonly offset: number;
  readonly digest: string;
}

/** Identifies a message beside its number: key and value. Times differ between sources that were filled separately. */
export function digestOf(message: Pick<Message, 'key' | 'value'>): string {
  const hash = createHash('sha256').update(`${message.key?.length ?? -1} ${message.value?.length ?? -1} `);
  if (message.key) hash.update(message.key);
  if (message.value) hash.update(message.value);
  return hash.digest('base64url').slice(0, 16);
}

/** The owner of a mapping and what it connects. */
export interface Claim {
  /** The running relay that wrote last. */
  readonly owner: string;
  /** Topic id of the source topic by cluster id, for every source seen. */
  readonly sources: Readonly<Record<string, string>>;
  readonly target: { readonly cluster: string; readonly topic: string };
}

/** Everything recorded of one mapping. */
export interface Checkpoint {
  readonly claim: Claim | undefined;
  readonly progress: ReadonlyMap<number, Progress>;
  /** Another source topic has been relayed to the same target topic. */
  readonly isShared: boolean;
}

const keyOf = (mapping: Mapping, partition?: number): string =>
  JSON.stringify({ target: mapping.target, source: mapping.source, ...(partition === undefined ? {} : { partition }) });

export function claimRecord(topic: string, mapping: Mapping, claim: Claim): ProducerRecord {
  return checkpointRecord(topic, keyOf(mapping), claim);
}

export function progressRecord(topic: string, mapping: Mapping, partition: number, progress: Progress): ProducerRecord {
  return checkpointRecord(topic, keyOf(mapping, partition), progress);
}

/** Removes a partition's progress. */
export function forgottenRecord(topic: string, mapping: Mapping, partition: number): ProducerRecord {
  return checkpointRecord(topic, keyOf(mapping, partition), undefined);
}

const checkpointRecord = (topic: string, key: string, value: object | undefined): ProducerRecord => ({
  topic,
  partition: 0,
  key: Buffer.from(key),
  value: value === undefined ? null : Buffer.from(JSON.stringify(value)),
});

/** Collects one mapping's checkpoint from the topic's messages, in order. */
export class CheckpointReader {
  readonly #mapping: Mapping;
  #claim: Claim | undefined;
  #progress = new Map<number, Progress>();
  #isShared = false;

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
  }

  /** Records of other mappings, and foreign records, are skipped. */
  add(message: Pick<Message, 'key' | 'value'>): void {
    const key = parseJson(message.key) as { target?: string; source?: string; partition?: number } | undefined;
    if (key?.target !== this.#mapping.target) return;
    if (key.source !== this.#mapping.source) {
      this.#isShared ||= key.partition === undefined && asClaim(parseJson(message.value)) !== undefined;
      return;
    }
    const value = parseJson(message.value);
    if (key.partition === undefined) this.#claim = asClaim(value);
    else if (isProgress(value)) this.#progress.set(key.partition, value);
    else this.#progress.delete(key.partition);
  }

  get checkpoint(): Checkpoint {
    return { claim: this.#claim, progress: this.#progress, isShared: this.#isShared };
  }
}

function parseJson(bytes: Buffer | null): unknown {
  if (!bytes) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

const isProgress = (value: unknown): value is Progress => {
  const progress = value as Progress | undefined;
  return Number.isSafeInteger(progress?.next) && typeof progress?.from === 'string';
};

const asClaim = (value: unknown): Claim | undefined => {
  const claim = value as Claim | undefined;
  return typeof claim?.owner === 'string' && claim.sources && claim.target ? claim : undefined;
};
