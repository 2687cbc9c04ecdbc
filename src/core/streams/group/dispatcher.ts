// EntryDispatcher: which entries of a group's partitions go to which waiting members: first come, first served.
import type { Clock } from '../../ports.js';
import type { Member, Members } from './members.js';
import { type Handed, type Pending, ReplyRoom } from './pending.js';
import type { StreamPartition, Wants } from './stream-partition.js';

export interface ReadRequest {
  readonly member: Member;
  readonly max: number;
  readonly noack: boolean;
}

interface Waiting extends ReadRequest {
  readonly resolve: (handed: Handed[]) => void;
  readonly refuse: (error: Error) => void;
}

export interface EntryDispatcherOptions {
  readonly clock: Clock;
  readonly members: Members;
  /** The partitions that may serve requests, ascending. */
  readonly partitions: () => readonly StreamPartition[];
  /** `pinned`: a record key always goes to the same member. */
  readonly dispatch: 'shared' | 'pinned';
  /** Whether an entry due for redelivery has reached its delivery limit: it is removed then. */
  readonly givesUp: (entry: Pending) => boolean;
  /** Entries were handed to a member. */
  readonly onHanded: (handed: Handed[], request: ReadRequest) => void;
}

export class EntryDispatcher {
  readonly #options: EntryDispatcherOptions;
  readonly #waiting = new Set<Waiting>();
  /** Where the round robin over the partitions continues. */
  #turn = 0;

  constructor(options: EntryDispatcherOptions) {
    this.#options = options;
  }

  /** A caller waits for entries. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Entries that are ready for a member, at most max; none while other callers wait before it. */
  read(request: ReadRequest): Handed[] {
    return this.isAwaited ? [] : this.#take(request);
  }

  /** Waits for entries in the order of callers. @returns a function that stops waiting: nothing is handed out then. */
  wait(request: ReadRequest, resolve: Waiting['resolve'], refuse: Waiting['refuse']): () => void {
    const waiting = { ...request, resolve, refuse };
    this.#waiting.add(waiting);
    return () => {
      this.#waiting.delete(waiting);
    };
  }

  /** No entries will come, or not before an operator fixes the cause: waiting callers get the error. */
  refuse(error: Error): void {
    const refused = [...this.#waiting];
    this.#waiting.clear();
    for (const { refuse } of refused) refuse(error);
  }

  /** Entries are ready: waiting callers get them. */
  serve(): void {
    for (const waiting of this.#waiting) {
      const handed = this.#take(waiting);
      if (handed.length === 0) {
        if (this.#options.dispatch === 'pinned') continue;
        return;
      }
      this.#waiting.delete(waiting);
      waiting.resolve(handed);
    }
  }

  #take(request: ReadRequest): Handed[] {
    const partitions = this.#options.partitions();
    const handed: Handed[] = [];
    if (partitions.length === 0) return handed;
    const now = this.#options.clock.now();
    const wants = this.#wants(request.member);
    const room = new ReplyRoom();
    // One partition at a time: a round robin for each entry would cost more than it evens out.
    for (let step = 0; step < partitions.length && handed.length < request.max && !room.isFull; step++) {
      const partition = partitions[(this.#turn + step) % partitions.length]!;
      this.#takeFrom(partition, request, now, wants, handed, room);
    }
    this.#turn = (this.#turn + 1) % partitions.length;
    if (handed.length > 0) this.#options.onHanded(handed, request);
    return handed;
  }

  #takeFrom(
    partition: StreamPartition,
    { member, max, noack }: ReadRequest,
    now: number,
    wants: Wants | undefined,
    handed: Handed[],
    room: ReplyRoom,
  ): void {
    while (handed.length < max && !room.isFull) {
      const next = partition.take(member.name, now, noack, wants);
      if (!next) return;
      if (next.entry.deliveries > 1) {
        next.entry.deliveries--;
        if (this.#options.givesUp(next.entry)) continue;
        next.entry.deliveries++;
      }
      room.take(next.entry);
      handed.push(next);
    }
  }

  #wants(member: Member): Wants | undefined {
    const { dispatch, members } = this.#options;
    if (dispatch === 'shared') return undefined;
    return (key) => {
      const owner = members.ownerOf(key);
      return owner === undefined || owner === member.name;
    };
  }
}
