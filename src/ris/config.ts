// The `ris` section of the configuration.
import { z } from 'zod';
import { longestMs, tooLong } from '../core/longest.js';
import { defaultTopicTemplate, topicNamer } from './bmp/topic.js';
import { isProxy, proxyFrom } from './feed/proxy.js';
import { redisOptions } from './redis-url.js';

export { isProxy, proxyFrom, redisOptions };

const topicTemplate = z.string().check((context) => {
  try {
    topicNamer(context.value);
  } catch (error) {
    context.issues.push({ code: 'custom', message: (error as Error).message, input: context.value });
  }
});

/** Its error's text never holds the password. */
const redisUrl = z.string().check((context) => {
  try {
    redisOptions(context.value);
  } catch (error) {
    context.issues.push({ code: 'custom', message: (error as Error).message, input: undefined });
  }
});

const proxyUrl = z.string().refine(isProxy, {
  message: 'use http://[user:password@]host:port',
});

const collectorTemplate = z
  .string()
  .regex(/^[A-Za-z0-9._:-]*<collector>[A-Za-z0-9._:-]*$/, 'has to contain <collector>');

/** Collectors as `rrc00`, as `rrc00.ripe.net`, or `all`; one text with commas or a list. */
const hosts = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .transform((list) => list.map((host) => host.trim().toLowerCase().replace(/\..*$/, '')).filter((host) => host !== ''))
  .refine((list) => list.length > 0 && list.every((host) => /^[a-z0-9_-]{1,63}$/.test(host)), {
    message: 'name collectors like rrc00,rrc13, or all',
  });

const ms = z.number().int().max(longestMs, tooLong);
const size = z.number().int();

/** Durations in ms, sizes in bytes. */
export const risSchema = z.strictObject({
  host: hosts.describe('Collectors, like rrc00,rrc13, or all'),
  url: z
    .url({ protocol: /^wss?$/ })
    .default('wss://ris-live.ripe.net/v1/ws/')
    .describe("RIS Live's websocket"),
  proxy: proxyUrl
    .optional()
    .describe(
      "HTTP proxy to RIS Live, as http://[user:password@]host:port; '': none; absent: HTTPS_PROXY or HTTP_PROXY",
    ),
  clientId: z.string().max(100).default('rafka').describe('Client name sent to RIS Live'),
  topic: topicTemplate
    .default(defaultTopicTemplate)
    .describe('Topic of a peer; for the collector itself the AS number is replaced by meta'),
  topics: z
    .strictObject({
      create: z.boolean().default(true).describe('Create missing topics; false: leave it to the broker'),
      partitions: z.number().int().min(1).optional().describe("Their partitions; absent: the broker's default"),
      replicationFactor: z.number().int().min(1).optional().describe("Their replicas; absent: the broker's default"),
      config: z.record(z.string(), z.string()).optional().describe('Their topic settings, such as retention.ms'),
    })
    .default({ create: true })
    .describe('How missing topics are created'),
  key: z
    .enum(['peer', 'peer_asn', 'collector', 'id', 'none'])
    .default('peer')
    .describe('Record key; the default keeps the order of a peer on any number of partitions'),
  framing: z.enum(['bmp', 'obmp']).default('bmp').describe('Bare BMP, or with an OpenBMP 1.7 header'),
  raw: z.boolean().default(true).describe('Publish the exact BGP message; false: build it from the JSON'),
  headers: z.boolean().default(true).describe('Record headers: host, ris-id, part, synthetic'),
  timestamp: z
    .enum(['ris', 'produce'])
    .default('ris')
    .describe("A record's time: the RIS message's, or the time of producing"),
  reorderMs: ms.min(0).max(60_000).default(500).describe('How long a message waits for earlier ones'),
  late: z
    .enum(['drop', 'publish'])
    .default('drop')
    .describe('A message that arrives later than that is dropped, or published out of order'),
  maxAheadMs: ms
    .min(1_000)
    .default(60_000)
    .describe('A message dated further ahead of this clock keeps its time, but moves neither order nor progress'),
  redundancy: z.number().int().min(1).max(4).default(1).describe('Sockets for each collector'),
  staleMs: ms.min(1_000).default(60_000).describe('A socket without a message for this long is replaced'),
  connectTimeoutMs: ms.min(100).default(10_000).describe('Time limit for connecting to RIS Live'),
  backoffMinMs: ms.min(10).default(500).describe('First pause before reconnecting; doubled each time'),
  backoffMaxMs: ms.min(100).default(30_000).describe('Longest pause before reconnecting'),
  bufferBytes: size
    .min(65_536)
    .default(134_217_728)
    .describe('Memory for received lines of each collector until they are in Kafka'),
  commitMs: ms.min(1).max(10_000).default(100).describe('A transaction is committed after this time'),
  commitMessages: size.min(1).max(100_000).default(20_000).describe('Or with this many messages'),
  compression: z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('lz4').describe('Compression of the records'),
  transactionalId: collectorTemplate
    .default('ris:<collector>')
    .describe('The same for all replicas of a collector: Kafka fences former leaders by it'),
  transactionTimeoutMs: ms
    .min(5_000)
    .max(900_000)
    .default(60_000)
    .describe('Kafka aborts the transaction of a lost leader after this'),
  checkpointTopic: collectorTemplate
    .default('rafka.ris.<collector>.checkpoint')
    .describe("Compacted topic of a collector's progress"),
  checkpointReplication: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("Its replication factor; absent: the broker's default"),
  ha: z.boolean().default(true).describe('Elect a leader among replicas with Redis; false: run alone'),
  redis: redisUrl
    .default('redis://127.0.0.1:6379')
    .describe('Redis for the election; `rediss://` for TLS, `redis-sentinel://host,host/master`, `unix:///path`'),
  redisFile: z.string().optional().describe('File that holds `redis`, where the URL has a password'),
  redisTls: z
    .strictObject({
      caFile: z.string().optional().describe("Authorities that sign Redis' certificate (PEM); absent: Node's"),
      certFile: z.string().optional().describe('Certificate for Redis, with its chain (PEM)'),
      keyFile: z.string().optional().describe('Its private key (PEM)'),
      serverName: z.string().optional().describe("The name in Redis' certificate, where it is not the URL's host"),
    })
    .optional()
    .describe('TLS to Redis and its Sentinels'),
  redisPrefix: z.string().default('rafka:ris:').describe('Prefix of every key in Redis'),
  leaseTtlMs: ms.min(500).max(600_000).default(5_000).describe('How long a leader leads without renewing its lease'),
  progressMs: ms.min(0).default(10_000).describe('Interval of the progress line; 0: never'),
  shutdownTimeoutMs: ms.min(0).default(5_000).describe('Time limit for publishing what is left at a stop'),
});

export type RisConfig = z.output<typeof risSchema>;
export type RisConfigInput = z.input<typeof risSchema>;
