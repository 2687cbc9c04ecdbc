// TopicReader: the topics of a cluster for the console. Names come from one request that is kept for a while; details are asked per page.
import type { Clock, KafkaFactory, TopicMetadata, TopicPartition } from '../../../core/ports.js';
import { findTopic } from '../../../core/topics/topics.js';

/** How old the list of topics may be, ms. */
const maxAgeMs = 5_000;
/** Message counts remembered for rates. */
const mostCounts = 5_000;
/** A rate is taken over at least this time, ms. */
const rateMs = 2_000;

/** null: unknown. */
export interface TopicRow {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  /** Partitions that have no leader, or fewer replicas in sync than they should. */
  readonly underReplicated: number;
  readonly messages: number | null;
  readonly perSecond: number | null;
  readonly retentionMs: number | null;
  readonly isCompacted: boolean | null;
}

export interface PartitionRow {
  readonly partition: number;
  /** null: none. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly begin: number | null;
  readonly end: number | null;
}

interface Marks {
  readonly low: number;
  readonly high: number;
}

interface Count {
  readonly at: number;
  readonly end: number;
  readonly perSecond: number | null;
}

export class TopicReader {
  readonly #kafka: KafkaFactory;
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();
  #all: Promise<readonly TopicMetadata[]> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(kafka: KafkaFactory, clock: Clock) {
    this.#kafka = kafka;
    this.#clock = clock;
  }

  /** All topics, at most some seconds old: one request, however many look. @throws KafkaError */
  all(): Promise<readonly TopicMetadata[]> {
    const now = this.#clock.monotonic();
    if (!this.#all || now - this.#askedAt > maxAgeMs) {
      this.#askedAt = now;
      const asked = this.#kafka.admin.topics();
      this.#all = asked;
      asked.catch(() => {
        if (this.#all === asked) this.#all = undefined;
      });
    }
    return this.#all;
  }

  /** The details of some topics. @throws KafkaError */
  async rows(names: readonly string[]): Promise<TopicRow[]> {
    if (names.length === 0) return [];
    const wanted = new Set(names);
    const topics = (await this.all()).filter(({ name }) => wanted.has(name));
    const [marks, configs] = await Promise.all([
      this.marks(topics.flatMap(partitionsOf)),
      this.#kafka.admin.topicConfigs(names).catch(() => undefined),
    ]);
    const byName = new Map(topics.map((topic) => [topic.name, topic]));
    return names.flatMap((name) => {
      const topic = byName.get(name);
      return topic ? [this.#row(topic, marks, configs?.get(name))] : [];
    });
  }

  /** One topic with its partitions and settings. @throws GatewayError `topic-unknown`, KafkaError */
  async describe(
    name: string,
  ): Promise<{ row: TopicRow; partitions: PartitionRow[]; config: object | null; minIsr: number | null }> {
    const topic = await findTopic(this.#kafka.admin, name);
    const [marks, configs] = await Promise.all([
      this.marks(partitionsOf(topic)),
      this.#kafka.admin.topicConfigs([name]).catch(() => undefined),
    ]);
    const config = configs?.get(name);
    const partitions = topic.partitions
      .map(({ partition, leader, replicas, isrs }) => {
        const mark = marks.get(`${name}:${partition}`);
        const edges = { begin: mark?.low ?? null, end: mark?.high ?? null };
        return { partition, leader: leader < 0 ? null : leader, replicas, isr: isrs, ...edges };
      })
      .sort((one, other) => one.partition - other.partition);
    return {
      row: this.#row(topic, marks, config),
      partitions,
      config: config
        ? Object.fromEntries([...config].map(([key, { value, overridden }]) => [key, { value, overridden }]))
        : null,
      minIsr: numberOf(config?.get('min.insync.replicas')?.value),
    };
  }

  /** First and next offsets by `topic:partition`; without partitions whose leader does not answer. Never rejects. */
  async marks(partitions: readonly TopicPartition[]): Promise<Map<string, Marks>> {
    if (partitions.length === 0) return new Map();
    const { admin } = this.#kafka;
    const [lows, highs] = await Promise.all([
      admin.edges(partitions, 'low').catch(() => []),
      admin.edges(partitions, 'high').catch(() => []),
    ]);
    const low = new Map(lows.map(({ topic, partition, offset }) => [`${topic}:${partition}`, offset]));
    return new Map(
      highs.flatMap(({ topic, partition, offset }): [string, Marks][] => {
        const first = low.get(`${topic}:${partition}`);
        return first === undefined ? [] : [[`${topic}:${partition}`, { low: first, high: offset }]];
      }),
    );
  }

  #row(
    topic: TopicMetadata,
    marks: ReadonlyMap<string, Marks>,
    config: ReadonlyMap<string, { value: string }> | undefined,
  ): TopicRow {
    const found = topic.partitions.map(({ partition }) => marks.get(`${topic.name}:${partition}`));
    const isKnown = found.every((mark) => mark !== undefined);
    const policy = config?.get('cleanup.policy')?.value;
    return {
      name: topic.name,
      partitions: topic.partitions.length,
      replicas: Math.max(0, ...topic.partitions.map(({ replicas }) => replicas.length)),
      underReplicated: topic.partitions.filter(
        ({ leader, replicas, isrs }) => leader < 0 || isrs.length < replicas.length,
      ).length,
      messages: isKnown ? found.reduce((sum, mark) => sum + mark.high - mark.low, 0) : null,
      perSecond: isKnown
        ? this.#rate(
            topic.name,
            found.reduce((sum, mark) => sum + mark.high, 0),
          )
        : null,
      retentionMs: numberOf(config?.get('retention.ms')?.value),
      isCompacted: policy === undefined ? null : policy.includes('compact'),
    };
  }

  /** Since the last look; null at the first. */
  #rate(name: string, end: number): number | null {
    const now = this.#clock.monotonic();
    const before = this.#counts.get(name);
    if (before && now - before.at < rateMs) return before.perSecond;
    const perSecond = before ? Math.max(0, Math.round(((end - before.end) / (now - before.at)) * 10_000) / 10) : null;
    this.#counts.delete(name);
    if (this.#counts.size >= mostCounts) this.#counts.delete(this.#counts.keys().next().value!);
    this.#counts.set(name, { at: now, end, perSecond });
    return perSecond;
  }
}

export const partitionsOf = ({ name, partitions }: TopicMetadata): TopicPartition[] =>
  partitions.map(({ partition }) => ({ topic: name, partition }));

function numberOf(text: string | undefined): number | null {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) ? null : value;
}
