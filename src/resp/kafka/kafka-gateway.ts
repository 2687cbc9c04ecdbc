// KafkaGateway: what all RESP connections share of Kafka: names and their owners, limits, idle producers and their sweep.
import type { Cluster } from '../../core/cluster.js';
import type { ConsumerSession } from '../../core/consume/consumer-session.js';
import { ConsumerSessions } from '../../core/consume/consumer-sessions.js';
import type { Admin, Clock, ProducerOptions, Properties } from '../../core/ports.js';
import { IdleProducerPool } from '../../core/produce/idle-producer-pool.js';
import { LeftRecords } from '../../core/produce/left-records.js';
import { ProducerSession } from '../../core/produce/producer-session.js';
import { TransactionProducers } from '../../core/produce/transaction-producers.js';
import { own } from '../../core/promises.js';
import { SessionLog } from '../../core/stats/session-log.js';
import type { Stats } from '../../core/stats/stats.js';
import { Streams } from '../../core/streams/streams.js';
import { TopicCatalog } from '../../core/topics/topic-catalog.js';
import type { Log } from '../../log.js';
import { Identities } from '../clients/identity.js';
import type { Context, Gateway } from '../command/context.js';
import type { KafkaSettings } from '../config.js';
import type { Load } from '../siblings/load.js';
import { noSiblings, type Siblings } from '../siblings/siblings.js';
import { ConnectionSessions } from './sessions.js';
import type { ConsumerOwner, SharedClients } from './shared-clients.js';

export interface KafkaGatewayOptions {
  readonly cluster: Cluster;
  readonly settings: KafkaSettings;
  /** The operator's consumer section, for defaults that a session must know. */
  readonly consumerProperties: Properties;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Log;
  /** The other processes behind the same port; absent: none. */
  readonly siblings?: Siblings;
  /** What transactional ids begin with; absent: no transactions. */
  readonly transactionalId?: string;
}

/** Kafka's own default, ms. */
const defaultMaxPollIntervalMs = 300_000;
/** Maximum interval of looking for idle producers, ms. */
const longestSweepMs = 5_000;

export class KafkaGateway implements Gateway, SharedClients {
  readonly settings: KafkaSettings;
  readonly catalog: TopicCatalog;
  readonly consumers: ConsumerSessions;
  readonly streams: Streams;
  readonly transactions: TransactionProducers | undefined;
  readonly identities: Identities<ConsumerOwner>;
  readonly siblings: Siblings;
  readonly #options: KafkaGatewayOptions;
  readonly #log: SessionLog;
  readonly #producers = new Set<ProducerSession>();
  /** Sessions whose messages are answered when they are queued, and when they are delivered. */
  /** Idle producers, by when their records are answered. */
  readonly #queued: IdleProducerPool;
  readonly #delivered: IdleProducerPool;
  /** What closed connections hold and have lost. */
  readonly leftRecords: LeftRecords;
  #stopSweep: () => void = () => {};

