// StreamGroup: one consumer group of one stream in this gateway. One Kafka consumer hands its entries to the members that ask.
import { fail } from '../../../errors.js';
import { GroupMembership } from '../../group/group-membership.js';
import type { ReaderContext } from '../../group/reader-context.js';
import {
  type AckSource,
  type CommittedOffset,
  KafkaError,
  type Staged,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../ports.js';
import type { TopicCatalog } from '../../topics/topic-catalog.js';
import type { Place } from '../log/place.js';
import { EntryDispatcher, type ReadRequest } from './dispatcher.js';
import { type Member, Members } from './members.js';
import { byId, type Handed, type Pending } from './pending.js';
import { mergedFrom, type SortedEntries } from './pending-index.js';
import { StreamPartition } from './stream-partition.js';

export interface StreamGroupSettings {
  /** Without callers and pending entries the consumer is closed after this time, ms. */
  readonly idleMs: number;
  /** How long a member without a socket keeps its pending entries, ms. */
  readonly pendingTimeoutMs: number;
  readonly maxPending: number;
  /** Byte limit of pending entries kept in memory, per partition. */
  readonly pendingBytes: number;
  readonly dispatch: 'shared' | 'pinned';
  /** An entry is given up after this many deliveries; 0: never. */
  readonly maxDeliveries: number;
}

export interface StreamGroupOptions {
  /** Kafka's name of the group. */
  readonly kafkaGroup: string;
  readonly topic: string;
  readonly context: ReaderContext;
  readonly catalog: TopicCatalog;
  readonly settings: StreamGroupSettings;
  /** The previous group of the same name: it leaves Kafka's group before this one joins. */
  readonly after: Promise<unknown>;
  /** It was idle for idleMs: the next caller gets a successor. */
  readonly onIdle: (group: StreamGroup) => void;
  /** An entry was delivered maxDeliveries times: moves it, before it counts as acknowledged. */
  readonly onGivenUp: (group: StreamGroup, entry: Pending) => Promise<void>;
}

const sweepMs = 1_000;

/** Before every entry. */
const lowest: Place = { ms: 0, offset: 0, partition: 0 };

export class StreamGroup implements AckSource {
  readonly isShared = true;
  readonly kafkaGroup: string;
  readonly topic: string;
  readonly members = new Members();
  readonly #options: StreamGroupOptions;
  readonly #context: ReaderContext;
  readonly #membership: GroupMembership<StreamPartition>;
  readonly #dispatcher: EntryDispatcher;
  /** Entries handed out since it was opened. */
  #handedOut = 0;
  #lastDelivered: Pending | undefined;
  #usedAt: number;
  #sweepTimer: (() => void) | undefined;
  readonly #givingUp = new Set<Pending>();
  #closed = false;
  #hasJoined = false;

  constructor(options: StreamGroupOptions) {
    this.kafkaGroup = options.kafkaGroup;
    this.topic = options.topic;
    this.#options = options;
    this.#context = options.context;
    this.#usedAt = this.now();
    const { maxPending, pendingBytes, dispatch } = options.settings;
    this.#membership = new GroupMembership({
      ...options,
      group: options.kafkaGroup,
      endsWithTopic: true,
      onAssigned: (partition, start) => new StreamPartition(partition, start, maxPending, pendingBytes),
      changed: () => this.#dispatcher.serve(),
      joined: () => {
        this.#hasJoined = true;
      },
      refused: (fault) => this.#dispatcher.refuse(new KafkaError(fault)),
    });
    this.#dispatcher = new EntryDispatcher({
      clock: options.context.clock,
      members: this.members,
      partitions: () => this.partitions,
      dispatch,
      givesUp: (entry) => this.givesUp(entry),
      onHanded: (handed, request) => this.#tookAway(handed, request),
    });
    this.#sweepLater();
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#context.clock.now();
  }

  get partitions(): readonly StreamPartition[] {
    return this.#membership.partitions;
  }

  get pending(): number {
    return this.#membership.pending;
  }

  get handedOut(): number {
    return this.#handedOut;
  }

  get lastDelivered(): Pending | undefined {
    return this.#lastDelivered;
  }

  /** The group has joined at least once, maybe without partitions: other gateways may have all of them. */
  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** The group has joined, and existing messages may have arrived. */
  get isSettled(): boolean {
    return this.partitions.length > 0;
  }

  /** Time of the last request, ms since the epoch; undefined while a caller waits, or a connection uses one of its members. */
  get desertedAt(): number | undefined {
    if (this.isAwaited || this.#givingUp.size > 0) return undefined;
    for (const { sockets } of this.members) if (sockets.size > 0) return undefined;
    return this.#usedAt;
  }

  /** A caller waits for entries. */
  get isAwaited(): boolean {
    return this.#dispatcher.isAwaited;
  }

  /** A caller asked: keep the group. */
  used(): void {
    this.#usedAt = this.now();
  }

  /** Entries that are ready for a member, at most max; none while other callers wait before it. */
  read(request: ReadRequest): Handed[] {
    this.used();
    return this.#dispatcher.read(request);
  }

  /** @throws KafkaError while the group cannot be read, until an operator fixes the cause. */
  checkReadable(): void {
    const fault = this.#membership.lastingFault();
    if (fault) throw new KafkaError(fault);
  }

  /** Waits for entries in the order of callers. @returns a function that stops waiting: nothing is handed out then. */
  wait(
    request: ReadRequest,
    resolve: (handed: Handed[]) => void,
    refuse: (error: Error) => void = () => {},
  ): () => void {
    this.used();
    const stop = this.#dispatcher.wait(request, resolve, refuse);
    return () => {
      stop();
      this.used();
    };
  }

  /**
   * Acknowledges from any socket.
   * @returns false if the entry is not pending here, or during a rebalance of its partition: the ack is kept in case the
   * partition comes back; if another gateway gets it, the entry is redelivered there. See docs/decisions/0013.
   */
  ack(partition: number, offset: number): boolean {
    const found = this.#membership.find(partition);
    if (!found?.ack(offset)) return false;
    this.#context.stats.add('consumer.acks');
    this.#membership.acked();
    this.#dispatcher.serve();
    return !found.stopped;
  }

  /** Whether an ack of this entry would count. */
  isPending(partition: number, offset: number): boolean {
    const found = this.#membership.find(partition);
    return found !== undefined && !found.stopped && found.isOffered(offset);
  }

  /** Acks that a transaction takes; the entries stay pending until it is committed. @throws GatewayError `entry-not-pending`, `acks-too-sparse` */
  async stage(acks: readonly TopicPartitionOffset[]): Promise<Staged> {
    const staged = await this.#membership.stage(acks);
    return {
      ...staged,
      committed: () => {
        staged.committed();
        this.#context.stats.add('consumer.acks', acks.length);
        this.#dispatcher.serve();
      },
    };
  }

  /** Commits acknowledged entries now. @returns false if Kafka refused. */
  commit(): Promise<boolean> {
    return this.#membership.commit();
  }

  /** The pending entry at a place, unless it is unowned. */
  find(partition: number, offset: number): Pending | undefined {
    return this.#membership.find(partition)?.find(offset);
  }

  /** Pending entries, of one member or of all, by id. */
  pendingOf(member?: string): Pending[] {
    return [...this.pendingFrom(lowest, member)];
  }

  /** The same from a place on, as far as it is read. Nothing may be acknowledged, released or given to others meanwhile. */
  pendingFrom(from: Place, member?: string): Generator<Pending> {
    return mergedFrom(this.#held(member), from);
  }

  /** Where fetching goes on in the partitions of which more may be handed out. */
  awaited(): Map<number, number> {
    const open = this.partitions.filter(({ blocked, stopped }) => !blocked && !stopped);
    return new Map(open.map(({ partition, readTo }) => [partition, readTo]));
  }

  /** Entries that were given back and wait for another member, by id. */
  returned(): Pending[] {
    return this.partitions.flatMap(({ releasedEntries }) => releasedEntries).sort(byId);
  }

  /** How many entries each member holds. */
  pendingCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { held } of this.partitions)
      for (const [member, { size }] of held.byMember) counts.set(member, (counts.get(member) ?? 0) + size);
    return counts;
  }

  /** The entry with the highest id that a member holds. */
  get lastPending(): Pending | undefined {
    const lasts = this.#held().flatMap(({ last }) => last ?? []);
    return lasts.sort(byId).at(-1);
  }

  /** Gives a pending entry to a member. */
  claim(entry: Pending, member: Member): void {
    this.#membership.find(entry.partition)?.assign(entry, member.name);
    member.activeAt = this.now();
  }

  /** Makes an entry pending that was read and not handed out yet. */
  force(partition: number, offset: number, member: Member): Pending | undefined {
    return this.#membership.find(partition)?.force(offset, member.name, this.now());
  }

  /** Requeues entries. @param undelivered the reply was never sent, so the delivery count is not raised. */
  release(entries: Iterable<Pending>, undelivered: boolean): void {
    for (const entry of entries) this.#membership.find(entry.partition)?.release(entry, this.now(), undelivered);
    this.#dispatcher.serve();
  }

  /** A connection has closed: members without another one are orphaned. */
  gone(socket: object): void {
    this.members.gone(socket, this.now());
  }

  /** @returns whether an entry due for redelivery has reached its delivery limit: it is removed then. */
  givesUp(entry: Pending): boolean {
    const { maxDeliveries } = this.#options.settings;
    if (maxDeliveries === 0 || entry.deliveries < maxDeliveries) return false;
    if (this.#givingUp.has(entry)) return true;
    this.#givingUp.add(entry);
    this.#options
      .onGivenUp(this, entry)
      .then(() => this.ack(entry.partition, entry.offset))
      .catch((err: unknown) => {
        this.#context.log.error({ ...this.#where(entry), err }, 'an entry could not be moved to the dead letters');
      })
      .finally(() => this.#givingUp.delete(entry));
    return true;
  }

  /** Continues from other positions. @throws KafkaError */
  setPositions(positions: readonly CommittedOffset[]): Promise<void> {
    return this.#membership.setOffsets(positions);
  }

  /** The group or its stream was deleted: nothing is committed from now on, and waiting callers get an error. Call close() as well. */
  end(): void {
    this.#membership.abandon();
    this.#dispatcher.refuse(fail('group-ended'));
  }

  /** Commits and leaves. Never rejects. @returns out-of-order acks that no commit covers. */
  close(): Promise<CommittedOffset[]> {
    this.#closed = true;
    this.#sweepTimer?.();
    return this.#membership.close();
  }

  #tookAway(handed: Handed[], { member, noack }: ReadRequest): void {
    this.#handedOut += handed.length;
    this.#lastDelivered = handed[handed.length - 1]!.entry;
    member.activeAt = this.now();
    this.#context.stats.add('consumer.messages', handed.length);
    if (noack) this.#membership.acked();
    this.#membership.taken();
  }

  #held(member?: string): SortedEntries[] {
    return this.partitions.flatMap(({ held }) => (member === undefined ? held.all : (held.byMember.get(member) ?? [])));
  }

  #sweepLater(): void {
    this.#sweepTimer = this.#context.clock.after(sweepMs, () => {
      if (this.#closed) return;
      this.#releaseOrphans();
      if (this.#isIdle()) this.#options.onIdle(this);
      else this.#sweepLater();
    });
  }

  #releaseOrphans(): void {
    const before = this.now() - this.#options.settings.pendingTimeoutMs;
    const gone = [...this.members].filter(({ sockets, orphanedAt }) => sockets.size === 0 && orphanedAt <= before);
    const entries = gone.flatMap(({ name }) => this.pendingOf(name)).filter(({ deliveredAt }) => deliveredAt <= before);
    if (entries.length === 0) return;
    const where = { group: this.kafkaGroup, topic: this.topic, entries: entries.length };
    this.#context.log.info(where, 'entries of disconnected members are offered again');
    this.release(entries, false);
  }

  /**
   * No caller waits and no member holds entries: released entries are unowned, and are redelivered to the next reader of their
   * partitions, here or in another gateway.
   */
  #isIdle(): boolean {
    if (this.#dispatcher.isAwaited || this.#givingUp.size > 0) return false;
    if (this.partitions.some(({ pending, released }) => pending > released)) return false;
    return this.now() - this.#usedAt >= this.#options.settings.idleMs;
  }

  #where({ partition, offset }: Pending): TopicPartition & { group: string; offset: number } {
    return { group: this.kafkaGroup, topic: this.topic, partition, offset };
  }
}
