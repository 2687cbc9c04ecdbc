// The `pool` section of the configuration: how REST and gRPC clients share a group's messages; and the same from Kafka-Pixy's keys.
import { z } from 'zod';
import { longestMs, tooLong } from '../core/longest.js';
import { defaultLingerMs } from './defaults.js';

const ms = z.number().int().min(1).max(longestMs, tooLong);
const count = z.number().int().min(1);

export const poolConfig = z
  .strictObject({
    clientId: z.string().optional().describe('client.id of group members (default: rafka_<host>_<pid>)'),
    ackTimeoutMs: ms.default(300_000).describe('A message without an ack for this long is offered again'),
    maxPendingMessages: count
      .default(300)
      .describe('Unacknowledged offers per partition; beyond this nothing new is offered'),
    maxRetries: z
      .number()
      .int()
      .min(-1)
      .default(-1)
      .describe('Repeated offers of a message before it is dropped as acknowledged; -1: no limit'),
    queueLength: count.default(64).describe('Requests that may wait for one group and topic'),
    longPollingTimeoutMs: ms.default(3_000).describe('Time limit of a request that waits for a message'),
    commitIntervalMs: ms.default(500).describe('Commit interval of acks'),
    retryBackoffMs: ms.default(500).describe('Pause after a failure'),
    subscriptionTimeoutMs: ms
      .default(15_000)
      .describe('The group is left when this time has passed since its last answer'),
    rebalanceAckTimeoutMs: ms.default(5_000).describe('How long a rebalance, or closing, waits for outstanding acks'),
    initialOffset: z.enum(['newest', 'oldest']).default('newest').describe('Where a group without a commit begins'),
    maxConsumers: count
      .default(200)
      .describe('Maximum consumers (one per group and topic); each may hold a pool thread'),
    produceTimeoutMs: ms.default(30_000).describe('How long a full queue or a missing broker holds a request back'),
    shutdownTimeoutMs: z
      .number()
      .int()
      .min(0)
      .max(longestMs, tooLong)
      .default(5_000)
      .describe('How long closing waits for queued messages'),
    lingerMs: z.number().min(0).max(longestMs, tooLong).default(1).describe("librdkafka's linger.ms"),
    gatherMs: z
      .number()
      .int()
      .min(0)
      .max(longestMs, tooLong)
      .default(defaultLingerMs)
      .describe(
        'Minimum linger of records without `sync`: time between two batches; up to 100 ms while many clients produce. 0: none',
      ),
  })
  .prefault({});

export type PoolConfig = z.infer<typeof poolConfig>;
