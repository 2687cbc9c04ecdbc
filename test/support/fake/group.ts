// The fake Kafka's consumer groups: members, range assignment, committed offsets.
import type { CommittedOffset, TopicPartition } from '../../../src/core/ports.js';
import { keyOf } from './log.js';

/** What a group requires of its members. */
export interface Member {
  readonly memberId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly assigned: readonly TopicPartition[];
  /** Gives up the assignment; stored offsets are committed. */
  revoke(): Promise<void>;
  assign(partitions: readonly TopicPartition[]): Promise<void>;
}

export class FakeGroup {
  generation = 0;
  readonly committed = new Map<string, CommittedOffset>();
  #members: Member[] = [];
  #rebalancing: Promise<void> = Promise.resolve();
  readonly #partitionsOf: (topic: string) => number;

  constructor(partitionsOf: (topic: string) => number) {
    this.#partitionsOf = partitionsOf;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  join(member: Member): Promise<void> {
    if (!this.#members.includes(member)) this.#members.push(member);
    return this.rebalance();
  }

  leave(member: Member): Promise<void> {
    this.#members = this.#members.filter((other) => other !== member);
    return this.rebalance();
  }

  /** All members give up their partitions, then the partitions of each topic are assigned in ranges, in the order of joining. */
  rebalance(): Promise<void> {
    this.#rebalancing = this.#rebalancing.then(async () => {
      this.generation++;
      const members = [...this.#members];
      await Promise.all(members.map((member) => member.revoke()));
      const shares = this.#deal(members);
      const present = members.filter((member) => this.#members.includes(member));
      await Promise.all(present.map((member) => member.assign(shares.get(member) ?? [])));
    });
    return this.#rebalancing;
  }

  commit(offsets: readonly CommittedOffset[]): void {
    for (const offset of offsets) this.committed.set(keyOf(offset), offset);
  }

  #deal(members: readonly Member[]): Map<Member, TopicPartition[]> {
    const shares = new Map<Member, TopicPartition[]>(members.map((member) => [member, []]));
    for (const topic of new Set(members.flatMap(({ topics }) => topics))) {
      const takers = members.filter(({ topics }) => topics.includes(topic));
      const count = this.#partitionsOf(topic);
      for (let partition = 0; partition < count; partition++) {
        const taker = takers[Math.floor((partition * takers.length) / count)];
        if (taker) shares.get(taker)?.push({ topic, partition });
      }
    }
    return shares;
  }
}
