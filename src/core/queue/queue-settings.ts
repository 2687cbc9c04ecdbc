// How a cluster's messages are shared out to clients that keep no session (HTTP, gRPC).
import type { ReaderContext, ReaderSettings } from '../group/reader-context.js';
import type { PartitionLimits } from './queue-partition.js';

/** Times in ms. In brackets: Kafka-Pixy's name of the setting. */
export interface SharedSettings extends PartitionLimits, ReaderSettings {
  /** [consumer.disabled] */
  readonly disabled: boolean;
  /** Requests that may wait for one group and topic. [consumer.channel_buffer_size] */
  readonly queueLength: number;
  /** [consumer.long_polling_timeout] */
  readonly longPollingTimeoutMs: number;
  /** Without a request for so long the group is left. [consumer.subscription_timeout] */
  readonly subscriptionTimeoutMs: number;
  /** Open at once in this cluster: each holds a thread of the pool while it waits. */
  readonly maxConsumers: number;
}

/** What every shared consumer of a cluster works with. */
export interface SharedContext extends ReaderContext {
  /** The cluster's, for metrics. */
  readonly name: string;
  readonly settings: SharedSettings;
}
