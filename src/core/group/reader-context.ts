// What every member of a group that reads one topic works with.
import type { Clock, KafkaFactory, Properties } from '../ports.js';
import type { Stats } from '../stats/stats.js';
import type { InitialOffset } from './partition-start.js';

/** Times in ms. In brackets: Kafka-Pixy's name of the setting. */
export interface ReaderSettings {
  /** The group member's client.id. */
  readonly clientId?: string;
  /** [consumer.offsets_commit_interval] */
  readonly commitIntervalMs: number;
  /** [consumer.retry_backoff] */
  readonly retryBackoffMs: number;
  /** How long a rebalance, or closing, waits for the acks of what is offered. [consumer.rebalance_ack_timeout, ours] */
  readonly rebalanceAckTimeoutMs: number;
  /** [consumer.initial_offset, ours] */
  readonly initialOffset: InitialOffset;
  readonly connectTimeoutMs: number;
  /** Over the cluster's consumer properties. */
  readonly properties: Properties;
}

/** What core says in the log; a pino logger fits. */
export interface Logger {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface ReaderContext {
  readonly kafka: KafkaFactory;
  readonly settings: ReaderSettings;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Logger;
}
