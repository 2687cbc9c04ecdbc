// How a cluster's messages are shared out to clients that keep no session (HTTP, gRPC).
import type { InitialOffset } from '../group/partition-start.js';
import type { Clock, KafkaFactory, Properties } from '../ports.js';
import type { Stats } from '../stats/stats.js';
import type { PartitionLimits } from './queue-partition.js';

/** Times in ms. In brackets: Kafka-Pixy's name of the setting. */
export interface SharedSettings extends PartitionLimits {
  /** [consumer.disabled] */
  readonly disabled: boolean;
  /** The group member's client.id. */
  readonly clientId?: string;
  /** Requests that may wait for one group and topic. [consumer.channel_buffer_size] */
  readonly queueLength: number;
  /** [consumer.long_polling_timeout] */
  readonly longPollingTimeoutMs: number;
  /** [consumer.offsets_commit_interval] */
  readonly commitIntervalMs: number;
  /** [consumer.retry_backoff] */
  readonly retryBackoffMs: number;
  /** Without a request for so long the group is left. [consumer.subscription_timeout] */
  readonly subscriptionTimeoutMs: number;
  /** How long a rebalance, or closing, waits for the acks of what is offered. [consumer.rebalance_ack_timeout, ours] */
  readonly rebalanceAckTimeoutMs: number;
  /** [consumer.initial_offset, ours] */
  readonly initialOffset: InitialOffset;
  readonly connectTimeoutMs: number;
  /** Open at once in this cluster: each holds a thread of the pool while it waits. */
  readonly maxConsumers: number;
  /** Over the cluster's consumer properties. */
  readonly properties: Properties;
}

/** What the Kafka side of a shared consumer needs of them. */
export type ReaderSettings = Pick<
  SharedSettings,
  | 'clientId'
  | 'properties'
  | 'connectTimeoutMs'
  | 'commitIntervalMs'
  | 'retryBackoffMs'
  | 'rebalanceAckTimeoutMs'
  | 'initialOffset'
>;

/** What core says in the log; a pino logger fits. */
export interface Journal {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** What every shared consumer of a cluster works with. */
export interface SharedContext extends ReaderContext {
  /** The cluster's, for metrics. */
  readonly name: string;
  readonly settings: SharedSettings;
}

/** The part of it that the Kafka side needs. */
export interface ReaderContext {
  readonly kafka: KafkaFactory;
  readonly settings: ReaderSettings;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Journal;
}