  constructor(options: KafkaGatewayOptions) {
    const { cluster, clock, stats, settings, consumerProperties } = options;
    this.#options = options;
    this.settings = settings;
    this.siblings = options.siblings ?? noSiblings(clock.now());
    this.identities = new Identities(this.siblings);
    const { siblings } = this;
    const endsElsewhere = async (topic: string) => {
      // Without an answer a read shows what Kafka shows.
      const answers = await siblings.askAll('writtenEnds', topic).catch(() => []);
      return answers.flat();
    };
    this.catalog = new TopicCatalog(cluster.kafka.admin, clock, siblings.exist ? endsElsewhere : undefined);
    this.#log = new SessionLog(
      options.log,
      () => clock.monotonic(),
      () => cluster.health?.suspect(),
    );
    this.streams = new Streams({
      cluster,
      catalog: this.catalog,
      settings: { ...settings.streams, allowInternalTopics: settings.allowInternalTopics },
      clock,
      stats,
      log: options.log,
      sessionLog: this.#log,
      onMade: () => this.siblings.askAll('forgetTopics'),
      leases: this.siblings,
    });
    this.consumers = new ConsumerSessions({
      kafka: cluster.kafka,
      catalog: this.catalog,
      clock,
      stats,
      log: this.#log,
      maxConsumers: settings.maxConsumers,
      prefetchBytes: settings.maxPrefetchBytes,
      maxPollIntervalMs: Number(consumerProperties['max.poll.interval.ms'] ?? defaultMaxPollIntervalMs),
    });
    this.#queued = this.#spareProducers({ reports: 'errors', lingerMs: settings.lingerMs });
    // librdkafka itself gives up by then: the client waits for the answer.
    const timeout = { 'message.timeout.ms': settings.streams.produceTimeoutMs };
    this.#delivered = this.#spareProducers({ reports: 'all', properties: timeout, lingerMs: settings.lingerMs });
    this.transactions = this.#transactionProducers();
    this.leftRecords = new LeftRecords(clock, `${this.siblings.server.firstConnectionId}-`);
    this.#sweepLater();
  }

  get admin(): Admin {
    return this.#options.cluster.kafka.admin;
  }

  open(connection: Context): ConnectionSessions {
    return new ConnectionSessions(this, connection);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get cluster(): Cluster {
    return this.#options.cluster;
  }

  load(): Pick<Load, 'producers' | 'spareProducers' | 'consumers' | 'inFlight'> {
    let producers = 0;
    let inFlight = 0;
    for (const session of this.#producers) {
      if (session.isOpen) producers++;
      inFlight += session.inFlight;
    }
    const spareProducers = this.#queued.count + this.#delivered.count;
    return { producers, spareProducers, consumers: this.consumers.count, inFlight };
  }

  async inFlight(): Promise<number> {
    const counts = await Promise.all([...this.#producers].map((session) => session.flush(0)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * A producer for one connection.
   * @param answered when its messages are answered
   * @param client its name in the log
   */
  producer(answered: 'queued' | 'delivered', client: () => string): ProducerSession {
    const { settings, clock, stats } = this.#options;
    const spare = answered === 'queued' ? this.#queued : this.#delivered;
    const session = new ProducerSession({
      reports: answered === 'delivered' ? 'all' : 'errors',
      open: (options, timeoutMs) => spare.producer(options, timeoutMs),
      keep: (producer) => spare.keep(producer),
      produceTimeoutMs: settings.produceTimeoutMs,
      allowInternalTopics: settings.allowInternalTopics,
      clock,
      stats,
      onFailure: (report) => this.#log.deliveryFailed(client(), report),
      onLost: (topics) => this.#log.undelivered(client(), topics),
      onFault: (fault) => this.#log.producerFault(client(), fault),
    });
    this.#producers.add(session);
    return session;
  }

  /** Flushes and closes a connection's producer. @returns messages that were not delivered. */
  async closeProducer(session: ProducerSession): Promise<number> {
    const left = await session.close(this.settings.producerFlushMs);
    this.#producers.delete(session);
    return left;
  }

  closeConsumer(session: ConsumerSession): Promise<void> {
    return this.consumers.close(session, this.settings.consumerCloseMs);
  }

  /** Ends the idle sweep and closes unowned producers, once every session is closed. */
  async close(): Promise<void> {
    this.#stopSweep();
    await this.transactions?.close(this.settings.producerFlushMs);
    await Promise.all([this.#queued.close(), this.#delivered.close()]);
  }

  #spareProducers(producerOptions: Pick<ProducerOptions, 'reports' | 'properties' | 'lingerMs'>): IdleProducerPool {
    const { cluster, settings, clock } = this.#options;
    return new IdleProducerPool({ kafka: cluster.kafka, producerOptions, limit: settings.spareProducers, clock });
  }

  #transactionProducers(): TransactionProducers | undefined {
    const { cluster, settings, clock, stats, transactionalId } = this.#options;
    const { kafka } = cluster;
    if (settings.transactions === 'off' || kafka.embedded || transactionalId === undefined) return undefined;
    return new TransactionProducers({
      kafka,
      idPrefix: transactionalId,
      limit: settings.transactionProducers,
      timeoutMs: settings.streams.produceTimeoutMs,
      clock,
      stats,
      onFault: (fault) => this.#log.producerFault('transactions', fault),
    });
  }

  #sweepLater(): void {
    const { producerIdleTimeoutMs } = this.settings;
    if (producerIdleTimeoutMs === 0) return;
    this.#stopSweep = this.#options.clock.after(Math.min(longestSweepMs, producerIdleTimeoutMs), () => {
      for (const session of this.#producers)
        own(session.closeIfIdle(producerIdleTimeoutMs), (err) =>
          this.#options.log.error({ err }, 'an idle producer could not be closed: this is a bug'),
        );
      this.#queued.closeIdle(producerIdleTimeoutMs);
      this.#delivered.closeIdle(producerIdleTimeoutMs);
      this.transactions?.closeIdle(producerIdleTimeoutMs);
      this.#sweepLater();
    });
  }
}
