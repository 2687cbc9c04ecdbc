// Settings of stream groups and of their consumers for unit tests.
import type { StreamGroupSettings } from '../../src/core/streams/group/stream-group.js';

export const streamConsumerSettings = {
  properties: {},
  connectTimeoutMs: 1_000,
  commitIntervalMs: 1,
  retryBackoffMs: 10,
  rebalanceAckTimeoutMs: 0,
  initialOffset: 'oldest',
} as const;

export const streamGroupSettings: StreamGroupSettings = {
  idleMs: 60_000,
  pendingTimeoutMs: 60_000,
  maxPending: 10_000,
  pendingBytes: 1_000_000,
  dispatch: 'shared',
  maxDeliveries: 0,
};
