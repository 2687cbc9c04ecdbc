// GroupStart: where a group begins in partitions for which it has committed nothing. That position is committed before any answer,
// so that the next reader begins at the same place, however this member ends. See docs/decisions/0014.

import { type Consumer, KafkaError, OFFSET_NONE, type TopicPartition, type TopicPartitionOffset } from '../ports.js';
import { partitionKey } from '../topics/partition-key.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';

/** Where a group without a position begins; `error`: it does not begin at all. */
type StartPolicy = Consumer['startPolicy'];

export interface GroupStartOptions {
  readonly consumer: Pick<Consumer, 'committed' | 'commit' | 'edges' | 'seek'>;
  readonly topics: readonly string[];
  readonly policy: StartPolicy;
  readonly catalog: TopicCatalog;
}

export interface Pinned {
  /** Committed here: the consumer reads from this offset on, whatever it has read before. */
  readonly pinned: readonly TopicPartitionOffset[];
  /** Nothing could be committed or read: retry. */
  readonly failed: readonly TopicPartition[];
}

export interface PinOptions {
  /** Topics that were created again: their commits are void. */
  readonly remade?: ReadonlySet<string>;
  /** Resolves when no poll is under way; none begins until pin() is over. */
  readonly quiet: () => Promise<void>;
}

/** Time limit of one request to the brokers, ms. */
const askMs = 5_000;

/** One member's. */
export class GroupStart {
  readonly #options: GroupStartOptions;
  /**
   * The partitions that existed before the group was joined, with their read position: undefined where the group had a position or no
   * leader answered. Partitions that are not listed were added later. Absent: unknown.
   */
  #before: Map<string, number | undefined> | undefined;
  /** Starts to commit, from which the consumer is not known to read yet: the next try uses the same ones. */
  readonly #owed = new Map<string, number>();

  constructor(options: GroupStartOptions) {
    this.#options = options;
  }

  /**
   * Before joining the group: commits the start of partitions without one. A group with members accepts commits from those only; they
   * have committed it then, or else pin() does as soon as this consumer is a member.
   * @throws KafkaError when brokers do not answer, or refuse
   */
  async prepare(): Promise<void> {
    const { consumer, topics, policy, catalog } = this.#options;
    if (policy === 'error') return;
    const known = await catalog.all();
    const partitions = topics.flatMap((topic) =>
      (known.get(topic)?.partitions ?? []).map(({ partition }) => ({ topic, partition })),
    );
    const committed = await this.#committed(partitions);
    const before = new Map<string, number | undefined>(partitions.map((each) => [keyOf(each), undefined]));
    this.#before = before;
    const starts = await this.#starts(committed.filter(isOpen), grown(committed));
    for (const start of starts) before.set(keyOf(start), start.offset);
    // Asked once more: a commit by another member since then may be older, and is valid from that member's first answer on.
    const still = (await this.#committed(starts)).filter(isOpen).map(keyOf);
    const ours = starts.filter((start) => still.includes(keyOf(start)));
    if (ours.length > 0) await consumer.commit(ours).catch(ignoreRefusal);
  }

  /** The topic was deleted and created again: all of it is newer than the group's joining. */
  remade(topic: string): void {
    for (const known of [this.#before, this.#owed])
      for (const key of known?.keys() ?? []) if (key.slice(0, key.lastIndexOf(':')) === topic) known?.delete(key);
  }

  /** Where a partition without a commit begins; undefined: where the policy says, as of now. */
  startOf({ topic, partition }: TopicPartition): number | 'first' | undefined {
    const key = partitionKey(topic, partition);
    const tried = this.#owed.get(key);
    if (tried !== undefined) return tried;
    if (!this.#before) return undefined;
    return this.#before.has(key) ? this.#before.get(key) : 'first';
  }

  /**
   * For assigned partitions: commits the start of those without one, and makes the consumer read from there.
   */
  async pin(assigned: readonly TopicPartition[], { remade = new Set(), quiet }: PinOptions): Promise<Pinned> {
    const { consumer, policy } = this.#options;
    if (policy === 'error' && remade.size === 0) return { pinned: [], failed: [] };
    let open = assigned;
    try {
      const committed = await this.#committed(assigned.filter(({ topic }) => !remade.has(topic)));
      // Committed at an earlier try with another result: the consumer does not read from there yet.
      const owed = committed.filter((each) => this.#owed.get(keyOf(each)) === each.offset);
      const without = policy === 'error' ? [] : committed.filter(isOpen);
      const fresh = [...without, ...assigned.filter(({ topic }) => remade.has(topic))];
      open = [...owed, ...fresh];
      if (open.length === 0) return { pinned: [], failed: [] };
      const starts = fresh.length > 0 ? await this.#starts(fresh, remade) : [];
      for (const start of starts) this.#owed.set(keyOf(start), start.offset);
      if (starts.length > 0) await consumer.commit(starts);
      await quiet();
      const sought = await Promise.all([...owed, ...starts].map((start) => this.#seek(start)));
      const pinned = sought.flatMap((start) => start ?? []);
      for (const start of pinned) this.#owed.delete(keyOf(start));
      const done = new Set(pinned.map(keyOf));
      return { pinned, failed: open.filter((each) => !done.has(keyOf(each))) };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { pinned: [], failed: open };
    }
  }

  /** @returns undefined if reading has not begun yet, or the partition was revoked. */
  async #seek(start: TopicPartitionOffset): Promise<TopicPartitionOffset | undefined> {
    try {
      await this.#options.consumer.seek(start, askMs);
      return start;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return undefined;
    }
  }

  async #committed(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    return partitions.length > 0 ? this.#options.consumer.committed(partitions, askMs) : [];
  }

  /** @param fromFirst topics whose open partitions are all newer. @returns without those whose leader does not answer */
  async #starts(open: readonly TopicPartition[], fromFirst: ReadonlySet<string>): Promise<TopicPartitionOffset[]> {
    const { consumer, policy } = this.#options;
    const known: TopicPartitionOffset[] = [];
    const first: TopicPartition[] = [];
    const last: TopicPartition[] = [];
    for (const { topic, partition } of open) {
      const start = fromFirst.has(topic) ? 'first' : this.startOf({ topic, partition });
      if (typeof start === 'number') known.push({ topic, partition, offset: start });
      else if (policy === 'earliest' || start === 'first') first.push({ topic, partition });
      else last.push({ topic, partition });
    }
    const [low, high] = await Promise.all([
      first.length > 0 ? consumer.edges(first, 'low', askMs) : [],
      last.length > 0 ? consumer.edges(last, 'high', askMs) : [],
    ]);
    return [...known, ...low, ...high];
  }
}

/**
 * Topics with positions for their first partitions and none for the others: those were added after the group began, because a group
 * gets a position for every existing partition when it begins.
 */
function grown(committed: readonly TopicPartitionOffset[]): Set<string> {
  const lastWith = new Map<string, number>();
  const firstWithout = new Map<string, number>();
  for (const { topic, partition, offset } of committed) {
    if (offset !== OFFSET_NONE) lastWith.set(topic, Math.max(partition, lastWith.get(topic) ?? partition));
    else firstWithout.set(topic, Math.min(partition, firstWithout.get(topic) ?? partition));
  }
  return new Set(
    [...lastWith].filter(([topic, last]) => last < (firstWithout.get(topic) ?? -1)).map(([topic]) => topic),
  );
}

const isOpen = ({ offset }: TopicPartitionOffset): boolean => offset === OFFSET_NONE;
const keyOf = ({ topic, partition }: TopicPartition): string => partitionKey(topic, partition);

/** A group with members: they commit. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof KafkaError)) throw error;
}
