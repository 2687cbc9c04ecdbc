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
      .describe("Fields of which the first that is present becomes the record's value"),
    colonAs: z.string().default('').describe('What a colon in a stream name becomes in the topic name; empty: refused'),
    groupId: z
      .string()
      .default('{group}.{stream}')
      .superRefine((template, { addIssue }) => {
        const fault = groupFormFault(template);
        if (fault !== undefined) addIssue({ code: 'custom', message: `'${template}' ${fault}` });
      })
      .describe(
        'Kafka group of a consumer group; {group} and {stream} are replaced. What separates them is written as %2E in a group; {rawGroup} writes it as it is',
      ),
    partitions: count
      .default(4)
      .describe(
        'Partitions of topics made by XADD and XGROUP CREATE MKSTREAM; on the embedded Kafka of all topics, and four at most',
      ),
    replicationFactor: z.int().optional().describe("Replicas of such topics; absent: the brokers' default"),
    autoCreate: z
      .boolean()
      .default(true)
      .describe('XADD, RPUSH to a plain list and PUBLISH make a topic that is missing'),
    produceTimeoutMs: ms
      .min(1)
      .default(10_000)
      .describe(
        'XADD, or RPUSHX that is answered when delivered, answers an error without a delivery report for so long',
      ),
    lingerMs: z.number().nonnegative().max(longestMs, tooLong).default(0).describe("librdkafka's linger.ms for XADD"),
    commit: z
      .enum(['async', 'sync'])
      .default('async')
      .describe('XACK answers before (async) or after (sync) the commit of the group position'),
    commitIntervalMs: ms.default(1_000).describe('How soon an acknowledgement is committed'),
    dispatch: z
      .enum(['shared', 'pinned'])
      .default('shared')
      .describe('Who gets an entry: the first who asks, or always the same member for one record key'),
    sessionTimeoutMs: ms
      .min(1)
      .default(10_000)
      .describe('A gateway that is not heard of for so long loses its partitions to the others'),
    idleMs: ms
      .default(60_000)
      .describe('A group without callers and pending entries gives its consumer back after this'),
    pendingTimeoutMs: ms
      .default(300_000)
      .describe('Pending entries of a member without an open socket are offered again after this'),
    maxPending: count.default(100_000).describe('Pending entries of one partition; more are not handed out'),
    pendingBytes: bytes
      .default(2 * 1024 * 1024)
      .describe('Bytes of pending entries kept per partition; others are read again'),
    maxDeliveries: z
      .int()
      .nonnegative()
      .default(0)
      .describe('An entry delivered so often without ack goes to <topic>.dlq; 0: never'),
    clockSkewMs: ms
      .default(0)
      .describe(
        'XREAD behind an id that another gateway answered begins so much earlier, where producers set the time: what came late is not missed, and much comes twice',
      ),
    maxRange: count.default(10_000).describe('Most entries of one XRANGE, XREVRANGE or XREAD'),
    readTimeoutMs: ms.min(1).default(10_000).describe('How long reading a range may take'),
    maxConsumers: count.default(200).describe('Kafka consumers of groups and tails open at once'),
    xdel: z
      .enum(['ignore', 'error'])
      .default('ignore')
      .describe('XDEL answers 0 or an error: Kafka cannot delete a record'),
    allowDelete: z.boolean().default(false).describe('DEL of a stream deletes its topic'),
    plainLists: z.boolean().default(false).describe('RPUSH, LPOP and their kin on any key, in the shapes of Redis'),
    listGroup: z
      .string()
      .refine(isLegalGroupName, 'is no legal group name')
      .default('lists')
      .describe('Group that plain lists are popped for without CLIENT SETNAME'),
  })
  .prefault({});

export type StreamsConfig = z.infer<typeof streamsConfig>;
