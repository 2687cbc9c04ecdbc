// TransactionAcks: what one EXEC acknowledges: messages of consumers, entries of streams, and what its connection popped before.
import { ConsumerSession } from '../../core/consume/consumer-session.js';
import type { TopicPartitionOffset } from '../../core/ports.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { fail } from '../../errors.js';
import type { Context, EntryAcks, SetAside } from './context.js';

/** What takes acks. */
export type Acknowledging = ConsumerSession | StreamGroup;

interface WaitingAcks extends EntryAcks {
  count: number;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

export class TransactionAcks {
  /** What the connection popped before the EXEC, which pops more. */
  aside: SetAside | undefined;
  readonly #ofConsumers = new Map<ConsumerSession, readonly TopicPartitionOffset[]>();
  readonly #entries: WaitingAcks[] = [];
  readonly #settled: (() => void)[] = [];

  get isEmpty(): boolean {
    const { popped, elsewhere, paired } = this.aside ?? {};
    const isPopped = (popped?.length ?? 0) > 0 || elsewhere !== undefined || paired !== undefined;
    return this.#ofConsumers.size === 0 && this.#entries.length === 0 && !isPopped;
  }

  /** Settles when the transaction is committed. */
  add(session: ConsumerSession, acks: readonly TopicPartitionOffset[]): Promise<void> {
    this.#ofConsumers.set(session, [...(this.#ofConsumers.get(session) ?? []), ...acks]);
    return new Promise((resolve) => {
      this.#settled.push(resolve);
    });
  }

  /** Settles with how many counted when the transaction is committed. */
  addEntries(acks: EntryAcks): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#entries.push({ ...acks, count: 0, resolve, reject });
    });
  }

  /**
   * The acks of all commands.
   * @param writes records depend on them: each has to count. Otherwise those that do not count are left out, as without MULTI.
   * @throws GatewayError `entry-not-pending`, `group-elsewhere`, `ack-elsewhere`, `ack-no-consumer`
   */
  collect(ctx: Context, writes: boolean): Map<Acknowledging, TopicPartitionOffset[]> {
    const acks = new Map<Acknowledging, TopicPartitionOffset[]>();
    for (const [session, mine] of this.#ofConsumers) acks.set(session, [...mine]);
    for (const each of this.#entries) each.count = addPending(acks, each, writes, ctx.server.siblings.exist);
    if (this.aside) addPopped(acks, ctx, this.aside, writes);
    return acks;
  }

  /** The transaction has ended: commands answer. */
  async committed(): Promise<void> {
    for (const settle of this.#settled) settle();
    this.aside?.end('committed');
    for (const { group, otherwise, count, resolve, reject } of this.#entries) {
      if (group) resolve(count);
      else await Promise.resolve(otherwise()).then(resolve, reject);
    }
  }
}

/** @returns how many were added */
function addPending(
  acks: Map<Acknowledging, TopicPartitionOffset[]>,
  { group, kafkaGroup, topic, entries, needsOne }: EntryAcks,
  mustCount: boolean,
  hasSiblings: boolean,
): number {
  const [first] = entries;
  if (!group && mustCount && hasSiblings) throw fail('group-elsewhere', kafkaGroup);
  if (mustCount && needsOne && !first) throw fail('element-not-pending', topic);
  if (!group && mustCount) throw fail('entry-not-pending', first?.offset ?? 0, topic, first?.partition ?? 0);
  if (!group) return 0;
  const known = acks.get(group) ?? [];
  const before = known.length;
  for (const { partition, offset } of entries) {
    if (known.some((each) => each.partition === partition && each.offset === offset)) continue;
    if (group.isPending(partition, offset)) known.push({ topic, partition, offset });
    else if (mustCount) throw fail('entry-not-pending', offset, topic, partition);
  }
  if (known.length > 0) acks.set(group, known);
  return known.length - before;
}

function addPopped(
  acks: Map<Acknowledging, TopicPartitionOffset[]>,
  ctx: Context,
  { popped, elsewhere, paired }: SetAside,
  mustCount: boolean,
): void {
  for (const { group, entries } of popped) {
    const { kafkaGroup, topic } = group;
    addPending(acks, { group, kafkaGroup, topic, entries, otherwise: () => 0 }, mustCount, false);
  }
  if (elsewhere && mustCount) throw fail('group-elsewhere', elsewhere.kafkaGroup);
  if (!paired) return;
  const session = ctx.sessions.acknowledger();
  if (!(session instanceof ConsumerSession)) throw fail('ack-elsewhere', ctx.name);
  acks.set(session, [...(acks.get(session) ?? []), paired]);
}
