// Settings of queue consumers and producers for unit tests: Kafka-Pixy's defaults, with shorter times.
import type { ProduceSettings } from '../../src/core/queue/proxy.js';
import type { QueueSettings } from '../../src/core/queue/queue-settings.js';

export const sharedSettings: QueueSettings = {
  disabled: false,
  clientId: 'me',
  ackTimeoutMs: 1_000,
  maxRetries: -1,
  maxPendingMessages: 300,
  queueLength: 3,
  longPollingTimeoutMs: 3_000,
  commitIntervalMs: 50,
  retryBackoffMs: 100,
  subscriptionTimeoutMs: 15_000,
  rebalanceAckTimeoutMs: 500,
  initialOffset: 'oldest',
  connectTimeoutMs: 1_000,
  maxConsumers: 3,
  properties: {},
};

export const produceSettings: ProduceSettings = {
  maxMessageBytes: 1_000,
  headers: true,
  roundRobin: false,
  produceTimeoutMs: 1_000,
  shutdownTimeoutMs: 1_000,
  lingerMs: 0,
  properties: {},
};
