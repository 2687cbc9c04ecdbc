// A group that is read on the fake Kafka, for tests of its reader and of its membership.
import { GroupMembership, type GroupMembershipOptions } from '../../src/core/group/group-membership.js';
import type { ReaderSettings } from '../../src/core/group/reader-context.js';
import { QueuePartition } from '../../src/core/queue/queue-partition.js';
import { Stats } from '../../src/core/stats/stats.js';
import { TopicCatalog } from '../../src/core/topics/topic-catalog.js';
import { ManualClock } from './clock.js';
import { FakeKafka } from './fake-kafka.js';
import { sharedSettings } from './queue-settings.js';

const limits = { ackTimeoutMs: 1_000, maxRetries: -1, maxPendingMessages: 300 };

/** The group `g` of the topic `t`. */
export class GroupScene {
  readonly clock = new ManualClock();
  readonly kafka = new FakeKafka({ clock: this.clock, autoCreatePartitions: 0 });
  readonly catalog = new TopicCatalog(this.kafka.admin, this.clock);
  readonly lines: string[] = [];
  readonly settings: ReaderSettings;

  constructor(over: Partial<ReaderSettings> = {}) {
    this.settings = { ...sharedSettings, ...over };
  }

  /** A member of the group in this process. */
  join(over: Partial<GroupMembershipOptions<QueuePartition>> = {}): GroupMembership<QueuePartition> {
    const say = (_: object, text: string): void => {
      this.lines.push(text);
    };
    const log = { debug: () => {}, info: say, warn: say, error: say };
    const { kafka, clock, catalog, settings } = this;
    return new GroupMembership<QueuePartition>({
      group: 'g',
      topic: 't',
      context: { kafka, settings, clock, stats: new Stats(), log },
      catalog,
      after: Promise.resolve(),
      onAssigned: (partition, start) => new QueuePartition(partition, start, limits, () => {}),
      changed: () => {},
      ...over,
    });
  }

  /** What the members' partitions offer now, one message each time. */
  take(membership: GroupMembership<QueuePartition>): string[] {
    return membership.partitions.flatMap((partition) => {
      const message = partition.take(this.clock.now());
      return message ? [String(message.value)] : [];
    });
  }

  /** Time passes in small steps: a reopened consumer takes several turns between two timers. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) await this.clock.advance(50);
  }

  /** Runs while time passes. */
  async settled<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    void work.finally(() => {
      isOver = true;
    });
    while (!isOver) await this.clock.advance(10);
    return work;
  }

  committed(partition = 0): number | undefined {
    const found = [...this.kafka.group('g').committed.values()].find((each) => each.partition === partition);
    return found?.offset;
  }
}
