// Streams: what all connections share of Redis Streams: the producer of XADD, groups, tails, ranges; started and stopped as a listener.

import { fail, type GatewayError } from '../../errors.js';
import type { Cluster } from '../cluster.js';
import type { Logger } from '../group/reader-context.js';
import type { Listener } from '../listener.js';
import { type Memory, uncounted } from '../memory/memory-budget.js';
import { type Clock, type DeliveryReport, KafkaCode, type Message } from '../ports.js';
import { ProducerSession } from '../produce/producer-session.js';
import type { SessionLog } from '../stats/session-log.js';
import type { Stats } from '../stats/stats.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import { Cursors } from './cursors.js';
import { deadLetter } from './dead-letters.js';
import type { Pending } from './group/pending.js';
import type { StreamGroup, StreamGroupSettings } from './group/stream-group.js';
import { StreamGroups } from './group/stream-groups.js';
import { GroupForm } from './group-form.js';
import { GroupLeases, type NameLeases } from './group-leases.js';
import { type PartitionRange, RangeReader } from './log/range-reader.js';
import { TopicTails } from './log/topic-tails.js';
import type { RecordParts } from './record-parts.js';
import { StreamTopics, type StreamTopicsSettings } from './stream-topics.js';

export interface StreamsOptions {
  readonly cluster: Cluster;
  readonly catalog: TopicCatalog;
  readonly settings: StreamsSettings;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Logger;
  readonly sessionLog: SessionLog;
  /** Tells the other processes of the gateway that a topic was made. */
  readonly onMade: () => Promise<unknown>;
  /** Among the processes that serve the same port one reads a group. */
  readonly leases: NameLeases;
}

/** Times in ms. */
interface StreamsSettings extends StreamTopicsSettings, StreamGroupSettings {
  /** The Kafka group of a stream's consumer group; see {@link GroupForm}. */
  readonly groupId: string;
  readonly allowInternalTopics: boolean;
  readonly produceTimeoutMs: number;
  readonly lingerMs: number;
  readonly commitIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Consumers of groups, and of tails, open at once. */
  readonly maxConsumers: number;
}

const connectTimeoutMs = 10_000;
const retryBackoffMs = 500;
const flushMs = 5_000;
/** Topics that a warning is remembered for. */
const maxNoted = 1_000;
/** Of the last messages of a tailed topic, bytes. */
const tailKeepBytes = 1024 * 1024;

export class Streams implements Listener {
  readonly name = 'streams';
  readonly groupForm: GroupForm;
  readonly topics: StreamTopics;
  readonly groups: StreamGroups;
  /** Of this process, among those that serve the same port. */
  readonly leases: GroupLeases;
  readonly tails: TopicTails;
  readonly ranges: RangeReader;
  readonly cursors = new Cursors();
  readonly #options: StreamsOptions;
  readonly #producer: ProducerSession;
  readonly #deleteNoted = new Set<string>();

  constructor(options: StreamsOptions) {
    const { cluster, catalog, settings, clock, stats, log, sessionLog } = options;
    this.#options = options;
    this.groupForm = new GroupForm(settings.groupId);
    const { kafka } = cluster;
    const onFault = (fault: Parameters<SessionLog['consumerFault']>[1]) => sessionLog.consumerFault('streams', fault);
    const onBug = (err: unknown) => log.error({ err }, 'a tail failed: this is a bug');
    this.#producer = this.#makeProducer();
    this.topics = new StreamTopics({ admin: kafka.admin, catalog, clock, settings, onMade: options.onMade });
    this.ranges = new RangeReader({
      kafka,
      clock,
      timeoutMs: settings.readTimeoutMs,
      idleMs: settings.idleMs,
      onFault,
    });
    this.tails = new TopicTails(
      {
        kafka,
        admin: kafka.admin,
        catalog,
        clock,
        onFault,
        onBug,
        onRemade: (topic) => this.cursors.end(topic),
        keepBytes: tailKeepBytes,
      },
      settings.idleMs,
      settings.maxConsumers,
    );
    this.groups = new StreamGroups({
      context: {
        kafka,
        clock,
        stats,
        log,
        settings: {
          properties: { 'session.timeout.ms': settings.sessionTimeoutMs },
          connectTimeoutMs,
          commitIntervalMs: settings.commitIntervalMs,
          retryBackoffMs,
          // Entries that are not acknowledged come again elsewhere: nothing is gained by holding a rebalance up.
          rebalanceAckTimeoutMs: 0,
          initialOffset: 'oldest',
        },
      },
      catalog,
      settings,
      maxConsumers: settings.maxConsumers,
      onGivenUp: (group, entry) => this.#giveUp(group, entry),
      onLeft: (group) => this.leases.settle(group),
    });
    this.leases = new GroupLeases(
      options.leases,
      ({ kafkaGroup, topic }) => this.groups.find(kafkaGroup, topic) !== undefined,
    );
  }

  /**
   * Writes one record; settles when Kafka has it, or has refused it (see refusal()).
   * @param writer a transaction; absent: what all streams share
   * @throws GatewayError `stream-refused`, and as ProducerSession.send().
   */
  append(
    topic: string,
    { key, value, headers, hasValue }: RecordParts,
    writer: Pick<ProducerSession, 'send'> = this.#producer,
  ): Promise<DeliveryReport> {
    if (this.topics.isCompacted(topic)) checkCompacted(key !== null, hasValue);
    const timestamp = this.#options.clock.now();
    const partition = key === null ? this.topics.firstPartition(topic) : undefined;
    const placed = partition === undefined ? {} : { partition };
    const sent = writer.send({ topic, ...placed, key, value, headers, timestamp }, true);
    // The broker's time where the topic has it so; an embedded Kafka reports none.
    return sent.then((report) => (report.timestamp < 0 ? { ...report, timestamp } : report));
  }

