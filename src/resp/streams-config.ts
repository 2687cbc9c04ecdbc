// The `resp.streams` section: how Redis Streams, plain lists and pub/sub behave on Kafka; with defaults.
import { z } from 'zod';
import { isLegalGroupName } from '../core/group-name.js';
import { longestMs, tooLong } from '../core/longest.js';
import { groupFormFault } from '../core/streams/group-form.js';

const ms = z.int().nonnegative().max(longestMs, tooLong);
const bytes = z.int().nonnegative();
const count = z.int().positive();

export const streamsConfig = z
  .strictObject({
    valueField: z
      .array(z.string().min(1))
      .default(['value', 'data', 'payload', 'body', 'message', '__data__'])
      .describe("The first of these fields that is present becomes the record's value"),
    colonAs: z
      .string()
      .default('')
      .describe('Replacement for a colon of a stream name in the topic name; empty: refused'),
    groupId: z
      .string()
      .default('{group}.{stream}')
      .superRefine((template, { addIssue }) => {
        const fault = groupFormFault(template);
        if (fault !== undefined) addIssue({ code: 'custom', message: `'${template}' ${fault}` });
      })
      .describe(
        'Kafka group of a consumer group; {group} and {stream} are replaced. The separator is escaped as %2E in a group; {rawGroup} does not escape it',
      ),
    partitions: count
      .default(4)
      .describe(
        'Partitions of topics created by XADD and XGROUP CREATE MKSTREAM; on the embedded Kafka of all topics, at most four',
      ),
    replicationFactor: z.int().optional().describe("Replicas of such topics; absent: the brokers' default"),
    autoCreate: z.boolean().default(true).describe('XADD, RPUSH to a plain list and PUBLISH create a missing topic'),
    produceTimeoutMs: ms
      .min(1)
      .default(10_000)
      .describe('Without a delivery report for this long, XADD (and RPUSHX with `delivered`) answers an error'),
    lingerMs: z.number().nonnegative().max(longestMs, tooLong).default(0).describe("librdkafka's linger.ms for XADD"),
    commit: z
      .enum(['async', 'sync'])
      .default('async')
      .describe('XACK answers before (async) or after (sync) the commit of the group position'),
    commitIntervalMs: ms.default(1_000).describe('Commit interval of acknowledgements'),
    dispatch: z
      .enum(['shared', 'pinned'])
      .default('shared')
      .describe(
        'shared: an entry goes to the first member that asks; pinned: entries of one record key go to the same member',
      ),
    sessionTimeoutMs: ms
      .min(1)
      .default(10_000)
      .describe('A gateway that is silent for this long loses its partitions to the others'),
    idleMs: ms.default(60_000).describe('A group without callers and pending entries closes its consumer after this'),
    pendingTimeoutMs: ms
      .default(300_000)
      .describe('Pending entries of a member without an open socket are offered again after this'),
    maxPending: count
      .default(100_000)
      .describe('Maximum pending entries of one partition; beyond this none are handed out'),
    pendingBytes: bytes
      .default(2 * 1024 * 1024)
      .describe('Bytes of pending entries kept in memory per partition; others are read again'),
    maxDeliveries: z
      .int()
      .nonnegative()
      .default(0)
      .describe('An entry delivered this often without an ack goes to <topic>.dlq; 0: never'),
    clockSkewMs: ms
      .default(0)
      .describe(
        'XREAD behind an id that another gateway answered starts this much earlier if producers set the time: late records are not missed, and many are repeated',
      ),
    maxRange: count.default(10_000).describe('Maximum entries of one XRANGE, XREVRANGE or XREAD'),
    readTimeoutMs: ms.min(1).default(10_000).describe('Time limit for reading a range'),
    maxConsumers: count.default(200).describe('Maximum open Kafka consumers of groups and tails'),
    xdel: z
      .enum(['ignore', 'error'])
      .default('ignore')
      .describe('XDEL answers 0 or an error: Kafka cannot delete a record'),
    allowDelete: z.boolean().default(false).describe('DEL of a stream deletes its topic'),
    plainLists: z.boolean().default(false).describe('RPUSH, LPOP and the like on any key, in the shapes of Redis'),
    listGroup: z
      .string()
      .refine(isLegalGroupName, 'is no legal group name')
      .default('lists')
      .describe('Group for popping plain lists without CLIENT SETNAME'),
  })
  .prefault({});

export type StreamsConfig = z.infer<typeof streamsConfig>;
