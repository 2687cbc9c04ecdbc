// The checkpoint: where a mapping's progress and identities stand, as records of a compacted topic in the target cluster.
import { createHash } from 'node:crypto';
import type { Message, ProducerRecord } from '../../core/ports.js';
import type { Mapping } from '../config/topic-map.js';

/** How far one source partition was relayed. */
export interface Progress {
  /** The next source offset. */
  readonly next: number;
  /** Cluster id of the source that delivered up to there. */
  readonly from: string;
  /** The last message before `next`, so that another source can be held against it. */
  readonly last?: LastMessage;
}

export interface LastMessage {
  readonly offset: number;
  readonly digest: string;
}

/** What tells a message from another with its number: key and value. Times differ between sources that were filled separately. */
export function digestOf(message: Pick<Message, 'key' | 'value'>): string {
  const hash = createHash('sha256').update(`${message.key?.length ?? -1} ${message.value?.length ?? -1} `);
  if (message.key) hash.update(message.key);
  if (message.value) hash.update(message.value);
  return hash.digest('base64url').slice(0, 16);
}

/** Whom a mapping belongs to and what it connects. */
export interface Claim {
  /** The running relay that wrote last. */
  readonly owner: string;
  /** Topic id of the source topic by cluster id, for every source seen. */
  readonly sources: Readonly<Record<string, string>>;
  readonly target: { readonly cluster: string; readonly topic: string };
}

/** All that is recorded of one mapping. */
export interface Checkpoint {
  readonly claim: Claim | undefined;
  readonly progress: ReadonlyMap<number, Progress>;
}

const keyOf = (mapping: Mapping, partition?: number): string =>
  JSON.stringify({ target: mapping.target, source: mapping.source, ...(partition === undefined ? {} : { partition }) });

export function claimRecord(topic: string, mapping: Mapping, claim: Claim): ProducerRecord {
  return checkpointRecord(topic, keyOf(mapping), claim);
}

export function progressRecord(topic: string, mapping: Mapping, partition: number, progress: Progress): ProducerRecord {
  return checkpointRecord(topic, keyOf(mapping, partition), progress);
}

/** Takes a partition's progress away. */
export function forgottenRecord(topic: string, mapping: Mapping, partition: number): ProducerRecord {
  return checkpointRecord(topic, keyOf(mapping, partition), undefined);
}

const checkpointRecord = (topic: string, key: string, value: object | undefined): ProducerRecord => ({
  topic,
  partition: 0,
  key: Buffer.from(key),
  value: value === undefined ? null : Buffer.from(JSON.stringify(value)),
});

/** Gathers one mapping's checkpoint out of the topic's messages, in their order. */
export class CheckpointReader {
  readonly #mapping: Mapping;
  #claim: Claim | undefined;
  #progress = new Map<number, Progress>();

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
  }

  /** Records of other mappings, and anything that is no record of ours, are passed over. */
  add(message: Pick<Message, 'key' | 'value'>): void {
    const key = parseJson(message.key) as { target?: string; source?: string; partition?: number } | undefined;
    if (key?.target !== this.#mapping.target || key.source !== this.#mapping.source) return;
    const value = parseJson(message.value);
    if (key.partition === undefined) this.#claim = asClaim(value);
    else if (isProgress(value)) this.#progress.set(key.partition, value);
    else this.#progress.delete(key.partition);
  }

  get checkpoint(): Checkpoint {
    return { claim: this.#claim, progress: this.#progress };
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