  /** What a failed delivery is answered with. */
  refusal({ topic, error }: DeliveryReport): GatewayError {
    if (error!.code === KafkaCode.messageTimedOut || error!.code === KafkaCode.timedOut)
      return fail('stream-unconfirmed', this.#options.settings.produceTimeoutMs / 1_000);
    this.topics.forget(topic);
    return fail('stream-refused', error!.message);
  }

  /** XDEL deletes nothing: said once for a topic. */
  noteDelete(topic: string): void {
    if (this.#deleteNoted.has(topic)) return;
    if (this.#deleteNoted.size < maxNoted) this.#deleteNoted.add(topic);
    this.#options.log.warn({ topic }, 'XDEL has no effect: Kafka cannot delete one record');
  }

  /**
   * The messages of pending entries, read again: an entry without one is in Kafka no more. Callers bound how much that is.
   * @throws GatewayError `kafka-unavailable`, `memory-limit`
   */
  async load(topic: string, entries: readonly Pending[], memory: Memory): Promise<Map<Pending, Message>> {
    const loaded = new Map<Pending, Message>();
    for (const round of rounds(entries)) {
      const wanted = new Map(
        round.map((run) => [run[0]!.partition, new Map(run.map((entry) => [entry.offset, entry]))]),
      );
      let ranges = round.map((run): PartitionRange => {
        const [first, last] = [run[0]!, run[run.length - 1]!];
        return { partition: first.partition, from: first.offset, to: last.offset + 1, max: Number.POSITIVE_INFINITY };
      });
      // What lies between the entries counts too, so that one read may end before the last of them.
      while (ranges.length > 0) {
        const read = await this.ranges.read(topic, ranges, memory);
        ranges = ranges.flatMap((range) => {
          const { messages, readTo } = read.get(range.partition)!;
          for (const message of messages) {
            const entry = wanted.get(range.partition)!.get(message.offset);
            if (entry) loaded.set(entry, message);
          }
          return readTo < range.to ? [{ ...range, from: readTo }] : [];
        });
      }
    }
    return loaded;
  }

  async start(): Promise<void> {}

  async drain(): Promise<void> {}

  async closeConsumers(): Promise<void> {
    await Promise.all([this.groups.close(), this.tails.close(), this.ranges.close()]);
  }

  async stopListening(): Promise<void> {}

  close(): Promise<number> {
    return this.#producer.close(flushMs);
  }

  #makeProducer(): ProducerSession {
    const { cluster, settings, clock, stats, sessionLog } = this.#options;
    const properties = {
      // librdkafka itself gives up by then, also on what is in flight: no timer for each entry is needed.
      'message.timeout.ms': settings.produceTimeoutMs,
      'linger.ms': settings.lingerMs,
      // librdkafka's own default is twice the linger: none would send neighbours without a key to as many partitions as there are.
      'sticky.partitioning.linger.ms': 10,
    };
    return new ProducerSession({
      reports: 'all',
      open: (options, timeoutMs) => cluster.kafka.producer({ ...options, properties }, timeoutMs),
      produceTimeoutMs: settings.produceTimeoutMs,
      allowInternalTopics: settings.allowInternalTopics,
      clock,
      stats,
      onFailure: (report) => sessionLog.deliveryFailed('streams', report),
      onLost: (topics) => sessionLog.undelivered('streams', topics),
      onFault: (fault) => sessionLog.producerFault('streams', fault),
    });
  }

  async #giveUp(group: StreamGroup, entry: Pending): Promise<void> {
    const { log, stats } = this.#options;
    const { topic, kafkaGroup } = group;
    const { partition, offset, deliveries } = entry;
    const message = entry.message ?? (await this.load(topic, [entry], uncounted)).get(entry);
    const where = { topic, partition, offset, group: kafkaGroup, deliveries };
    if (message) {
      const { record, to } = deadLetter(message, kafkaGroup, deliveries);
      if (!(await this.topics.exists(to))) await this.topics.make(to);
      const report = await this.append(to, record);
      if (report.error) throw this.refusal(report);
      log.warn({ ...where, to }, 'an entry was delivered too often: moved to the dead letters');
    } else log.warn(where, 'an entry was delivered too often and is no longer in Kafka: it counts as acknowledged');
    stats.add('streams.dead.letters');
  }
}

/** Compaction needs a key to decide which record replaces which; an empty value would delete the record of its key. */
function checkCompacted(hasKey: boolean, hasValue: boolean): void {
  if (!hasKey) throw fail('stream-refused', 'the topic is compacted: an entry needs a field `key`');
  if (!hasValue) throw fail('stream-refused', 'the topic is compacted: an entry needs a value field');
}

/** Entries of a partition that lie so far apart, in offsets or in what lies between them as it seems, are read apart. */
const longestGap = 500;
const longestGapBytes = 1024 * 1024;

/** Entries as runs of neighbours, at most one run of a partition in a round. */
function rounds(entries: readonly Pending[]): Pending[][][] {
  const sorted = entries.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
  const all: Pending[][][] = [];
  let round = -1;
  let last: Pending | undefined;
  for (const entry of sorted) {
    if (last && isNear(last, entry)) all[round]!.at(-1)!.push(entry);
    else {
      round = last?.partition === entry.partition ? round + 1 : 0;
      all[round] ??= [];
      all[round]!.push([entry]);
    }
    last = entry;
  }
  return all;
}

function isNear(one: Pending, next: Pending): boolean {
  const gap = next.offset - one.offset;
  return one.partition === next.partition && gap <= longestGap && (gap - 1) * one.bytes <= longestGapBytes;
}
