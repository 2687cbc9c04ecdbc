// The `pool` section of the configuration: how REST and gRPC clients share a group's messages; and the same from Kafka-Pixy's keys.
import { z } from 'zod';
import { longestMs, tooLong } from '../core/longest.js';
import { longestGatherMs } from './defaults.js';

const ms = z.number().int().min(1).max(longestMs, tooLong);
const count = z.number().int().min(1);

export const poolConfig = z
  .strictObject({
    clientId: z.string().optional().describe('client.id of group members (default: rafka_<host>_<pid>)'),
    ackTimeoutMs: ms.default(300_000).describe('A message that is not acked in time is offered again'),
    maxPendingMessages: count.default(300).describe('Offers without ack per partition, before nothing new is offered'),
    maxRetries: z
      .number()
      .int()
      .min(-1)
      .default(-1)
      .describe('Offers again before a message is acked unseen; -1: endless'),
    queueLength: count.default(64).describe('Requests that may wait for one group and topic'),
    longPollingTimeoutMs: ms.default(3_000).describe('How long a request waits for a message'),
    commitIntervalMs: ms.default(500).describe('How often acks are committed'),
    retryBackoffMs: ms.default(500).describe('Pause after a failure'),
    subscriptionTimeoutMs: ms.default(15_000).describe('Without a request for so long a group is left'),
    rebalanceAckTimeoutMs: ms.default(5_000).describe('How long a rebalance, or closing, waits for outstanding acks'),
    initialOffset: z.enum(['newest', 'oldest']).default('newest').describe('Where a group that never committed begins'),
    maxConsumers: count.default(200).describe('Groups and topics consumed at once; each may hold a pool thread'),
    produceTimeoutMs: ms
      .default(30_000)
      .describe('How long a request is held back by a full queue or a missing broker'),
    shutdownTimeoutMs: z
      .number()
      .int()
      .min(0)
      .max(longestMs, tooLong)
      .default(5_000)
      .describe('How long closing waits for queued messages'),
    lingerMs: z
      .number()
      .min(0)
      .max(longestMs, tooLong)
      .default(1)
      .describe('How long a record waits for others to be sent with'),
    gatherMs: z
      .number()
      .int()
      .min(0)
      .max(longestMs, tooLong)
      .default(longestGatherMs)
      .describe(
        'Least time between two hand-overs to the producer of records that nobody waits for (no `sync`); up to 100 while many produce. What comes sooner waits; 0: nothing does',
      ),
  })
  .prefault({});

export type PoolConfig = z.infer<typeof poolConfig>;
