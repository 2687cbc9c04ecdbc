// KafkaGateway: what all RESP connections share of Kafka: names and their owners, limits, shared producers, the idle sweep.
import type { Cluster } from '../core/cluster.js';
import type { ConsumerSession } from '../core/consumer-session.js';
import { ConsumerSessions } from '../core/consumer-sessions.js';
import type { Admin, Clock, Properties } from '../core/ports.js';
import { ProducerSession } from '../core/producer-session.js';
import { SessionLog } from '../core/session-log.js';
import { SharedProducers } from '../core/shared-producers.js';
import { SpareProducers } from '../core/spare-producers.js';
import type { Stats } from '../core/stats.js';
import { TopicCatalog } from '../core/topic-catalog.js';
import type { Log } from '../log.js';
import type { KafkaSettings } from './config.js';
import type { Context, Gateway } from './context.js';
import type { Load } from './facts.js';
import { Identities } from './identity.js';
import { noPeers, type Peers } from './peers.js';
import { ConnectionSessions } from './sessions.js';
import { Streams } from './streams/streams.js';

export interface KafkaGatewayOptions {
  readonly cluster: Cluster;
  readonly settings: KafkaSettings;
  /** The operator's consumer section, for what a session must know of it. */
  readonly consumerProperties: Properties;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Log;
  /** The other processes that serve the same port; absent: none. */
  readonly peers?: Peers;
}

/** Kafka's own default, ms. */
const defaultMaxPollIntervalMs = 300_000;
/** How often idle producers are looked for, at most, ms. */
const longestSweepMs = 5_000;

export class KafkaGateway implements Gateway {
  readonly settings: KafkaSettings;
  readonly catalog: TopicCatalog;
  readonly consumers: ConsumerSessions;
  readonly streams: Streams;
  readonly identities: Identities<ConnectionSessions>;
  readonly peers: Peers;
  readonly #options: KafkaGatewayOptions;
  readonly #log: SessionLog;
  readonly #producers = new Set<ProducerSession>();
  readonly #shared: SharedProducers | undefined;
  readonly #spare: SpareProducers;
  #stopSweep: () => void = () => {};

  constructor(options: KafkaGatewayOptions) {
    const { cluster, clock, stats, settings, consumerProperties } = options;
    this.#options = options;
    this.settings = settings;
    this.peers = options.peers ?? noPeers(clock.now());
    this.identities = new Identities(this.peers);
    this.catalog = new TopicCatalog(cluster.kafka.admin, clock);
    this.#log = new SessionLog(options.log, () => clock.monotonic());
    this.streams = new Streams({
      cluster,
      catalog: this.catalog,
      settings: { ...settings.streams, allowInternalTopics: settings.allowInternalTopics },
      clock,
      stats,
      log: options.log,
      sessionLog: this.#log,
      onMade: () => this.peers.askAll('forgetTopics'),
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
    this.#spare = new SpareProducers({
      kafka: cluster.kafka,
      producerOptions: { reports: 'errors', gatherMs: settings.gatherMs },
      limit: settings.spareProducers,
      clock,
    });
    if (settings.sharedProducers > 0) this.#shared = new SharedProducers(cluster.kafka, settings.sharedProducers);
    this.#sweepLater();
  }

  get admin(): Admin {
    return this.#options.cluster.kafka.admin;
  }

  open(connection: Context): ConnectionSessions {
    return new ConnectionSessions(this, connection);
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
    return { producers, spareProducers: this.#spare.count, consumers: this.consumers.count, inFlight };
  }

  async inFlight(): Promise<number> {
    const counts = await Promise.all([...this.#producers].map((session) => session.flush(0)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** A producer for one connection. @param client names it in the log. */
  producer(client: () => string): ProducerSession {
    const { settings, clock, stats } = this.#options;
    const shared = this.#shared;
    const session = new ProducerSession({
      // A shared client has to tell whose each record was; one of its own only tells of failures.
      reports: shared ? 'all' : 'errors',
      open: (options, timeoutMs) => (shared ?? this.#spare).producer(options, timeoutMs),
      keep: (producer) => !shared && this.#spare.keep(producer),
      produceTimeoutMs: settings.produceTimeoutMs,
      allowInternalTopics: settings.allowInternalTopics,
      clock,
      stats,
      onFailure: (report) => this.#log.deliveryFailed(client(), report),
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

  /** Ends the idle sweep and closes the producers that are nobody's, once every session is closed. */
  async close(): Promise<void> {
    this.#stopSweep();
    await Promise.all([this.#spare.close(), this.#shared?.close(this.settings.producerFlushMs)]);
  }

  #sweepLater(): void {
    const { producerIdleTimeoutMs } = this.settings;
    if (producerIdleTimeoutMs === 0) return;
    this.#stopSweep = this.#options.clock.after(Math.min(longestSweepMs, producerIdleTimeoutMs), () => {
      for (const session of this.#producers) void session.closeIfIdle(producerIdleTimeoutMs);
      this.#spare.closeIdle(producerIdleTimeoutMs);
      this.#sweepLater();
    });
  }
}
