// Settings of how clients without a session (HTTP, gRPC) share a cluster's messages.
import type { ReaderContext, ReaderSettings } from '../group/reader-context.js';
import type { PartitionLimits } from './queue-partition.js';

/** Times in ms. In brackets: Kafka-Pixy's name of the setting. */
export interface QueueSettings extends PartitionLimits, ReaderSettings {
  /** [consumer.disabled] */
  readonly disabled: boolean;
  /** Requests that may wait for one group and topic. [consumer.channel_buffer_size] */
  readonly queueLength: number;
  /** [consumer.long_polling_timeout] */
  readonly longPollingTimeoutMs: number;
  /** After this time since the last answer the group is left. [consumer.subscription_timeout] */
  readonly subscriptionTimeoutMs: number;
  /** Maximum open in this cluster: each holds a thread of the pool while it waits. */
  readonly maxConsumers: number;
}

/** What every queue consumer of a cluster works with. */
export interface QueueContext extends ReaderContext {
  /** The cluster's name, for metrics. */
  readonly name: string;
  readonly settings: QueueSettings;
}
