// Settings of shared consumers for unit tests: Kafka-Pixy's defaults, with shorter times.
import type { SharedSettings } from '../../src/core/shared-settings.js';

export const sharedSettings: SharedSettings = {
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
